//! A simulation of everything: the real operator against models of both APIs, with every fault, and a judge.
//!
//! Decides what happens in which order, from a seed. Takes the operator as it is: its loop, its execution, its reads and
//! its journal run here as they run in a cluster, only that nothing is sent and no time goes by. Not in the image.

mod account;
mod case;
mod cluster;
mod ear;
mod machine;
mod oracle;
mod pem;
#[expect(clippy::indexing_slicing, reason = "a member of a JSON object that is not there is made")]
mod people;
mod play;
mod process;
mod request;
#[cfg(feature = "defects")]
#[expect(clippy::disallowed_methods, clippy::overly_complex_bool_expr, reason = "what is wrong is so on purpose")]
pub(crate) mod sabotage;
mod shrink;
#[expect(clippy::indexing_slicing, reason = "a member of a JSON object that is not there is made")]
mod spec;
mod stage;
mod tale;
mod wire;

pub use self::case::{Case, Deed, Layout, What, When};
pub use self::oracle::Breach;
pub use self::play::Outcome;
#[cfg(feature = "defects")]
pub use self::sabotage::Defect;
pub use self::shrink::shrink;

impl Case {
    /// Plays it to its end, or until something is broken.
    pub fn play(&self) -> Outcome {
        play::Play::new(self.clone(), false).play()
    }

    /// Plays it with an operator that has a defect.
    #[cfg(feature = "defects")]
    pub fn play_with(&self, defect: Defect) -> Outcome {
        sabotage::during(defect, || self.play())
    }

    /// The same, told in words.
    #[cfg(feature = "defects")]
    pub fn tell_with(&self, defect: Defect) -> Outcome {
        sabotage::during(defect, || self.tell())
    }

    /// Plays it to its end, told in words.
    pub fn tell(&self) -> Outcome {
        play::Play::new(self.clone(), true).play()
    }
}

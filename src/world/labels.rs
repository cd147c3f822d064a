//! The labels of a Secret that this program writes, each in its place, since every plan compares all of them.
//!
//! Takes as given that other labels are somebody else's; never holds one.

use super::key::Name;
use super::names;

/// The labels that this program writes, as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// [`names::APP`]
    pub app: Option<Name>,
    /// [`names::TEAM`]
    pub team: Option<Name>,
    /// [`names::TYPE`]
    pub kind: Option<Name>,
    /// [`names::PROTECTED`]
    pub protected: Option<Name>,
    /// [`names::SECRET_GENERATION`]
    pub secret_generation: Option<Name>,
}

impl Labels {
    /// Sets or removes one; does nothing for a label that is somebody else's.
    pub fn set(&mut self, label: &str, value: Option<Name>) {
        let place = match label {
            names::APP => &mut self.app,
            names::TEAM => &mut self.team,
            names::TYPE => &mut self.kind,
            names::PROTECTED => &mut self.protected,
            names::SECRET_GENERATION => &mut self.secret_generation,
            _ => return,
        };
        *place = value;
    }
}

impl Labels {
    /// Those that there are, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Name)> {
        let Labels { app, team, kind, protected, secret_generation } = self;
        let all = [
            (names::APP, app),
            (names::TEAM, team),
            (names::TYPE, kind),
            (names::PROTECTED, protected),
            (names::SECRET_GENERATION, secret_generation),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)))
    }
}

impl FromIterator<(Name, Name)> for Labels {
    fn from_iter<I: IntoIterator<Item = (Name, Name)>>(entries: I) -> Self {
        let mut labels = Labels::default();
        entries.into_iter().for_each(|(label, value)| labels.set(&label, Some(value)));
        labels
    }
}

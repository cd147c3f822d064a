//! Worlds out of any bytes, and what becomes of them: no panic, one plan, a clean one, on the way to rest as well.

use aivenator::sim;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::judge::judged;
use crate::support::build::world;
use crate::support::generate::input;

/// How often the world is planned and executed.
const ROUNDS: usize = 4;

/// See the module: the bytes choose which of the worlds it is that the strategies of the laws draw by lot elsewhere. That
/// they be what is drawn does not do: after their end come zeros, of which some strategies make nothing, for ever.
pub fn check(bytes: &[u8]) {
    let rng = TestRng::from_seed(RngAlgorithm::XorShift, &seed(bytes));
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let Ok(tree) = input().new_tree(&mut runner) else { return };
    let mut world = world(&tree.current());
    for _ in 0..ROUNDS {
        let plan = judged(&world);
        if !plan.changes() {
            break;
        }
        world = sim::execute(&world, &plan);
    }
}

/// A number of the bytes.
fn seed(bytes: &[u8]) -> [u8; 16] {
    let mut seed = [1_u8; 16];
    for (place, byte) in bytes.iter().enumerate() {
        let place = &mut seed[place % 16];
        *place = place.rotate_left(3) ^ byte;
    }
    seed
}

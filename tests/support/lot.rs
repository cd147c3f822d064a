//! Draws by a seed: the same seed gives the same row.

/// A row of draws (`SplitMix64`).
pub struct Lot(pub u64);

impl Lot {
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.draw() >> 33).unwrap() % end
    }

    pub fn meets(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

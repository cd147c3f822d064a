//! Chance by a seed: the same seed gives the same draws. Good for passwords that nothing rests on, and for nothing else.

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A row of draws (`SplitMix64`).
pub(in crate::sandbox) struct Chance(u64);

impl Chance {
    pub(in crate::sandbox) fn new(seed: u64) -> Self {
        Chance(seed)
    }

    /// Whether something of this probability happens.
    pub(in crate::sandbox) fn meets(&mut self, share: f64) -> bool {
        let draw = u32::try_from(self.draw() >> 32).unwrap_or(u32::MAX);
        f64::from(draw) < share * (f64::from(u32::MAX) + 1.0)
    }

    /// One of so many, counted from zero.
    pub(in crate::sandbox) fn below(&mut self, count: u64) -> u64 {
        self.draw() % count.max(1)
    }

    /// A text of that many letters, digits, dashes and underscores.
    pub(in crate::sandbox) fn text(&mut self, length: usize) -> String {
        let letter = |draw: u64| LETTERS.get(usize::try_from(draw >> 58).unwrap_or(0)).copied().unwrap_or(b'-');
        (0..length).map(|_| char::from(letter(self.draw()))).collect()
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

//! Random numbers that are the same wherever they are drawn.

/// SplitMix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014): its
/// output is fixed by its few lines, which is all that is asked of it here.
pub(super) struct SplitMix64(u64);

impl SplitMix64 {
    /// The generator whose first output is that of `seed`.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A whole number below `bound`: the upper 64 bits of the next output times `bound`. Each is
    /// as likely but for less than one part in 2⁵⁰ where `bound` is below 2¹⁴.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_published_one() {
        // The first outputs for seed 1234567, as Rosetta Code's page on SplitMix64 lists them.
        let mut generator = SplitMix64::new(1_234_567);
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973];
        assert_eq!([generator.next(), generator.next()], expected);
    }

    #[test]
    fn indices_are_the_upper_bits() {
        // 10 * 6457827717110365317 >> 64 and 10 * 3203168211198807973 >> 64
        let mut generator = SplitMix64::new(1_234_567);
        assert_eq!([generator.below(10), generator.below(10)], [3, 1]);
    }
}

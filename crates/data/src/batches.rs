//! Digits and pairs, some at a time.

use rand_core::RngCore;

use crate::digits::{Digits, SIDE};
use crate::pairs::{POOLED, PairSet};
use crate::permutation::permutation_start;

/// Some pairs of a set, one after another as they lie there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairBatch<'a> {
    /// (n, 2, 14, 14) row by row, 0 to 255.
    pub images: &'a [f32],
    /// (n, 2).
    pub classes: &'a [u8],
    /// 1 where the first class is at most the second, else 0; (n).
    pub targets: &'a [u8],
}

/// Some digits, one after another as they lie in their set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigitBatch<'a> {
    /// (n, 28, 28) row by row, 0 to 255.
    pub images: &'a [u8],
    /// 0 to 9; (n).
    pub labels: &'a [u8],
}

impl PairBatch<'_> {
    /// What all first digits show, then what all second ones show: (2, n).
    pub fn classes_by_place(&self) -> impl Iterator<Item = u8> {
        [0, 1].into_iter().flat_map(|place| self.classes.iter().skip(place).step_by(2).copied())
    }
}

impl PairSet {
    /// The pairs in their order, `size` at a time; the last batch may be short.
    ///
    /// ```
    /// use pairnet_data::{Mnist, draw_pairs};
    /// use rand_chacha::ChaCha8Rng;
    /// use rand_chacha::rand_core::SeedableRng;
    ///
    /// # fn main() -> Result<(), pairnet_data::DataError> {
    /// let mut rng = ChaCha8Rng::seed_from_u64(0);
    /// let pairs = draw_pairs(&Mnist::shipped()?.train, 1_000, &mut rng)?;
    /// for _epoch in 0..2 {
    ///     for batch in pairs.shuffled(&mut rng).batches(64) {
    ///         let n = batch.targets.len(); // 64, and 40 at last
    ///         assert_eq!(batch.images.len(), n * 2 * 14 * 14);
    ///         // Tensor::from_slice(batch.images, (n, 2, 14, 14), &device)?
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Where `size` is 0.
    pub fn batches(&self, size: usize) -> impl ExactSizeIterator<Item = PairBatch<'_>> {
        let images = self.images().chunks(size.saturating_mul(2 * POOLED));
        let classes = self.classes().chunks(size.saturating_mul(2));
        let targets = self.targets().chunks(size);
        let parts = images.zip(classes).zip(targets);
        parts.map(|((images, classes), targets)| PairBatch { images, classes, targets })
    }

    /// The same pairs in a random order.
    ///
    /// The order is Fisher and Yates's, drawn from `rng`; it stays what it is in every version of this
    /// crate.
    pub fn shuffled(&self, rng: &mut impl RngCore) -> Self {
        self.in_order(&order(self.len(), rng))
    }
}

impl Digits {
    /// The digits in their order, `size` at a time; the last batch may be short.
    ///
    /// ```
    /// use pairnet_data::Mnist;
    ///
    /// let test = Mnist::shipped()?.test;
    /// let sizes: Vec<usize> = test.batches(3_000).map(|batch| batch.labels.len()).collect();
    /// assert_eq!(sizes, [3_000, 3_000, 3_000, 1_000]);
    /// # Ok::<(), pairnet_data::DataError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// Where `size` is 0.
    pub fn batches(&self, size: usize) -> impl ExactSizeIterator<Item = DigitBatch<'_>> {
        let images = self.images().chunks(size.saturating_mul(SIDE * SIDE));
        let parts = images.zip(self.labels().chunks(size));
        parts.map(|(images, labels)| DigitBatch { images, labels })
    }

    /// The same digits in a random order, as [`PairSet::shuffled`] draws it.
    pub fn shuffled(&self, rng: &mut impl RngCore) -> Self {
        self.in_order(&order(self.len(), rng))
    }
}

/// Indices need 32 bits: what is in memory has fewer images than those count.
fn order(length: usize, rng: &mut impl RngCore) -> Vec<u32> {
    permutation_start(length as u32, length, rng)
}

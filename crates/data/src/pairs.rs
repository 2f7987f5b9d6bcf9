//! Pairs of digits, pooled to 14×14, and whether the first is at most the second.

use rand_core::RngCore;

use crate::digits::{Digits, SIDE};
use crate::error::DataError;
use crate::gather::gather;
use crate::mnist::Mnist;
use crate::permutation::permutation_start;
use crate::split::Split;
use crate::torch::TorchGenerator;

/// Pixels of a pooled digit.
pub(crate) const POOLED: usize = (SIDE / 2) * (SIDE / 2);

/// n pairs of digits.
#[derive(Clone, Debug, PartialEq)]
pub struct PairSet {
    images: Vec<f32>,
    classes: Vec<u8>,
    targets: Vec<u8>,
    indices: Vec<[u32; 2]>,
}

impl PairSet {
    /// Pairs of the digits with these indices. A digit may be in as many pairs as one likes.
    ///
    /// ```
    /// use pairnet_data::{Digits, PairSet};
    ///
    /// let digits = Digits::new(vec![0; 3 * 784], vec![5, 0, 4])?;
    /// let pairs = PairSet::of(&digits, vec![[0, 1], [2, 0]])?;
    /// assert_eq!((pairs.classes(), pairs.targets()), (&[5, 0, 4, 5][..], &[0, 1][..]));
    /// # Ok::<(), pairnet_data::DataError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Where an index is not below [`Digits::len`].
    pub fn of(digits: &Digits, indices: Vec<[u32; 2]>) -> Result<Self, DataError> {
        let order = indices.as_flattened();
        if let Some(place) = order.iter().position(|&index| index as usize >= digits.len()) {
            let (pair, index, digits) = (place / 2, order[place], digits.len());
            return Err(DataError::NoDigit { pair, index, digits });
        }
        let mut images = Vec::with_capacity(order.len() * POOLED);
        for &index in order {
            images.extend(pool(digits.image(index as usize)));
        }
        let classes: Vec<u8> = order.iter().map(|&index| digits.label(index as usize)).collect();
        let targets = classes.chunks_exact(2).map(|pair| u8::from(pair[0] <= pair[1])).collect();
        Ok(Self { images, classes, targets, indices })
    }

    /// Its pairs at these places, in this order.
    pub(crate) fn in_order(&self, order: &[u32]) -> Self {
        Self {
            images: gather(&self.images, 2 * POOLED, order),
            classes: gather(&self.classes, 2, order),
            targets: gather(&self.targets, 1, order),
            indices: gather(&self.indices, 1, order),
        }
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// The pooled digits, (n, 2, 14, 14) row by row, 0 to 255.
    pub fn images(&self) -> &[f32] {
        &self.images
    }

    /// What the digits show, (n, 2).
    pub fn classes(&self) -> &[u8] {
        &self.classes
    }

    /// 1 where the first class is at most the second, else 0; (n).
    pub fn targets(&self) -> &[u8] {
        &self.targets
    }

    /// Which digits of the split the pairs are made of.
    pub fn indices(&self) -> &[[u32; 2]] {
        &self.indices
    }
}

/// `count` pairs of `digits`, none of which is used twice.
///
/// They are the first 2·`count` places of a random permutation, two a pair.
///
/// # Errors
///
/// Where there are fewer than 2·`count` digits.
pub fn draw_pairs(
    digits: &Digits,
    count: usize,
    rng: &mut impl RngCore,
) -> Result<PairSet, DataError> {
    first_pairs(digits, count, |length, count| permutation_start(length, count, rng))
}

/// `count` pairs of `split`, as a PyTorch program draws them that seeds its generator once and then
/// draws train and test pairs again and again; none of a set's digits is used twice.
///
/// ```python
/// torch.manual_seed(seed)
/// for draw in …:  # counted from 0
///     train = torch.randperm(len(train_digits))[: 2 * count].reshape(count, 2)
///     test = torch.randperm(len(test_digits))[: 2 * count].reshape(count, 2)
/// ```
///
/// ```
/// use pairnet_data::{Mnist, Split, torch_pairs};
///
/// let mnist = Mnist::shipped()?;
/// let pairs = torch_pairs(&mnist, Split::Train, 1_000, (0, 0))?; // seed 0, the first draw
/// assert_eq!(pairs.indices()[..2], [[36_044, 10_678], [57_327, 55_074]]);
/// # Ok::<(), pairnet_data::DataError>(())
/// ```
///
/// How many pairs are taken does not change what later draws are: a permutation takes as many
/// outputs of the generator as it is long, less one.
///
/// # Errors
///
/// Where the split has fewer than 2·`count` digits.
pub fn torch_pairs(
    mnist: &Mnist,
    split: Split,
    count: usize,
    (seed, draw): (u64, usize),
) -> Result<PairSet, DataError> {
    let mut generator = TorchGenerator::new(seed);
    let mut pass = |split| generator.randperm_start(mnist.split(split).len() as u32, 0);
    for _ in 0..draw {
        pass(Split::Train);
        pass(Split::Test);
    }
    if split == Split::Test {
        pass(Split::Train);
    }
    first_pairs(mnist.split(split), count, |n, count| generator.randperm_start(n, count))
        .map_err(|error| error.of_split(split))
}

/// `count` pairs of the first 2·`count` places of a permutation of `digits`.
fn first_pairs(
    digits: &Digits,
    count: usize,
    permutation_start: impl FnOnce(u32, usize) -> Vec<u32>,
) -> Result<PairSet, DataError> {
    if digits.len() / 2 < count {
        return Err(DataError::TooFewDigits { pairs: count, digits: digits.len() });
    }
    let order = permutation_start(digits.len() as u32, 2 * count);
    let (pairs, _) = order.as_chunks::<2>();
    PairSet::of(digits, pairs.to_vec())
}

/// The mean of each 2×2 window of a 28×28 image: 14×14 values from 0 to 255, row by row.
///
/// # Panics
///
/// Where the image has not 784 bytes.
pub fn pool(image: &[u8]) -> impl Iterator<Item = f32> {
    assert_eq!(image.len(), SIDE * SIDE, "bytes of an image");
    let mut pooled = [0.0; POOLED];
    for (means, rows) in pooled.chunks_exact_mut(SIDE / 2).zip(image.chunks_exact(2 * SIDE)) {
        let (upper, lower) = rows.split_at(SIDE);
        let windows = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
        for (mean, (&[a, b], &[c, d])) in means.iter_mut().zip(windows) {
            let sum: u16 = [a, b, c, d].into_iter().map(u16::from).sum();
            *mean = f32::from(sum) / 4.0;
        }
    }
    pooled.into_iter()
}

//! Pairs of digits, pooled to 14×14, and whether the first is at most the second.

use rand_core::RngCore;

use crate::digits::{Digits, SIDE};
use crate::error::DataError;

/// Pixels of a pooled digit.
const POOLED: usize = (SIDE / 2) * (SIDE / 2);

/// n pairs of digits.
#[derive(Clone, Debug, PartialEq)]
pub struct PairSet {
    images: Vec<f32>,
    classes: Vec<u8>,
    targets: Vec<u8>,
    indices: Vec<[u32; 2]>,
}

impl PairSet {
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
    if digits.len() / 2 < count {
        return Err(DataError::TooFewDigits { pairs: count, digits: digits.len() });
    }
    let order = permutation_start(digits.len(), 2 * count, rng);
    let mut pairs = PairSet {
        images: Vec::with_capacity(order.len() * POOLED),
        classes: Vec::with_capacity(order.len()),
        targets: Vec::with_capacity(count),
        indices: Vec::with_capacity(count),
    };
    for index in &order {
        pairs.images.extend(pool(digits.image(*index as usize)));
        pairs.classes.push(digits.label(*index as usize));
    }
    let targets = pairs.classes.chunks_exact(2).map(|pair| u8::from(pair[0] <= pair[1]));
    pairs.targets.extend(targets);
    pairs.indices.extend(order.chunks_exact(2).map(|pair| [pair[0], pair[1]]));
    Ok(pairs)
}

/// The mean of each 2×2 window of a 28×28 image: 14×14 values from 0 to 255, row by row.
pub fn pool(image: &[u8]) -> impl Iterator<Item = f32> {
    let half = SIDE / 2;
    (0..POOLED).map(move |place| {
        let corner = 2 * (place / half) * SIDE + 2 * (place % half);
        let window = [corner, corner + 1, corner + SIDE, corner + SIDE + 1];
        let sum: u16 = window.iter().map(|&pixel| u16::from(image[pixel])).sum();
        f32::from(sum) / 4.0
    })
}

/// The first `count` places of a random permutation of 0..`length`.
///
/// Fisher and Yates's shuffle from the front, written out because its result must not change with
/// a library's version.
fn permutation_start(length: usize, count: usize, rng: &mut impl RngCore) -> Vec<u32> {
    let mut order: Vec<u32> = (0..length as u32).collect();
    for place in 0..count {
        let other = place + below((length - place) as u32, rng) as usize;
        order.swap(place, other);
    }
    order.truncate(count);
    order
}

/// A uniform number below `bound`, by Lemire's method (Fast Random Integer Generation in an
/// Interval, 2019, algorithm 5).
fn below(bound: u32, rng: &mut impl RngCore) -> u32 {
    let threshold = bound.wrapping_neg() % bound;
    loop {
        let product = u64::from(rng.next_u32()) * u64::from(bound);
        // Low parts under the threshold would make some results likelier than others.
        if product as u32 >= threshold {
            return (product >> 32) as u32;
        }
    }
}

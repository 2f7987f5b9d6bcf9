//! Random permutations, whose result must not change with a library's version.

use rand_core::RngCore;

/// The first `count` places of a random permutation of 0..`length`.
///
/// Fisher and Yates's shuffle from the front, written out.
pub(crate) fn permutation_start(length: u32, count: usize, rng: &mut impl RngCore) -> Vec<u32> {
    let mut order: Vec<u32> = (0..length).collect();
    for place in 0..count {
        let other = place + below(length - place as u32, rng) as usize;
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

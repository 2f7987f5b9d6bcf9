//! Sums of many values that stay exact: pairwise, with totals in f64.
//!
//! Values that are added one after another lose a part that grows with their number. Here no more than
//! [`SHORT`] are; the rest of the way is a tree (pairwise summation, Higham, 1993). The tree follows
//! from the number of values alone, so a sum has the same bits on any number of threads.

use std::ops::Range;

use crate::element::Element;
use crate::kernels::parts;

/// Values that are added one after another.
const SHORT: usize = 32;

/// Values that a thread takes at a time.
pub(crate) const BLOCK: usize = 16_384;

/// The sum of some values, on this thread.
pub(crate) fn sum<T: Element>(values: &[T]) -> f64 {
    if values.len() <= SHORT {
        return values.iter().fold(T::ZERO, |sum, &value| sum + value).to_f64();
    }
    let (first, second) = values.split_at(half(values.len()));
    sum(first) + sum(second)
}

/// The sum of `term` of each number below `count`; a thread takes `block` of them at a time.
pub(crate) fn total(count: usize, block: usize, term: impl Fn(usize) -> f64 + Sync) -> f64 {
    let block = block.max(1);
    if count <= block {
        return sum_of(0..count, &term);
    }
    let starts = (0..count).step_by(block);
    sum(&parts::map(starts, |start| sum_of(start..count.min(start + block), &term)))
}

fn sum_of(range: Range<usize>, term: &impl Fn(usize) -> f64) -> f64 {
    if range.len() <= SHORT {
        return range.fold(0.0, |sum, index| sum + term(index));
    }
    let middle = range.start + half(range.len());
    sum_of(range.start..middle, term) + sum_of(middle..range.end, term)
}

/// Where a sum of more than [`SHORT`] values is split: behind whole short ones.
fn half(length: usize) -> usize {
    (length / 2).next_multiple_of(SHORT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_there_once() {
        for count in (0..200usize).chain([1023, 1024, 1025, 40_000]) {
            let numbers: Vec<f64> = (0..count).map(|number| number as f64).collect();
            let expected = (0..count).sum::<usize>() as f64;
            assert_eq!(sum(&numbers), expected, "{count} values");
            assert_eq!(total(count, 100, |number| number as f64), expected, "{count} terms");
        }
    }

    #[test]
    fn length_costs_nothing() {
        let tenth = 0.1f32;
        for count in [10, 1_000, 1_000_000] {
            let exact = f64::from(tenth) * count as f64;
            let unit = exact * f64::from(f32::EPSILON);
            let found = sum(&vec![tenth; count]);
            assert!((found - exact).abs() <= 4.0 * unit, "{count}: {found}, {exact} was expected");
        }
    }
}

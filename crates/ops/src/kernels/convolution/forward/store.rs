//! What becomes of a tile's sums: ReLU, max pooling, and a place in the result.

use std::mem::MaybeUninit;

use pulp::Simd;

use crate::element::Element;
use crate::kernels::vectors::{self, WINDOW, first_maximum, write_places};

/// Writes a tile's sums of the first `count` positions to `results`, rows of so many outputs, from output
/// `first` on.
#[inline(always)]
pub(super) fn store<T: Element, S: Simd, const VECTORS: usize, const POSITIONS: usize>(
    simd: S,
    sums: [[T::Vector<S>; VECTORS]; POSITIONS],
    results: &mut [MaybeUninit<T>],
    (count, outputs, first): (usize, usize, usize),
    rectified: bool,
) {
    for position in 0..POSITIONS {
        for vector in 0..VECTORS {
            let mut sum = sums[position][vector];
            if rectified {
                sum = vectors::relu::<T, S>(simd, sum);
            }
            if position < count {
                let row = &mut results[position * outputs..][..outputs];
                if let Some(target) = row.get_mut(first + vector * T::lanes::<S>()..) {
                    T::write(simd, target, sum);
                }
            }
        }
    }
}

/// Writes the rectified maxima of a tile's first `count` windows, and the place of each, to rows of so
/// many outputs, from output `first` on.
#[inline(always)]
pub(super) fn store_maxima<T: Element, S: Simd, const VECTORS: usize, const POSITIONS: usize>(
    simd: S,
    sums: [[T::Vector<S>; VECTORS]; POSITIONS],
    (result, places): (&mut [MaybeUninit<T>], &mut [MaybeUninit<u8>]),
    (count, outputs, first): (usize, usize, usize),
) {
    for window in 0..POSITIONS / WINDOW {
        for vector in 0..VECTORS {
            let mut values = [sums[0][0]; WINDOW];
            for place in 0..WINDOW {
                values[place] = sums[window * WINDOW + place][vector];
            }
            let (largest, place) = first_maximum::<T, S>(simd, values);
            let largest = vectors::relu::<T, S>(simd, largest);
            let own = first + vector * T::lanes::<S>()..outputs;
            if window < count && !own.is_empty() {
                let row = window * outputs..(window + 1) * outputs;
                T::write(simd, &mut result[row.clone()][own.clone()], largest);
                write_places::<T, S>(simd, &mut places[row][own], place);
            }
        }
    }
}

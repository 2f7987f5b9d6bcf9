//! What becomes of a tile's sums: ReLU, max pooling, and a place in the result.

use std::mem::MaybeUninit;

use pulp::Simd;

use super::super::Then;
use crate::element::Element;
use crate::kernels::vectors::{WINDOW, first_maximum, write_places};

/// The least that a result may be: zero behind ReLU.
#[inline(always)]
pub(in super::super) fn floor<T: Element, S: Simd>(simd: S, then: Then) -> T::Vector<S> {
    let least = if then == Then::Nothing { T::from_f64(f64::NEG_INFINITY) } else { T::ZERO };
    T::splat(simd, least)
}

/// The greater of both, or NaN where the sum is.
#[inline(always)]
pub(in super::super) fn at_least<T: Element, S: Simd>(
    simd: S,
    floor: T::Vector<S>,
    sum: T::Vector<S>,
) -> T::Vector<S> {
    T::select(simd, T::above(simd, floor, sum), floor, sum)
}

/// Writes a tile's sums, none below `floor`, to `results`: rows of so many outputs, from output `first` on. There are
/// fewer rows than positions where the tile is the last of an image.
#[inline(always)]
pub(super) fn store<T: Element, S: Simd, const VECTORS: usize, const POSITIONS: usize>(
    simd: S,
    sums: [[T::Vector<S>; VECTORS]; POSITIONS],
    results: &mut [MaybeUninit<T>],
    (outputs, first): (usize, usize),
    floor: T::Vector<S>,
) {
    let (lanes, width) = (T::lanes::<S>(), VECTORS * T::lanes::<S>());
    let whole = first + width <= outputs;
    for position in 0..POSITIONS {
        let Some(row) = results.get_mut(position * outputs..(position + 1) * outputs) else {
            return;
        };
        let row = &mut row[first..];
        if whole {
            let row = &mut row[..width];
            for vector in 0..VECTORS {
                let sum = at_least::<T, S>(simd, floor, sums[position][vector]);
                T::write(simd, &mut row[vector * lanes..][..lanes], sum);
            }
        } else {
            for vector in 0..VECTORS {
                let sum = at_least::<T, S>(simd, floor, sums[position][vector]);
                if let Some(target) = row.get_mut(vector * lanes..) {
                    T::write(simd, target, sum);
                }
            }
        }
    }
}

/// Writes the rectified maxima of a tile's windows, and the place of each, to rows of so many outputs, from output
/// `first` on. There are fewer rows than windows where the tile is the last of an image.
#[inline(always)]
pub(in super::super) fn store_maxima<
    T: Element,
    S: Simd,
    const VECTORS: usize,
    const POSITIONS: usize,
>(
    simd: S,
    sums: [[T::Vector<S>; VECTORS]; POSITIONS],
    (result, places): (&mut [MaybeUninit<T>], &mut [MaybeUninit<u8>]),
    (outputs, first): (usize, usize),
) {
    let lanes = T::lanes::<S>();
    let zero = T::splat(simd, T::ZERO);
    for window in 0..POSITIONS / WINDOW {
        let row = window * outputs..(window + 1) * outputs;
        let (Some(result), Some(places)) = (result.get_mut(row.clone()), places.get_mut(row))
        else {
            return;
        };
        for vector in 0..VECTORS {
            let mut values = [zero; WINDOW];
            for place in 0..WINDOW {
                values[place] = sums[window * WINDOW + place][vector];
            }
            let (largest, place) = first_maximum::<T, S>(simd, values);
            let largest = at_least::<T, S>(simd, zero, largest);
            let own = first + vector * lanes;
            if own + lanes <= outputs {
                T::write(simd, &mut result[own..][..lanes], largest);
                write_places::<T, S>(simd, &mut places[own..][..lanes], place);
            } else if own < outputs {
                T::write(simd, &mut result[own..], largest);
                write_places::<T, S>(simd, &mut places[own..], place);
            }
        }
    }
}

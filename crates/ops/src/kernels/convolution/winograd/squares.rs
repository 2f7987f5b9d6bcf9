//! Squares of vectors that lie apart, from the beginning of a slice on.

use pulp::Simd;

use super::Transform;
use crate::element::Element;

/// Panics unless a square whose rows and columns are so far apart, of vectors of so many values, lies within so many
/// values.
#[inline(always)]
fn check<const SIDE: usize>((row, column): (usize, usize), vector: usize, values: usize) {
    let last = row.saturating_add(column).saturating_mul(SIDE - 1);
    assert!(last.saturating_add(vector) <= values, "a square within {values} values");
}

/// The transform of a square of vectors whose rows and columns are so far apart; of the columns' values so many came
/// before.
///
/// Each row is transformed as soon as it is loaded: there are too few registers for all of them.
#[inline(always)]
pub(in super::super) fn transformed<
    T: Element,
    S: Simd,
    F: Transform<SIDE, RESULTS>,
    const SIDE: usize,
    const RESULTS: usize,
>(
    simd: S,
    values: &[T],
    (row, column, before): (usize, usize, usize),
) -> [[T::Vector<S>; RESULTS]; RESULTS] {
    let lanes = T::lanes::<S>();
    let zero = T::splat(simd, T::ZERO);
    let mut rows = [[zero; RESULTS]; SIDE];
    if before + lanes <= column {
        check::<SIDE>((row, column), lanes, values.len());
        for y in 0..SIDE {
            let mut line = [zero; SIDE];
            for x in 0..SIDE {
                let place = y * row + x * column;
                // SAFETY: the last of them is within the slice.
                #[expect(unsafe_code, reason = "a check for each took longer than the transform")]
                let values = unsafe { values.get_unchecked(place..place + lanes) };
                line[x] = T::load(simd, values);
            }
            rows[y] = F::line::<T, S>(simd, line);
        }
    } else {
        for y in 0..SIDE {
            let mut line = [zero; SIDE];
            for x in 0..SIDE {
                line[x] = T::load(simd, &values[y * row + x * column..][..column - before]);
            }
            rows[y] = F::line::<T, S>(simd, line);
        }
    }
    let mut result = [[zero; RESULTS]; RESULTS];
    for column in 0..RESULTS {
        let mut values = [zero; SIDE];
        for row in 0..SIDE {
            values[row] = rows[row][column];
        }
        let values = F::line::<T, S>(simd, values);
        for row in 0..RESULTS {
            result[row][column] = values[row];
        }
    }
    result
}

/// Adds to the vectors that [`transformed`] loads.
#[inline(always)]
pub(in super::super) fn add_square<T: Element, S: Simd, const SIDE: usize>(
    simd: S,
    values: &mut [T],
    (row, column, before): (usize, usize, usize),
    square: [[T::Vector<S>; SIDE]; SIDE],
) {
    let lanes = T::lanes::<S>();
    if before + lanes <= column {
        check::<SIDE>((row, column), lanes, values.len());
        for y in 0..SIDE {
            for x in 0..SIDE {
                let place = y * row + x * column;
                // SAFETY: the last of them is within the slice.
                #[expect(unsafe_code, reason = "a check for each took longer than the transform")]
                let values = unsafe { values.get_unchecked_mut(place..place + lanes) };
                T::store(simd, values, T::plus(simd, T::load(simd, values), square[y][x]));
            }
        }
    } else {
        for y in 0..SIDE {
            for x in 0..SIDE {
                let values = &mut values[y * row + x * column..][..column - before];
                T::store(simd, values, T::plus(simd, T::load(simd, values), square[y][x]));
            }
        }
    }
}

/// Writes a vector for each place of a square, each so far from the one before.
#[inline(always)]
pub(in super::super) fn store_places<T: Element, S: Simd, const SIDE: usize>(
    simd: S,
    values: &mut [T],
    apart: usize,
    square: [[T::Vector<S>; SIDE]; SIDE],
) {
    let lanes = T::lanes::<S>();
    check::<SIDE>((SIDE * apart, apart), lanes, values.len());
    for y in 0..SIDE {
        for x in 0..SIDE {
            let place = (y * SIDE + x) * apart;
            // SAFETY: the last of them is within the slice.
            #[expect(unsafe_code, reason = "a check for each took longer than the transform")]
            let values = unsafe { values.get_unchecked_mut(place..place + lanes) };
            T::store(simd, values, square[y][x]);
        }
    }
}

//! Squares of vectors, transformed, added to and written.

use pulp::Simd;

use super::Transform;
use crate::element::Element;
use crate::kernels::grid::{Grid, GridMut};

/// The transform of a square of vectors whose rows and columns are so far apart; of the columns' values so many came
/// before.
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
    let rows = if before + lanes <= column {
        rows::<T, S, F, _, _>(simd, Grid::new(simd, values, (row, column), lanes))
    } else {
        rows::<T, S, F, _, _>(simd, Grid::new(simd, values, (row, column), column - before))
    };
    let mut result = [[rows[0][0]; RESULTS]; RESULTS];
    for column in 0..RESULTS {
        let mut values = [rows[0][0]; SIDE];
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

/// The transform of each row, as soon as it is loaded: there are too few registers for all of them.
#[inline(always)]
fn rows<
    T: Element,
    S: Simd,
    F: Transform<SIDE, RESULTS>,
    const SIDE: usize,
    const RESULTS: usize,
>(
    simd: S,
    square: Grid<'_, T, S, SIDE, SIDE>,
) -> [[T::Vector<S>; RESULTS]; SIDE] {
    let mut rows = [[T::splat(simd, T::ZERO); RESULTS]; SIDE];
    for row in 0..SIDE {
        rows[row] = F::line::<T, S>(simd, square.row(row));
    }
    rows
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
        add(GridMut::new(simd, values, (row, column), lanes), square);
    } else {
        add(GridMut::new(simd, values, (row, column), column - before), square);
    }
}

#[inline(always)]
fn add<T: Element, S: Simd, const SIDE: usize>(
    mut target: GridMut<'_, T, S, SIDE, SIDE>,
    square: [[T::Vector<S>; SIDE]; SIDE],
) {
    for y in 0..SIDE {
        for x in 0..SIDE {
            target.add(y, x, square[y][x]);
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
    let apart = (SIDE * apart, apart);
    let mut target = GridMut::<T, S, SIDE, SIDE>::new(simd, values, apart, T::lanes::<S>());
    for y in 0..SIDE {
        for x in 0..SIDE {
            target.set(y, x, square[y][x]);
        }
    }
}

//! Rows of a matrix, of which some are added up with factors.

use std::mem::MaybeUninit;
use std::ops::Range;

use pulp::Simd;

use crate::element::Element;
use crate::kernels::lines::Lines;
use crate::kernels::matmul::Matrix;
use crate::kernels::transposed::transpose;

/// Sums that are made together, of the same rows with factors of their own.
pub(super) const TOGETHER: usize = 2;

/// Vectors of a row that are added up at a time, at most: for both sums as many as there are registers for,
/// beside what is multiplied.
const VECTORS: usize = 7;

/// A matrix whose rows each begin a cache line, and lie an odd number of lines apart, so that those of one column
/// spread over the cache.
pub(super) struct Rows<T> {
    values: Lines<T>,
    columns: usize,
    apart: usize,
}

impl<T: Element> Rows<T> {
    fn zeros(count: usize, columns: usize) -> Self {
        let line = 64 / size_of::<T>();
        let apart = (columns.div_ceil(line) | 1) * line;
        Self { values: Lines::zeros(count * apart), columns, apart }
    }

    /// Some columns of a matrix.
    pub(super) fn copied(matrix: Matrix<'_, T>, columns: Range<usize>) -> Self {
        let mut rows = Self::zeros(matrix.rows(), columns.len());
        for (row, values) in rows.values.chunks_exact_mut(rows.apart).enumerate() {
            values[..rows.columns].copy_from_slice(&matrix.row(row)[columns.clone()]);
        }
        rows
    }

    pub(super) fn transposed(matrix: Matrix<'_, T>) -> Self {
        let (count, columns) = (matrix.columns(), matrix.rows());
        let mut rows = Self::zeros(count, columns);
        transpose((matrix.values(), count), (columns, count), (&mut rows.values, rows.apart));
        rows
    }

    /// Writes to each of `results` the sum of the rows at `places` with the `factors` that are there: all of it, and
    /// nothing to one that is empty.
    #[inline(always)]
    pub(super) fn combine<S: Simd>(
        &self,
        simd: S,
        factors: [&[T]; TOGETHER],
        places: &[usize],
        mut results: [&mut [MaybeUninit<T>]; TOGETHER],
    ) {
        for result in &results {
            assert!(result.is_empty() || result.len() == self.columns, "a row of the result");
        }
        let lanes = T::lanes::<S>();
        let most = if S::REGISTER_COUNT < 32 { 4 } else { VECTORS };
        let vectors = self.columns.div_ceil(lanes);
        let panels = vectors.div_ceil(most);
        for panel in 0..panels {
            let (from, to) = (vectors * panel / panels, vectors * (panel + 1) / panels);
            let lines = &self.values[from * lanes..];
            let panel = Panel { lines, apart: self.apart, factors, places };
            let targets =
                results.each_mut().map(|result| result.get_mut(from * lanes..).unwrap_or_default());
            match to - from {
                1 => panel.add::<S, 1>(simd, targets),
                2 => panel.add::<S, 2>(simd, targets),
                3 => panel.add::<S, 3>(simd, targets),
                4 => panel.add::<S, 4>(simd, targets),
                5 => panel.add::<S, 5>(simd, targets),
                6 => panel.add::<S, 6>(simd, targets),
                _ => panel.add::<S, VECTORS>(simd, targets),
            }
        }
    }
}

/// Some columns of the rows, and what of them is added up.
struct Panel<'a, T> {
    lines: &'a [T],
    /// From one row to the next.
    apart: usize,
    factors: [&'a [T]; TOGETHER],
    places: &'a [usize],
}

impl<T: Element> Panel<'_, T> {
    #[inline(always)]
    fn add<S: Simd, const COUNT: usize>(
        &self,
        simd: S,
        targets: [&mut [MaybeUninit<T>]; TOGETHER],
    ) {
        let lanes = T::lanes::<S>();
        let mut sums = [[T::splat(simd, T::ZERO); COUNT]; TOGETHER];
        for &place in self.places {
            let line = &self.lines[place * self.apart..][..COUNT * lanes];
            let factors = self.factors.map(|factors| T::splat(simd, factors[place]));
            for vector in 0..COUNT {
                let values = T::load(simd, &line[vector * lanes..][..lanes]);
                for row in 0..TOGETHER {
                    sums[row][vector] = T::fma(simd, factors[row], values, sums[row][vector]);
                }
            }
        }
        for row in 0..TOGETHER {
            for vector in 0..COUNT {
                if let Some(target) = targets[row].get_mut(vector * lanes..) {
                    T::write(simd, target, sums[row][vector]);
                }
            }
        }
    }
}

/// Room for the places where one of two rows has a factor.
pub(super) struct Places {
    taken: Vec<bool>,
    places: Vec<usize>,
}

impl Places {
    pub(super) fn new(depth: usize) -> Self {
        Self { taken: vec![false; depth], places: vec![0; depth] }
    }

    #[inline(always)]
    pub(super) fn of<T: Element>(&mut self, [one, other]: [&[T]; TOGETHER]) -> &[usize] {
        for ((taken, &a), &b) in self.taken.iter_mut().zip(one).zip(other) {
            *taken = (a != T::ZERO) | (b != T::ZERO);
        }
        let mut count = 0;
        for (place, &taken) in self.taken.iter().enumerate() {
            // Written without a branch, and counted only where it is to stay.
            self.places[count] = place;
            count += usize::from(taken);
        }
        &self.places[..count]
    }
}

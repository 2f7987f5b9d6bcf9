//! What minimal filtering multiplies: a matrix for each place of the tiles' squares.

use std::ops::Range;

use pulp::Simd;

use super::squares::{store_places, transformed};
use super::{Filtering, Transform};
use crate::element::Element;
use crate::kernels::convolution::Geometry;
use crate::kernels::lines::Lines;
use crate::kernels::matmul::tile::Tile;
use crate::memory::places;

/// A matrix for each place of a square, of a row a tile. Rows are filled up to whole vectors.
pub(in super::super) struct Matrices<T: Element, const SIDE: usize> {
    values: Lines<T>,
    /// From one to the next, a cache line more than it has: else the same row of all might lie in few sets of
    /// the cache.
    apart: usize,
    /// From one row to the next.
    pub(in super::super) row: usize,
}

impl<T: Element, const SIDE: usize> Matrices<T, SIDE> {
    /// Of so many rows and more, a multiple of [`rows_together`], of [any values](Lines::unspecified).
    #[inline(always)]
    pub(in super::super) fn unspecified<S: Simd>(rows: usize, columns: usize) -> Self {
        let rows = rows.next_multiple_of(rows_together::<S>());
        let row = columns.next_multiple_of(T::lanes::<S>());
        let apart = (rows * row).next_multiple_of(64 / size_of::<T>()) + 64 / size_of::<T>();
        Self { values: Lines::unspecified(SIDE * SIDE * apart), apart, row }
    }

    #[inline(always)]
    pub(in super::super) fn at(&self, place: usize) -> &[T] {
        &self.values[place * self.apart..][..self.apart]
    }

    /// The transform of the square of vectors from `column` on in a row.
    #[inline(always)]
    pub(in super::super) fn transformed<
        S: Simd,
        F: Transform<SIDE, RESULTS>,
        const RESULTS: usize,
    >(
        &self,
        simd: S,
        (row, column): (usize, usize),
    ) -> [[T::Vector<S>; RESULTS]; RESULTS] {
        let values = &self.values[row * self.row + column..];
        transformed::<T, S, F, _, _>(simd, values, (SIDE * self.apart, self.apart, 0))
    }

    /// Writes a square of vectors from `column` on into a row.
    #[inline(always)]
    fn store<S: Simd>(
        &mut self,
        simd: S,
        (row, column): (usize, usize),
        square: [[T::Vector<S>; SIDE]; SIDE],
    ) {
        store_places(simd, &mut self.values[row * self.row + column..], self.apart, square);
    }

    /// Puts the transform of a square of pixels into a row; the square begins a slice of an arranged image.
    #[inline(always)]
    pub(in super::super) fn take_pixels<
        S: Simd,
        F: Filtering<SIDE, RESULTS>,
        const RESULTS: usize,
    >(
        &mut self,
        simd: S,
        row: usize,
        image: &[T],
        g: &Geometry,
    ) {
        for first in (0..g.channels).step_by(T::lanes::<S>()) {
            let place = (g.row(), g.channels, first);
            let square = transformed::<T, S, F::Pixels, _, _>(simd, &image[first..], place);
            self.store(simd, (row, first), square);
        }
    }

    /// Puts what a tile's gradients become on the way back into a row; the tile begins a slice of the
    /// gradients of a result.
    #[inline(always)]
    pub(in super::super) fn take_gradients<
        S: Simd,
        F: Filtering<SIDE, RESULTS>,
        const RESULTS: usize,
    >(
        &mut self,
        simd: S,
        row: usize,
        gradients: &[T],
        g: &Geometry,
    ) {
        let line = g.convolved().1 * g.outputs;
        for first in (0..g.outputs).step_by(T::lanes::<S>()) {
            let (values, place) = (&gradients[first..], (line, g.outputs, first));
            let square = transformed::<T, S, F::ResultsBack, _, _>(simd, values, place);
            self.store(simd, (row, first), square);
        }
    }

    /// Multiplies some columns of the first rows at one place by a matrix of one vector, or two side by side, and writes
    /// the products from `column` on.
    #[inline(always)]
    pub(in super::super) fn multiply<S: Simd>(
        &self,
        simd: S,
        place: usize,
        (count, own): (usize, Range<usize>),
        (right, vectors): (&[T], usize),
        (products, column): (&mut Self, usize),
    ) {
        let depth = own.len();
        let products = (&mut products.values[place * products.apart + column..], products.row);
        let rows = (&self.at(place)[own.start..], self.row);
        match vectors {
            1 if const { rows_together::<S>() == 6 } => {
                multiply::<T, S, 1, 6>(simd, rows, (count, depth), right, products);
            }
            1 => multiply::<T, S, 1, 8>(simd, rows, (count, depth), right, products),
            _ if const { rows_together::<S>() == 6 } => {
                multiply::<T, S, 2, 6>(simd, rows, (count, depth), right, products);
            }
            _ => multiply::<T, S, 2, 8>(simd, rows, (count, depth), right, products),
        }
    }
}

/// Rows that are multiplied together: their sums with two vectors side by side fill the registers.
pub(super) const fn rows_together<S: Simd>() -> usize {
    if S::REGISTER_COUNT < 32 { 6 } else { 8 }
}

/// [`Matrices::multiply`] of `ROWS` rows at a time.
#[inline(always)]
fn multiply<T: Element, S: Simd, const VECTORS: usize, const ROWS: usize>(
    simd: S,
    (left, row): (&[T], usize),
    (count, depth): (usize, usize),
    right: &[T],
    (products, across): (&mut [T], usize),
) {
    for first in (0..count).step_by(ROWS) {
        simd.vectorize(Tile::<T, S, VECTORS, ROWS> {
            simd,
            left: (&left[first * row..], row),
            depth,
            right,
            products: (places(&mut products[first * across..]), across),
            columns: VECTORS * T::lanes::<S>(),
        });
    }
}

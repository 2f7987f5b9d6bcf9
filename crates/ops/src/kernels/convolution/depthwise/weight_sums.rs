//! Gradients of weights as sums over pixels.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::side::{Pair, Tap};
use crate::element::Element;
use crate::kernels::columns::ColumnSums;

/// The sums of the weights' gradients over one image.
pub(super) struct WeightSums<'a, T> {
    pub(super) image: &'a [T],
    /// Of the result.
    pub(super) gradients: &'a [T],
    /// Rows of all outputs that a pixel of the image has, and a tap.
    pub(super) each: usize,
    /// For each row of the result, from which of the image.
    pub(super) rows: &'a [Vec<Tap>],
    /// For each tap across, which columns of the result and of the image.
    pub(super) columns: &'a [Vec<Pair>],
    pub(super) image_width: usize,
    pub(super) result_width: usize,
    pub(super) outputs: usize,
    pub(super) sums: &'a mut ColumnSums<T>,
    pub(super) taps: usize,
}

impl<T: Element> WithSimd for WeightSums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        /// Additions to a sum, one after another, before it goes to others.
        const SHORT: usize = 256;
        let (outputs, result_row) = (self.outputs, self.result_width * self.outputs);
        let rows_together = (SHORT / self.result_width).max(1);
        let mut part = vec![T::ZERO; self.taps * self.each * outputs];
        let gradients = self.gradients.chunks(rows_together * result_row);
        for (rows, gradients) in self.rows.chunks(rows_together).zip(gradients) {
            for first in (0..self.result_width).step_by(SHORT) {
                part.fill(T::ZERO);
                for (row, gradients) in rows.iter().zip(gradients.chunks_exact(result_row)) {
                    self.add_row(simd, (row, first..first + SHORT), gradients, &mut part);
                }
                self.sums.add(&part);
            }
        }
    }
}

impl<T: Element> WeightSums<'_, T> {
    /// Adds what a row of the result gives, of so many of the pixels that each tap across takes.
    #[inline(always)]
    fn add_row<S: Simd>(
        &self,
        simd: S,
        (row, some): (&[Tap], Range<usize>),
        gradients: &[T],
        part: &mut [T],
    ) {
        let (outputs, lanes) = (self.outputs, T::lanes::<S>());
        let apart = self.each * outputs;
        let image_row = self.image_width * apart;
        let across = self.columns.len() * apart;
        for down in row {
            let image = &self.image[down.source * image_row..][..image_row];
            let sums = &mut part[down.tap * across..][..across];
            for (pairs, sums) in self.columns.iter().zip(sums.chunks_exact_mut(apart)) {
                let pairs = &pairs[some.start.min(pairs.len())..some.end.min(pairs.len())];
                for (number, sums) in sums.chunks_exact_mut(outputs).enumerate() {
                    let image = &image[number * outputs..];
                    let row = Row { image, apart, gradients, pairs, outputs };
                    let mut first = 0;
                    while first < outputs {
                        first += match (outputs - first).div_ceil(lanes) {
                            1 => row.add::<S, 1, 4>(simd, first, sums),
                            2 | 3 => row.add::<S, 2, 2>(simd, first, sums),
                            _ => row.add::<S, 4, 1>(simd, first, sums),
                        };
                    }
                }
            }
        }
    }
}

/// A row of an image, one of the gradients, and which of their columns are multiplied.
struct Row<'a, T> {
    image: &'a [T],
    /// From one pixel of the image to the next.
    apart: usize,
    gradients: &'a [T],
    pairs: &'a [Pair],
    outputs: usize,
}

impl<T: Element> Row<'_, T> {
    /// Adds to the sums of so many vectors of outputs, by so many chains of additions that need not wait for each
    /// other; returns how many outputs these are.
    #[inline(always)]
    fn add<S: Simd, const VECTORS: usize, const CHAINS: usize>(
        &self,
        simd: S,
        first: usize,
        target: &mut [T],
    ) -> usize {
        let lanes = T::lanes::<S>();
        let mut sums = [[T::splat(simd, T::ZERO); VECTORS]; CHAINS];
        for vector in 0..VECTORS {
            sums[0][vector] = T::load(simd, &target[first + vector * lanes..]);
        }
        let pairs = self.pairs.chunks_exact(CHAINS);
        for pair in pairs.remainder() {
            sums[0] = self.plus::<S, VECTORS>(simd, first, pair, sums[0]);
        }
        for pairs in pairs {
            for chain in 0..CHAINS {
                sums[chain] = self.plus::<S, VECTORS>(simd, first, &pairs[chain], sums[chain]);
            }
        }
        for vector in 0..VECTORS {
            let mut sum = sums[0][vector];
            for chain in 1..CHAINS {
                sum = T::plus(simd, sum, sums[chain][vector]);
            }
            T::store(simd, &mut target[first + vector * lanes..], sum);
        }
        VECTORS * lanes
    }

    /// The sums with the product of a pair.
    #[inline(always)]
    fn plus<S: Simd, const VECTORS: usize>(
        &self,
        simd: S,
        first: usize,
        pair: &Pair,
        mut sums: [T::Vector<S>; VECTORS],
    ) -> [T::Vector<S>; VECTORS] {
        let lanes = T::lanes::<S>();
        let gradients = &self.gradients[pair.result * self.outputs..][..self.outputs][first..];
        let values = &self.image[pair.image * self.apart..][..self.outputs][first..];
        for vector in 0..VECTORS {
            let gradient = T::load(simd, &gradients[vector * lanes..]);
            let value = T::load(simd, &values[vector * lanes..]);
            sums[vector] = T::fma(simd, gradient, value, sums[vector]);
        }
        sums
    }
}

//! The loops of a convolution of narrow groups, over one image.

use std::mem::MaybeUninit;
use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::super::Then;
use super::super::forward::{at_least, floor};
use super::{Pair, Tap};
use crate::element::Element;
use crate::kernels::columns::ColumnSums;

/// Each pixel of the target as a sum over the taps that reach it.
pub(super) struct Gather<'a, T> {
    pub(super) source: &'a [T],
    pub(super) source_width: usize,
    /// Rows of all channels that a pixel of it has, and a tap.
    pub(super) each: usize,
    /// For each row and each column of the target.
    pub(super) rows: &'a [Vec<Tap>],
    pub(super) columns: &'a [Vec<Tap>],
    pub(super) taps: &'a [T],
    pub(super) kernel_width: usize,
    /// What the sums of each channel begin with.
    pub(super) start: &'a [T],
    pub(super) then: Then,
    pub(super) target: &'a mut [MaybeUninit<T>],
}

impl<T: Element> WithSimd for Gather<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (channels, lanes) = (self.start.len(), T::lanes::<S>());
        let pixels = self.rows.len() * self.columns.len();
        // A pixel too many would stay unwritten.
        assert_eq!(self.target.len(), pixels * channels, "a row and a column for each pixel");
        let mut first = 0;
        while first < channels {
            first += match (channels - first).div_ceil(lanes) {
                1 => self.vectors::<S, 1>(simd, first),
                2 | 3 => self.vectors::<S, 2>(simd, first),
                _ => self.vectors::<S, 4>(simd, first),
            };
        }
    }
}

impl<T: Element> Gather<'_, T> {
    /// So many vectors of channels of all pixels; returns how many channels these are.
    #[inline(always)]
    fn vectors<S: Simd, const VECTORS: usize>(&mut self, simd: S, first: usize) -> usize {
        let (channels, lanes) = (self.start.len(), T::lanes::<S>());
        let apart = self.each * channels;
        let mut start = [T::splat(simd, T::ZERO); VECTORS];
        for vector in 0..VECTORS {
            start[vector] = T::load(simd, &self.start[first + vector * lanes..]);
        }
        let floor = floor::<T, S>(simd, self.then);
        let pixels = self.target.chunks_exact_mut(channels);
        let places =
            self.rows.iter().flat_map(|row| self.columns.iter().map(move |column| (row, column)));
        for (target, (row, column)) in pixels.zip(places) {
            let mut sums = start;
            for down in row {
                for across in column {
                    let source = (down.source * self.source_width + across.source) * apart;
                    let tap = (down.tap * self.kernel_width + across.tap) * apart;
                    let (source, tap) =
                        (&self.source[source..][..apart], &self.taps[tap..][..apart]);
                    for row in (0..apart).step_by(channels) {
                        let source = &source[row..][..channels][first..];
                        let tap = &tap[row..][..channels][first..];
                        for vector in 0..VECTORS {
                            let value = T::load(simd, &source[vector * lanes..]);
                            let weight = T::load(simd, &tap[vector * lanes..]);
                            sums[vector] = T::fma(simd, value, weight, sums[vector]);
                        }
                    }
                }
            }
            for vector in 0..VECTORS {
                let sum = at_least::<T, S>(simd, floor, sums[vector]);
                T::write(simd, &mut target[first + vector * lanes..], sum);
            }
        }
        VECTORS * lanes
    }
}

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

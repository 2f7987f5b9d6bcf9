//! Gradients by [minimal filtering](super::super::winograd), where few of them are zero.

use std::ops::Range;

use pulp::{NullaryFnOnce, Simd, WithSimd};

use super::super::arrangement::Arranged;
use super::super::bands::Band;
use super::super::winograd::{F2, F4, FILTER, Filtering, Matrices, Tile, transformed};
use super::super::{Geometry, Then};
use super::image_gradients::ImageGradients;
use super::{ResultGradient, Saved};
use crate::element::Element;
use crate::kernels::columns::ColumnSums;
use crate::kernels::lines::Lines;

mod images;

use self::images::Back;
pub(super) use self::images::Transforms;

/// Weight and bias gradients of a band of each of some images.
pub(super) struct Winograd<'a, 'b, T: Element> {
    pub(super) saved: &'a Saved<'a, T>,
    pub(super) tile: Tile,
    pub(super) images: Range<usize>,
    pub(super) band: &'a Band,
    pub(super) result_gradient: &'a dyn ResultGradient<T>,
    pub(super) g: &'a Geometry,
    /// Where the images' gradient is wanted.
    pub(super) filters: Option<&'a Transforms<T>>,
    /// What that is added to.
    pub(super) image_gradients: &'a mut ImageGradients<'b, T>,
}

impl<T: Element> WithSimd for Winograd<'_, '_, T> {
    type Output = (Vec<T>, Vec<T>);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (Vec<T>, Vec<T>) {
        match const { size_of::<T::Vector<S>>() / size_of::<T>() } {
            16 => self.of_lanes::<S, 8>(simd),
            8 => self.of_lanes::<S, 4>(simd),
            4 => self.of_lanes::<S, 2>(simd),
            _ => self.of_lanes::<S, 1>(simd),
        }
    }
}

impl<T: Element> Winograd<'_, '_, T> {
    /// `CHANNELS` are half as many as a vector has, or one.
    #[inline(always)]
    fn of_lanes<S: Simd, const CHANNELS: usize>(self, simd: S) -> (Vec<T>, Vec<T>) {
        match self.tile {
            Tile::Two => self.gradients::<S, F2, 4, 2, CHANNELS>(simd),
            Tile::Four => self.gradients::<S, F4, 6, 4, CHANNELS>(simd),
        }
    }

    #[inline(always)]
    fn gradients<
        S: Simd,
        F: Filtering<SIDE, RESULTS>,
        const SIDE: usize,
        const RESULTS: usize,
        const CHANNELS: usize,
    >(
        self,
        simd: S,
    ) -> (Vec<T>, Vec<T>) {
        let Self { saved, tile, images: range, band, result_gradient, g, filters, image_gradients } =
            self;
        let (width, block) = (g.convolved().1, F::block::<S>(g));
        let starts = tile.starts(g, band.rows.len(), Then::Nothing);
        let mut gradients = Lines::unspecified(band.patches * g.outputs);
        let mut bias = ColumnSums::new(g.outputs);
        let mut arranged = Arranged::new(g, band);
        let mut pixels = Matrices::<T, SIDE>::unspecified::<S>(block, g.channels);
        let mut results = Matrices::unspecified::<S>(block, g.outputs);
        let mut sums = Sums::<T, SIDE>::zeros::<S>(g);
        let mut back = Back {
            g,
            starts: &starts,
            // The filters are multiplied by in panels of two vectors at most.
            products: Matrices::unspecified::<S>(
                block,
                g.channels.next_multiple_of(2 * T::lanes::<S>()),
            ),
            arranged: Arranged::new(g, band),
            image_gradients,
        };
        let all = range.len() * starts.len();
        for (number, image) in range.enumerate() {
            let at = band.of_image(image);
            result_gradient.write(&at, saved.rectified(&at), &mut gradients);
            bias.add(&gradients);
            let image = &saved.images[image * g.image()..][..g.image()];
            arranged.take(image);
            let image = arranged.get(image);
            for (tile, &start) in starts.iter().enumerate() {
                let number = number * starts.len() + tile;
                let row = number % block;
                pixels.take_pixels::<S, F, RESULTS>(simd, row, &image[start..], g);
                let across = width / RESULTS;
                let corner = RESULTS * (tile / across * width + tile % across);
                let of_tile = &gradients[corner * g.outputs..];
                results.take_gradients::<S, F, RESULTS>(simd, row, of_tile, g);
                if row + 1 == block || number + 1 == all {
                    sums.add::<S, CHANNELS>(simd, row + 1, &pixels, &results);
                    if let Some(filters) = filters {
                        let tiles = (number - row, row + 1);
                        back.add::<S, F, RESULTS>(simd, tiles, &results, filters);
                    }
                }
            }
        }
        (sums.into_weights::<S, F, RESULTS>(simd, g), bias.total())
    }
}

/// The gradients of all filters' transforms.
struct Sums<T: Element, const SIDE: usize> {
    /// In each place a vector of outputs after the other, and there a row a channel.
    values: Lines<T>,
    /// Filled up to whole vectors.
    channels: usize,
}

impl<T: Element, const SIDE: usize> Sums<T, SIDE> {
    #[inline(always)]
    fn zeros<S: Simd>(g: &Geometry) -> Self {
        let lanes = T::lanes::<S>();
        let (channels, outputs) =
            (g.channels.next_multiple_of(lanes), g.outputs.next_multiple_of(lanes));
        Self { values: Lines::zeros(SIDE * SIDE * channels * outputs), channels }
    }

    /// Adds what so many tiles give, of two vectors of outputs and `CHANNELS` at a time.
    #[inline(always)]
    fn add<S: Simd, const CHANNELS: usize>(
        &mut self,
        simd: S,
        count: usize,
        pixels: &Matrices<T, SIDE>,
        results: &Matrices<T, SIDE>,
    ) {
        for (place, sums) in self.values.chunks_exact_mut(self.channels * results.row).enumerate() {
            let left = (&pixels.at(place)[..count * pixels.row], pixels.row);
            let right = (&results.at(place)[..count * results.row], results.row);
            let vectors = 0..results.row / T::lanes::<S>();
            let columns = 0..pixels.row;
            let products = OuterProducts { simd, left, columns, right, vectors, sums };
            simd.vectorize(Add::<T, S, CHANNELS>(products));
        }
    }

    /// The gradient of the weights, channels-last, one row of patch length an output.
    #[inline(always)]
    fn into_weights<S: Simd, F: Filtering<SIDE, RESULTS>, const RESULTS: usize>(
        self,
        simd: S,
        g: &Geometry,
    ) -> Vec<T> {
        let lanes = T::lanes::<S>();
        let place = self.values.len() / (SIDE * SIDE);
        let mut weights = vec![T::ZERO; g.outputs * g.patch()];
        for (panel, weights) in weights.chunks_mut(lanes * g.patch()).enumerate() {
            for channel in 0..g.channels {
                let row = (panel * self.channels + channel) * lanes;
                let (values, place) = (&self.values[row..], (SIDE * place, place, 0));
                let square = transformed::<T, S, F::FilterBack, _, _>(simd, values, place);
                for y in 0..FILTER {
                    for x in 0..FILTER {
                        let mut values = [T::ZERO; 16];
                        T::store(simd, &mut values[..lanes], square[y][x]);
                        let at = (y * FILTER + x) * g.channels + channel;
                        for (weights, &value) in weights.chunks_exact_mut(g.patch()).zip(&values) {
                            weights[at] = value;
                        }
                    }
                }
            }
        }
        weights
    }
}

/// Σ leftᵀ · right over some rows.
pub(in super::super) struct OuterProducts<'a, T, S> {
    pub(in super::super) simd: S,
    /// The rows of each, and how long they are.
    pub(in super::super) left: (&'a [T], usize),
    /// Those values of a row of `left` that are multiplied, of which there are whole vectors.
    pub(in super::super) columns: Range<usize>,
    pub(in super::super) right: (&'a [T], usize),
    /// Those of `right` that are multiplied by.
    pub(in super::super) vectors: Range<usize>,
    /// What they are added to: a vector of `right` after the other, and there a row a column of `left`.
    pub(in super::super) sums: &'a mut [T],
}

/// Adds them, of `ROWS` values of `left` and two vectors of `right` at a time: a function of its own, for the compiler
/// keeps its sums in registers.
pub(in super::super) struct Add<'a, T, S, const ROWS: usize>(
    pub(in super::super) OuterProducts<'a, T, S>,
);

impl<T: Element, S: Simd, const ROWS: usize> NullaryFnOnce for Add<'_, T, S, ROWS> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let mut all = self.0;
        let rows = all.columns.len();
        for vector in all.vectors.clone().step_by(2) {
            for row in (0..rows).step_by(ROWS) {
                if vector + 2 <= all.vectors.end {
                    all.add::<ROWS, 2>(row, vector);
                } else {
                    all.add::<ROWS, 1>(row, vector);
                }
            }
        }
    }
}

impl<T: Element, S: Simd> OuterProducts<'_, T, S> {
    /// From so many columns of `left` and a vector of `right` on.
    #[inline(always)]
    fn add<const ROWS: usize, const VECTORS: usize>(&mut self, first: usize, vector: usize) {
        let (simd, left, right) = (self.simd, self.left, self.right);
        let lanes = T::lanes::<S>();
        // From the sums of a vector to those of the next.
        let apart = self.columns.len() * lanes;
        let from = self.columns.start + first;
        let target = (vector - self.vectors.start) * apart + first * lanes;
        let target = &mut self.sums[target..];
        let mut sums = [[T::splat(simd, T::ZERO); VECTORS]; ROWS];
        for row in 0..ROWS {
            for vector in 0..VECTORS {
                sums[row][vector] = T::load(simd, &target[vector * apart + row * lanes..][..lanes]);
            }
        }
        for (left, right) in left.0.chunks_exact(left.1).zip(right.0.chunks_exact(right.1)) {
            let (left, right) =
                (&left[from..][..ROWS], &right[vector * lanes..][..VECTORS * lanes]);
            let mut line = [T::splat(simd, T::ZERO); VECTORS];
            for vector in 0..VECTORS {
                line[vector] = T::load(simd, &right[vector * lanes..][..lanes]);
            }
            for row in 0..ROWS {
                let value = T::splat(simd, left[row]);
                for vector in 0..VECTORS {
                    sums[row][vector] = T::fma(simd, value, line[vector], sums[row][vector]);
                }
            }
        }
        for row in 0..ROWS {
            for vector in 0..VECTORS {
                let target = &mut target[vector * apart + row * lanes..][..lanes];
                T::store(simd, target, sums[row][vector]);
            }
        }
    }
}

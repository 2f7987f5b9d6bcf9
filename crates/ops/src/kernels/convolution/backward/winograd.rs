//! Gradients by [minimal filtering](super::super::winograd), where few of them are zero.

use std::ops::Range;

use pulp::{NullaryFnOnce, Simd, WithSimd};

use super::super::arrangement::Arranged;
use super::super::bands::Band;
use super::super::winograd::{F2, F4, FILTER, Filtering, Matrices, Tile, both_ways, load_places};
use super::super::{Geometry, Then};
use super::{ResultGradient, Saved};
use crate::element::Element;
use crate::kernels::columns::ColumnSums;
use crate::kernels::lines::Lines;

mod images;

use self::images::Back;
pub(super) use self::images::Transforms;

/// Weight and bias gradients of a band of each of some images.
pub(super) struct Winograd<'a, T, G> {
    pub(super) saved: &'a Saved<'a, T>,
    pub(super) tile: Tile,
    pub(super) images: Range<usize>,
    pub(super) band: &'a Band,
    pub(super) result_gradient: &'a G,
    pub(super) g: &'a Geometry,
    /// Where the images' gradient is wanted.
    pub(super) filters: Option<&'a Transforms<T>>,
    /// What that is added to.
    pub(super) image_gradients: &'a mut [T],
}

impl<T: Element, G: ResultGradient<T>> WithSimd for Winograd<'_, T, G> {
    type Output = (Vec<T>, Vec<T>);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (Vec<T>, Vec<T>) {
        match T::lanes::<S>() {
            16 => self.of_lanes::<S, 16, 8, 16>(simd),
            8 => self.of_lanes::<S, 8, 4, 8>(simd),
            4 => self.of_lanes::<S, 4, 2, 8>(simd),
            2 => self.of_lanes::<S, 2, 1, 8>(simd),
            _ => self.of_lanes::<S, 1, 1, 8>(simd),
        }
    }
}

impl<T: Element, G: ResultGradient<T>> Winograd<'_, T, G> {
    /// `CHANNELS` are as many as a vector has, and `HALF` are half of them, or one.
    #[inline(always)]
    fn of_lanes<S: Simd, const CHANNELS: usize, const HALF: usize, const ROWS: usize>(
        self,
        simd: S,
    ) -> (Vec<T>, Vec<T>) {
        match self.tile {
            Tile::Two => self.gradients::<S, F2, 4, 2, CHANNELS, HALF, ROWS>(simd),
            Tile::Four => self.gradients::<S, F4, 6, 4, CHANNELS, HALF, ROWS>(simd),
        }
    }

    #[inline(always)]
    fn gradients<
        S: Simd,
        F: Filtering<SIDE, RESULTS>,
        const SIDE: usize,
        const RESULTS: usize,
        const CHANNELS: usize,
        const HALF: usize,
        const ROWS: usize,
    >(
        self,
        simd: S,
    ) -> (Vec<T>, Vec<T>) {
        let Self { saved, tile, images: range, band, result_gradient, g, filters, image_gradients } =
            self;
        let width = g.convolved().1;
        let starts = tile.starts(g, band.rows.len(), Then::Nothing);
        let mut gradients = vec![T::ZERO; band.patches * g.outputs];
        let mut bias = ColumnSums::new(g.outputs);
        let mut arranged = Arranged::new(g, band);
        let mut pixels = Matrices::<T, SIDE>::zeros::<S>(F::BLOCK, g.channels);
        let mut results = Matrices::zeros::<S>(F::BLOCK, g.outputs);
        let mut sums = Sums::<T, SIDE>::zeros::<S>(g);
        let mut back = Back {
            g,
            starts: &starts,
            products: Matrices::zeros::<S>(F::BLOCK, g.channels),
            arranged: Arranged::new(g, band),
            image_gradients,
        };
        let all = range.len() * starts.len();
        for (number, image) in range.enumerate() {
            let at = band.of_image(image);
            result_gradient.write(simd, &at, saved.rectified(&at), &mut gradients);
            bias.add(&gradients);
            let image = &saved.images[image * g.image()..][..g.image()];
            arranged.take(image);
            let image = arranged.get(image);
            for (tile, &start) in starts.iter().enumerate() {
                let number = number * starts.len() + tile;
                let row = number % F::BLOCK;
                pixels.take_pixels::<S, F, RESULTS>(simd, row, &image[start..], g);
                let across = width / RESULTS;
                let corner = RESULTS * (tile / across * width + tile % across);
                let of_tile = &gradients[corner * g.outputs..];
                results.take_gradients::<S, F, RESULTS>(simd, row, of_tile, g);
                if row + 1 == F::BLOCK || number + 1 == all {
                    sums.add::<S, HALF>(simd, row + 1, &pixels, &results);
                    if let Some(filters) = filters {
                        let block = (number - row, row + 1);
                        back.add::<S, F, RESULTS, CHANNELS, ROWS>(simd, block, &results, filters);
                    }
                }
            }
        }
        (sums.into_weights::<S, F, RESULTS>(simd, g), bias.total())
    }
}

/// The gradients of all filters' transforms.
struct Sums<T, const SIDE: usize> {
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
        let lanes = T::lanes::<S>();
        let apart = self.channels * lanes;
        let places = self.values.chunks_exact_mut(self.channels * results.row);
        for (place, sums) in places.enumerate() {
            let (pixels_at, results_at) = (pixels.at(place), results.at(place));
            for (output, sums) in sums.chunks_mut(2 * apart).enumerate() {
                let two = sums.len() == 2 * apart;
                let right = (&results_at[2 * output * lanes..], results.row);
                for channel in (0..self.channels).step_by(CHANNELS) {
                    let left = (&pixels_at[channel..], pixels.row);
                    let sums = (&mut sums[channel * lanes..], apart);
                    let products = OuterProducts { simd, count, left, right, sums };
                    if two {
                        simd.vectorize(Add::<T, S, CHANNELS, 2>(products));
                    } else {
                        simd.vectorize(Add::<T, S, CHANNELS, 1>(products));
                    }
                }
            }
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
                let square = load_places(simd, &self.values[row..], place);
                let square = both_ways::<T, S, F::FilterBack, _, _>(simd, square);
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
struct OuterProducts<'a, T, S> {
    simd: S,
    count: usize,
    /// The first row's values, and how far the next row's are.
    left: (&'a [T], usize),
    right: (&'a [T], usize),
    /// What they are added to, and how far the sums of the next vector of `right` are.
    sums: (&'a mut [T], usize),
}

/// Adds them, of `ROWS` values of `left` and `VECTORS` of `right`: a function of its own, for the compiler keeps its
/// sums in registers.
struct Add<'a, T, S, const ROWS: usize, const VECTORS: usize>(OuterProducts<'a, T, S>);

impl<T: Element, S: Simd, const ROWS: usize, const VECTORS: usize> NullaryFnOnce
    for Add<'_, T, S, ROWS, VECTORS>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let OuterProducts { simd, count, left, right, sums: (target, apart) } = self.0;
        let lanes = T::lanes::<S>();
        let mut sums = [[T::splat(simd, T::ZERO); VECTORS]; ROWS];
        for row in 0..ROWS {
            for vector in 0..VECTORS {
                sums[row][vector] = T::load(simd, &target[vector * apart + row * lanes..][..lanes]);
            }
        }
        let rows = left.0.chunks(left.1).zip(right.0.chunks(right.1)).take(count);
        for (left, right) in rows {
            let (left, right) = (&left[..ROWS], &right[..VECTORS * lanes]);
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

//! Weight gradients of 3×3 filters on images of one or two channels, whose patches are too short
//! for vectors: these run along the outputs instead.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::super::arrangement::Arranged;
use super::super::bands::Band;
use super::super::{Geometry, Then};
use super::{ResultGradient, Saved};
use crate::element::Element;
use crate::kernels::columns::ColumnSums;
use crate::kernels::vectors::{WINDOW, load_places};

const SIDE: usize = 3;
const WEIGHTS: usize = SIDE * SIDE;

/// Whether [`ShortPatches`] can take this convolution.
pub(super) fn fit(g: &Geometry) -> bool {
    (g.kernel_height, g.kernel_width) == (SIDE, SIDE)
        && matches!(g.channels, 1 | 2)
        // No vector is longer.
        && g.outputs.is_multiple_of(16)
}

/// Weight and bias gradients of a band of each of some images.
pub(super) struct ShortPatches<'a, T, G> {
    pub(super) saved: &'a Saved<'a, T>,
    pub(super) images: Range<usize>,
    pub(super) band: &'a Band,
    pub(super) result_gradient: &'a G,
    pub(super) g: &'a Geometry,
}

impl<T: Element, G: ResultGradient<T>> WithSimd for ShortPatches<'_, T, G> {
    type Output = (Vec<T>, Vec<T>);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (Vec<T>, Vec<T>) {
        match (self.saved.then == Then::ReluMaxPool, self.g.channels) {
            (true, 1) => self.add_up::<S, WINDOW, 1, 3>(simd),
            (true, _) => self.add_up::<S, WINDOW, 2, 6>(simd),
            (false, 1) => self.add_up::<S, 1, 1, 3>(simd),
            (false, _) => self.add_up::<S, 1, 2, 6>(simd),
        }
    }
}

impl<T: Element, G: ResultGradient<T>> ShortPatches<'_, T, G> {
    /// A gradient belongs to one of `PLACES` neighbours: the four of a pooling window, or one alone.
    /// `SPAN` is the length of a patch's row.
    #[inline(always)]
    fn add_up<S: Simd, const PLACES: usize, const CHANNELS: usize, const SPAN: usize>(
        self,
        simd: S,
    ) -> (Vec<T>, Vec<T>) {
        let Self { saved, images, band, result_gradient, g } = self;
        let lanes = T::lanes::<S>();
        let starts = g.starts(saved.then, band.rows.len());
        let length = starts.len() * g.outputs;
        let mut bias = ColumnSums::new(g.outputs);
        let mut gradients = vec![T::ZERO; length];
        // (blocks of outputs, channels, weights, lanes).
        let mut sums = vec![T::ZERO; g.outputs * g.patch()];
        let mut arranged = Arranged::new(g, band);
        for image in images {
            let at = band.of_image(image);
            result_gradient.write(simd, &at, saved.rectified(&at), &mut gradients);
            bias.add(&gradients);
            let pixels = &saved.images[image * g.image()..][..g.image()];
            arranged.take(pixels);
            let terms = Terms {
                pixels: arranged.get(pixels),
                gradients: &gradients,
                places: saved.places.get(at.values).unwrap_or_default(),
                starts: &starts,
            };
            for (index, sums) in sums.chunks_exact_mut(WEIGHTS * lanes).enumerate() {
                let (block, channel) = (index / CHANNELS, index % CHANNELS);
                let place = (block * lanes, channel);
                terms.add_to::<S, PLACES, CHANNELS, SPAN>(simd, sums, place, g);
            }
        }
        let mut weights = vec![T::ZERO; saved.weights.len()];
        for (index, &sum) in sums.iter().enumerate() {
            let (weight, lane) = (index / lanes, index % lanes);
            let (channel, weight) = (weight / WEIGHTS, weight % WEIGHTS);
            let (block, channel) = (channel / g.channels, channel % g.channels);
            let output = block * lanes + lane;
            weights[output * g.patch() + weight * g.channels + channel] = sum;
        }
        (weights, bias.total())
    }
}

/// What a band of one image adds.
struct Terms<'a, T> {
    pixels: &'a [T],
    /// One for each place where a patch starts and each output.
    gradients: &'a [T],
    places: &'a [u8],
    starts: &'a [usize],
}

impl<T: Element> Terms<'_, T> {
    /// Adds to the sums of the nine weights of one channel and a vector of outputs.
    #[inline(always)]
    fn add_to<S: Simd, const PLACES: usize, const CHANNELS: usize, const SPAN: usize>(
        &self,
        simd: S,
        sums: &mut [T],
        (output, channel): (usize, usize),
        g: &Geometry,
    ) {
        let lanes = T::lanes::<S>();
        let (row, offsets, zero) = (g.row_below(), g.window_offsets(), T::splat(simd, T::ZERO));
        let mut totals = [zero; WEIGHTS];
        for weight in 0..WEIGHTS {
            totals[weight] = T::load(simd, &sums[weight * lanes..][..lanes]);
        }
        for (number, &start) in self.starts.iter().enumerate() {
            let first = number * g.outputs + output;
            let all = T::load(simd, &self.gradients[first..][..lanes]);
            let at = if PLACES == 1 {
                zero
            } else {
                load_places::<T, S>(simd, &self.places[first..][..lanes])
            };
            for place in 0..PLACES {
                let mut gradients = all;
                if PLACES > 1 {
                    let here = T::equal(simd, at, T::splat(simd, T::from_place(place as u8)));
                    gradients = T::select(simd, here, all, zero);
                }
                let patch = &self.pixels[start + offsets[place]..];
                let rows = [&patch[..SPAN], &patch[row..][..SPAN], &patch[2 * row..][..SPAN]];
                for weight in 0..WEIGHTS {
                    let input = rows[weight / SIDE][weight % SIDE * CHANNELS + channel];
                    let input = T::splat(simd, input);
                    totals[weight] = T::fma(simd, input, gradients, totals[weight]);
                }
            }
        }
        for weight in 0..WEIGHTS {
            T::store(simd, &mut sums[weight * lanes..][..lanes], totals[weight]);
        }
    }
}

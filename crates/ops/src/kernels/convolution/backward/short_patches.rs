//! Weight gradients of 3×3 filters on images of one or two channels, whose patches are too short
//! for vectors: these run along the outputs instead.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::super::arrangement::Arranged;
use super::super::bands::Band;
use super::super::near::near;
use super::super::{Geometry, Then};
use super::{ResultGradient, Saved};
use crate::element::Element;
use crate::kernels::grid::Grid;
use crate::kernels::lines::Lines;
use crate::kernels::vectors::{WINDOW, load_places};

const SIDE: usize = 3;
const WEIGHTS: usize = SIDE * SIDE;
/// Patches of a row that are read together.
const NEAR: usize = 4;

/// Whether [`ShortPatches`] can take this convolution: where pooled, a window's patches are neighbours.
pub(super) fn fit(g: &Geometry, then: Then) -> bool {
    (then != Then::ReluMaxPool || (g.stride, g.dilation) == (1, 1))
        && (g.kernel_height, g.kernel_width) == (SIDE, SIDE)
        && matches!(g.channels, 1 | 2)
        // No vector is longer.
        && g.outputs.is_multiple_of(16)
}

/// Weight and bias gradients of a band of each of some images.
pub(super) struct ShortPatches<'a, T> {
    pub(super) saved: &'a Saved<'a, T>,
    pub(super) images: Range<usize>,
    pub(super) band: &'a Band,
    pub(super) result_gradient: &'a dyn ResultGradient<T>,
    pub(super) g: &'a Geometry,
}

impl<T: Element> WithSimd for ShortPatches<'_, T> {
    type Output = (Vec<T>, Vec<T>);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (Vec<T>, Vec<T>) {
        match self.g.channels {
            1 => self.add_up::<S, 1>(simd),
            _ => self.add_up::<S, 2>(simd),
        }
    }
}

impl<T: Element> ShortPatches<'_, T> {
    #[inline(always)]
    fn add_up<S: Simd, const CHANNELS: usize>(self, simd: S) -> (Vec<T>, Vec<T>) {
        let Self { saved, images, band, result_gradient, g } = self;
        let lanes = T::lanes::<S>();
        let starts = g.starts(saved.then, band.rows.len());
        let mut gradients = Lines::unspecified(starts.len() * g.outputs);
        // (blocks of outputs, channels, weights, lanes), and one for each output.
        let mut sums = vec![T::ZERO; g.outputs * g.patch()];
        let mut bias = vec![T::ZERO; g.outputs];
        let mut arranged = Arranged::new(g, band);
        for image in images {
            let at = band.of_image(image);
            result_gradient.write(&at, saved.rectified(&at), &mut gradients);
            let pixels = &saved.images[image * g.image()..][..g.image()];
            arranged.take(pixels);
            let terms = Terms {
                pixels: arranged.get(pixels),
                gradients: &gradients,
                places: saved.places.get(at.values).unwrap_or_default(),
                starts: &starts,
                row: g.row_below(),
                outputs: g.outputs,
                near: near(g) && g.convolved().1.is_multiple_of(NEAR),
            };
            for (index, sums) in sums.chunks_exact_mut(WEIGHTS * lanes).enumerate() {
                let (block, channel) = (index / CHANNELS, index % CHANNELS);
                let bias = &mut bias[block * lanes..][..lanes];
                terms.add_to::<S, CHANNELS>(simd, sums, bias, (block * lanes, channel));
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
        (weights, bias)
    }
}

/// What a band of one image adds.
struct Terms<'a, T> {
    pixels: &'a [T],
    /// One for each place where a patch starts and each output.
    gradients: &'a [T],
    /// Where pooled.
    places: &'a [u8],
    starts: &'a [usize],
    /// From one row of a patch to the next.
    row: usize,
    outputs: usize,
    /// Whether the patches lie one pixel apart in rows of as many as are read together.
    near: bool,
}

/// Sums of one channel's nine weights, and of the gradients.
struct Totals<V> {
    weights: [V; WEIGHTS],
    bias: V,
}

impl<T: Element> Terms<'_, T> {
    /// Adds to the sums of the nine weights of one channel and a vector of outputs, and to that of the outputs'
    /// gradients.
    #[inline(always)]
    fn add_to<S: Simd, const CHANNELS: usize>(
        &self,
        simd: S,
        sums: &mut [T],
        bias: &mut [T],
        (output, channel): (usize, usize),
    ) {
        let lanes = T::lanes::<S>();
        let first = T::load(simd, bias);
        let mut totals = Totals { weights: [first; WEIGHTS], bias: first };
        for weight in 0..WEIGHTS {
            totals.weights[weight] = T::load(simd, &sums[weight * lanes..][..lanes]);
        }
        if !self.places.is_empty() {
            self.add_windows::<S, CHANNELS>(simd, &mut totals, (output, channel));
        } else if self.near {
            self.add_patches::<S, CHANNELS, NEAR>(simd, &mut totals, (output, channel));
        } else {
            self.add_patches::<S, CHANNELS, 1>(simd, &mut totals, (output, channel));
        }
        for weight in 0..WEIGHTS {
            T::store(simd, &mut sums[weight * lanes..][..lanes], totals.weights[weight]);
        }
        // The other channels' outputs are the same.
        if channel == 0 {
            T::store(simd, bias, totals.bias);
        }
    }

    /// Of so many patches at a time, one pixel apart.
    #[inline(always)]
    fn add_patches<S: Simd, const CHANNELS: usize, const COUNT: usize>(
        &self,
        simd: S,
        totals: &mut Totals<T::Vector<S>>,
        (output, channel): (usize, usize),
    ) {
        let lanes = T::lanes::<S>();
        let all = self.gradients.chunks_exact(COUNT * self.outputs);
        for (given, starts) in all.zip(self.starts.chunks_exact(COUNT)) {
            let apart = (0, self.outputs);
            let gradients =
                Grid::<T, S, 1, COUNT>::new(simd, &given[output..], apart, lanes).row(0);
            for patch in 0..COUNT {
                totals.bias = T::plus(simd, totals.bias, gradients[patch]);
            }
            for y in 0..SIDE {
                let pixels = &self.pixels[starts[0] + y * self.row..];
                let pixels = &pixels[..(COUNT + SIDE - 1) * CHANNELS];
                for x in 0..COUNT + SIDE - 1 {
                    let pixel = T::splat(simd, pixels[x * CHANNELS + channel]);
                    for patch in 0..COUNT {
                        if (patch..patch + SIDE).contains(&x) {
                            let total = &mut totals.weights[y * SIDE + x - patch];
                            *total = T::fma(simd, pixel, gradients[patch], *total);
                        }
                    }
                }
            }
        }
    }

    /// Of a pooling window at a time: the gradient of an output belongs to one of its four places.
    #[inline(always)]
    fn add_windows<S: Simd, const CHANNELS: usize>(
        &self,
        simd: S,
        totals: &mut Totals<T::Vector<S>>,
        (output, channel): (usize, usize),
    ) {
        let (lanes, zero) = (T::lanes::<S>(), T::splat(simd, T::ZERO));
        let all = self.gradients.chunks_exact(self.outputs);
        let all = all.zip(self.places.chunks_exact(self.outputs)).zip(self.starts);
        for ((given, places), &start) in all {
            let given = T::load(simd, &given[output..][..lanes]);
            let at = load_places::<T, S>(simd, &places[output..][..lanes]);
            totals.bias = T::plus(simd, totals.bias, given);
            let mut gradients = [zero; WINDOW];
            for place in 0..WINDOW {
                let here = T::equal(simd, at, T::splat(simd, T::from_place(place as u8)));
                gradients[place] = T::select(simd, here, given, zero);
            }
            for y in 0..SIDE + 1 {
                let pixels = &self.pixels[start + y * self.row..][..(SIDE + 1) * CHANNELS];
                for x in 0..SIDE + 1 {
                    let pixel = T::splat(simd, pixels[x * CHANNELS + channel]);
                    for place in 0..WINDOW {
                        let (down, across) = (place / 2, place % 2);
                        if (down..down + SIDE).contains(&y) && (across..across + SIDE).contains(&x)
                        {
                            let total = &mut totals.weights[(y - down) * SIDE + x - across];
                            *total = T::fma(simd, pixel, gradients[place], *total);
                        }
                    }
                }
            }
        }
    }
}

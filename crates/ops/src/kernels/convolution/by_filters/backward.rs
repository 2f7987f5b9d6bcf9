//! The gradients.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::super::backward::{Add, OuterProducts};
use super::super::groups::written;
use super::super::winograd::{
    F4, FILTER, Filtering, Matrices, add_square, store_places, transformed,
};
use super::super::{Geometry, Gradients, ResultGradient, Saved};
use super::{PLACES, RESULTS, SIDE, Tiles, Transformed, apart, joined, panels, pixels};
use crate::element::Element;
use crate::kernels::columns::ColumnSums;
use crate::kernels::lines::Lines;
use crate::kernels::transposed::transpose;
use crate::kernels::{dispatch, parts};
use crate::memory::places;

type Filter = <F4 as Filtering<SIDE, RESULTS>>::Filter;
type FilterBack = <F4 as Filtering<SIDE, RESULTS>>::FilterBack;
type PixelsBack = <F4 as Filtering<SIDE, RESULTS>>::PixelsBack;

/// As [`super::super::backward`], unpooled.
pub(in super::super) fn backward<T: Element>(
    saved: &Saved<'_, T>,
    result_gradient: &dyn ResultGradient<T>,
    g: &Geometry,
    of_images: bool,
) -> Gradients<T> {
    let tiles = &Tiles::of(g);
    let gradients = written(saved, result_gradient, g);
    let mut bias = ColumnSums::new(g.outputs);
    bias.add(&gradients);
    let results = &taken(&gradients, tiles)[..];
    let pixels = &pixels(saved.images, tiles)[..];
    let weights = parts::map(panels::<T>(g.outputs), |outputs| {
        dispatch(OfWeights { pixels, results, outputs, tiles })
    });
    let images = if of_images {
        let panels = parts::map(panels::<T>(g.channels), |channels| {
            dispatch(OfImages { results, weights: saved.weights, channels, tiles })
        });
        joined(&panels, g.channels)
    } else {
        Vec::new()
    };
    Gradients { images, weights: weights.concat(), bias: bias.total() }
}

/// What becomes of the gradients of all tiles' results on the way back.
fn taken<T: Element>(gradients: &[T], tiles: &Tiles<'_>) -> Vec<Transformed<T>> {
    let ((height, width), together) = (tiles.g.convolved(), tiles.together());
    let length = together * height * width * tiles.g.outputs;
    parts::map(gradients.chunks(length).enumerate(), |(number, gradients)| {
        dispatch(TakeGradients { gradients, first: number * together, tiles })
    })
}

struct TakeGradients<'a, T> {
    gradients: &'a [T],
    first: usize,
    tiles: &'a Tiles<'a>,
}

impl<T: Element> WithSimd for TakeGradients<'_, T> {
    type Output = Transformed<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Transformed<T> {
        let Self { gradients, first, tiles } = self;
        let (g, wide, each) = (tiles.g, &tiles.wide, tiles.each());
        let ((height, width), line) = (g.convolved(), wide.convolved().1 * g.outputs);
        let count = gradients.len() / (height * width * g.outputs);
        let mut matrices = Matrices::unspecified::<S>(count * each, g.outputs);
        let mut room = vec![T::ZERO; RESULTS * tiles.down * line];
        let row = width * g.outputs;
        for (number, gradients) in gradients.chunks_exact(height * row).enumerate() {
            // What is beyond them is zero from the beginning, and stays so.
            for (source, target) in gradients.chunks_exact(row).zip(room.chunks_exact_mut(line)) {
                target[..row].copy_from_slice(source);
            }
            for tile in 0..each {
                let (y, x) = tiles.corner(tile);
                let square = &room[y * line + x * g.outputs..];
                let row = number * each + tile;
                matrices.take_gradients::<S, F4, RESULTS>(simd, row, square, wide);
            }
        }
        Transformed { matrices, images: first..first + count }
    }
}

/// The gradients of the weights of a panel's outputs, channels-last, one row of patch length an output.
struct OfWeights<'a, T: Element> {
    pixels: &'a [Transformed<T>],
    results: &'a [Transformed<T>],
    outputs: Range<usize>,
    tiles: &'a Tiles<'a>,
}

impl<T: Element> WithSimd for OfWeights<'_, T> {
    type Output = Vec<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<T> {
        match const { size_of::<T::Vector<S>>() / size_of::<T>() } {
            16 => self.of_lanes::<S, 8>(simd),
            8 => self.of_lanes::<S, 4>(simd),
            4 => self.of_lanes::<S, 2>(simd),
            _ => self.of_lanes::<S, 1>(simd),
        }
    }
}

impl<T: Element> OfWeights<'_, T> {
    /// `CHANNELS` are half as many as a vector has, or one.
    #[inline(always)]
    fn of_lanes<S: Simd, const CHANNELS: usize>(self, simd: S) -> Vec<T> {
        let Self { pixels, results, outputs, tiles } = self;
        let (g, lanes) = (tiles.g, T::lanes::<S>());
        let vectors = outputs.start / lanes..outputs.end.div_ceil(lanes);
        let channels = g.channels.next_multiple_of(lanes);
        let place = vectors.len() * channels * lanes;
        let apart = apart::<T>(place);
        let mut sums = Lines::zeros(PLACES * apart);
        for (number, sums) in sums.chunks_exact_mut(apart).enumerate() {
            for (pixels, results) in pixels.iter().zip(results) {
                let rows = pixels.images.len() * tiles.each();
                let (left, right) = (&pixels.matrices, &results.matrices);
                let left = (&left.at(number)[..rows * left.row], left.row);
                let right = (&right.at(number)[..rows * right.row], right.row);
                let (vectors, sums) = (vectors.clone(), &mut sums[..place]);
                let products = OuterProducts { simd, left, right, vectors, sums };
                simd.vectorize(Add::<T, S, CHANNELS>(products));
            }
        }
        // A row a place of a patch, as the transforms come, then a row an output.
        let width = vectors.len() * lanes;
        let mut turned = Lines::unspecified(g.patch() * width);
        for vector in 0..vectors.len() {
            for channel in 0..g.channels {
                let values = &sums[(vector * channels + channel) * lanes..];
                let place = (SIDE * apart, apart, 0);
                let square = transformed::<T, S, FilterBack, _, _>(simd, values, place);
                for y in 0..FILTER {
                    for x in 0..FILTER {
                        let row = (y * FILTER + x) * g.channels + channel;
                        let target = &mut turned[row * width + vector * lanes..][..lanes];
                        T::store(simd, target, square[y][x]);
                    }
                }
            }
        }
        let mut weights = vec![T::ZERO; outputs.len() * g.patch()];
        let size = (g.patch(), outputs.len());
        transpose((&turned, width), size, (places(&mut weights), g.patch()));
        weights
    }
}

/// The gradients of a panel's channels, of all pixels.
struct OfImages<'a, T: Element> {
    results: &'a [Transformed<T>],
    weights: &'a [T],
    channels: Range<usize>,
    tiles: &'a Tiles<'a>,
}

impl<T: Element> WithSimd for OfImages<'_, T> {
    type Output = Vec<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<T> {
        let Self { results, weights, channels, tiles } = self;
        let (g, wide, each, lanes) = (tiles.g, &tiles.wide, tiles.each(), T::lanes::<S>());
        let (panel, own) = (2 * lanes, channels.len());
        let place = g.outputs * panel;
        let apart = apart::<T>(place);
        let mut transforms = Lines::unspecified(PLACES * apart);
        for (output, weights) in weights.chunks_exact(g.patch()).enumerate() {
            for first in (0..own).step_by(lanes) {
                let channel = channels.start + first;
                let at = (FILTER * g.channels, g.channels, channel);
                let square = transformed::<T, S, Filter, _, _>(simd, &weights[channel..], at);
                store_places(simd, &mut transforms[output * panel + first..], apart, square);
            }
        }
        let count = results.last().map_or(0, |last| last.images.end);
        let mut images = Vec::with_capacity(count * g.height * g.width * own);
        let line = wide.width * panel;
        let mut room = vec![T::ZERO; wide.height * line];
        for Transformed { matrices, images: range } in results {
            let rows = range.len() * each;
            let mut products = Matrices::unspecified::<S>(rows, panel);
            for (number, transforms) in transforms.chunks_exact(apart).enumerate() {
                let right = (&transforms[..place], 2);
                matrices.multiply(simd, number, (rows, g.outputs), right, (&mut products, 0));
            }
            for first in (0..rows).step_by(each) {
                room.fill(T::ZERO);
                for tile in 0..each {
                    let (y, x) = tiles.corner(tile);
                    let target = &mut room[y * line + x * panel..];
                    for vector in (0..own).step_by(lanes) {
                        let place = (first + tile, vector);
                        let square = products.transformed::<S, PixelsBack, _>(simd, place);
                        let target = &mut target[vector..];
                        add_square(simd, target, (line, panel, vector), square);
                    }
                }
                for y in 0..g.height {
                    let pixels = &room[(g.padding + y) * line + g.padding * panel..];
                    for pixel in pixels.chunks_exact(panel).take(g.width) {
                        images.extend_from_slice(&pixel[..own]);
                    }
                }
            }
        }
        images
    }
}

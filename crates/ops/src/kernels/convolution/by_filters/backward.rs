//! The gradients.

use std::mem::MaybeUninit;
use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::super::backward::{Add, OuterProducts, sum_over};
use super::super::column_slices::{concat_columns, copy};
use super::super::winograd::{
    F4, FILTER, Filtering, Matrices, add_square, store_places, transformed,
};
use super::super::{Geometry, Gradients, ResultGradient, ResultRows, Saved};
use super::panels::{apart, channels_of, outputs_of, panels, pieces, vectors};
use super::products::{Filters, products};
use super::{PLACES, RESULTS, SIDE, Tiles, Transformed, pixels, surrounded};
use crate::element::Element;
use crate::kernels::columns::ColumnSums;
use crate::kernels::lines::Lines;
use crate::kernels::transposed::transpose;
use crate::kernels::{dispatch, parts};
use crate::memory::{places, unwritten};
use crate::threads::join;

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
    let count = saved.images.len() / g.image();
    let block = tiles.block(count);
    let mut image_gradients = unwritten(if of_images { saved.images.len() } else { 0 });
    let mut targets: Vec<_> = image_gradients.chunks_mut(block * g.image()).collect();
    targets.resize_with(count.div_ceil(block), Default::default);
    let blocks = saved.images.chunks(block * g.image()).zip(targets);
    // A block too few would leave memory unwritten.
    assert_eq!(blocks.len(), count.div_ceil(block), "blocks of images");
    let gradients_of = |(number, (images, target)): (usize, (&[T], &mut [MaybeUninit<T>]))| {
        let own = number * block..count.min((number + 1) * block);
        let ((results, bias), pixels) =
            join(|| taken(saved, result_gradient, own, tiles), || pixels(images, tiles));
        let of_images = || {
            if of_images {
                let panels = parts::map(panels::<T>(g.groups, g.channels), |channels| {
                    let weights = saved.weights;
                    dispatch(OfImages { results: &results, weights, channels, tiles })
                });
                concat_columns(&panels, g.channels, target);
            }
        };
        // Neither waits for the other's last panels.
        let ((), weights) = join(of_images, || of_weights(&pixels, &results, tiles));
        (weights, bias)
    };
    let (weights, bias) = sum_over(blocks.enumerate(), g, gradients_of);
    // SAFETY: the blocks are all there is, and each is written.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    let images = unsafe { image_gradients.assume_init() }.into_vec();
    Gradients { images, weights, bias }
}

/// What becomes of the gradients of all tiles' results of some images on the way back, and the bias's gradient.
fn taken<T: Element>(
    saved: &Saved<'_, T>,
    result_gradient: &dyn ResultGradient<T>,
    images: Range<usize>,
    tiles: &Tiles<'_>,
) -> (Vec<Transformed<T>>, Vec<T>) {
    let together = tiles.together();
    let first = images.start;
    let starts = images.clone().step_by(together);
    let taken = parts::map(starts, |start| {
        let images = start..images.end.min(start + together);
        dispatch(TakeGradients { saved, result_gradient, images, first, tiles })
    });
    let mut bias = ColumnSums::of_sums(tiles.g.outputs);
    taken.iter().for_each(|(_, of_bias)| bias.add(of_bias));
    (taken.into_iter().map(|(taken, _)| taken).collect(), bias.total())
}

struct TakeGradients<'a, T> {
    saved: &'a Saved<'a, T>,
    result_gradient: &'a dyn ResultGradient<T>,
    images: Range<usize>,
    /// From which on images are counted.
    first: usize,
    tiles: &'a Tiles<'a>,
}

impl<T: Element> WithSimd for TakeGradients<'_, T> {
    type Output = (Transformed<T>, Vec<T>);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (Transformed<T>, Vec<T>) {
        let Self { saved, result_gradient, images, first, tiles } = self;
        let (g, wide, each) = (tiles.g, &tiles.wide, tiles.each());
        let ((height, width), line) = (g.convolved(), wide.convolved().1 * g.outputs);
        let row = width * g.outputs;
        let mut matrices = Matrices::unspecified::<S>(images.len() * each, g.outputs);
        let mut gradients = Lines::unspecified(height * row);
        let mut room = Lines::unspecified(RESULTS * tiles.down * line);
        let mut bias = ColumnSums::new(g.outputs);
        for (number, image) in images.clone().enumerate() {
            let values = image * height * row..(image + 1) * height * row;
            let at = ResultRows { image, rows: 0..height, values };
            result_gradient.write(&at, saved.rectified(&at), &mut gradients);
            bias.add(&gradients);
            let gradients = surrounded((&gradients, row), (&mut room, line), (0, 0));
            for tile in 0..each {
                let (y, x) = tiles.corner(tile);
                let square = &gradients[y * line + x * g.outputs..];
                let row = number * each + tile;
                matrices.take_gradients::<S, F4, RESULTS>(simd, row, square, wide);
            }
        }
        (Transformed { matrices, images: images.start - first..images.end - first }, bias.total())
    }
}

/// The gradients of the weights, channels-last, one row of patch length an output; threads share the panels of outputs.
fn of_weights<T: Element>(
    pixels: &[Transformed<T>],
    results: &[Transformed<T>],
    tiles: &Tiles<'_>,
) -> Vec<T> {
    let (g, patch) = (tiles.g, tiles.g.group().patch());
    let mut weights = unwritten(g.outputs * patch);
    let mut left = &mut weights[..];
    let panels = panels::<T>(g.groups, g.outputs).map(|outputs| {
        let (own, others) = std::mem::take(&mut left).split_at_mut(outputs.len() * patch);
        left = others;
        OfWeights { pixels, results, outputs, tiles, weights: own }
    });
    parts::for_each(panels, dispatch);
    assert!(left.is_empty(), "panels of all outputs");
    // SAFETY: the panels have all outputs, and each writes the whole row of every output of its own.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    unsafe { weights.assume_init() }.into_vec()
}

/// Writes the gradients of the weights of a panel's outputs.
struct OfWeights<'a, T: Element> {
    pixels: &'a [Transformed<T>],
    results: &'a [Transformed<T>],
    outputs: Range<usize>,
    tiles: &'a Tiles<'a>,
    weights: &'a mut [MaybeUninit<T>],
}

impl<T: Element> WithSimd for OfWeights<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
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
    fn of_lanes<S: Simd, const CHANNELS: usize>(self, simd: S) {
        let Self { pixels, results, outputs, tiles, weights } = self;
        let (g, lanes) = (tiles.g, T::lanes::<S>());
        let vectors = outputs.start / lanes..outputs.end.div_ceil(lanes);
        let read = channels_of(g, &outputs);
        // Whole vectors of them, and of a pixel's channels there are.
        let read = read.start / lanes * lanes..read.end.next_multiple_of(lanes);
        let channels = read.len();
        let place = vectors.len() * channels * lanes;
        let apart = apart::<T>(place);
        let mut sums = Lines::zeros(PLACES * apart);
        for (number, sums) in sums.chunks_exact_mut(apart).enumerate() {
            for (pixels, results) in pixels.iter().zip(results) {
                let rows = pixels.images.len() * tiles.each();
                let (left, right) = (&pixels.matrices, &results.matrices);
                let left = (&left.at(number)[..rows * left.row], left.row);
                let right = (&right.at(number)[..rows * right.row], right.row);
                let (columns, vectors) = (read.clone(), vectors.clone());
                let sums = &mut sums[..place];
                let products = OuterProducts { simd, left, columns, right, vectors, sums };
                simd.vectorize(Add::<T, S, CHANNELS>(products));
            }
        }
        // A row a place of a patch, as the transforms come, then a row an output.
        let width = vectors.len() * lanes;
        let mut turned = Lines::unspecified(FILTER * FILTER * channels * width);
        for vector in 0..vectors.len() {
            for channel in 0..channels {
                let values = &sums[(vector * channels + channel) * lanes..];
                let place = (SIDE * apart, apart, 0);
                let square = transformed::<T, S, FilterBack, _, _>(simd, values, place);
                for y in 0..FILTER {
                    for x in 0..FILTER {
                        let row = (y * FILTER + x) * channels + channel;
                        let target = &mut turned[row * width + vector * lanes..][..lanes];
                        T::store(simd, target, square[y][x]);
                    }
                }
            }
        }
        let patch = g.group().patch();
        for piece in pieces(g, outputs.clone()) {
            let first = piece.outputs.start - outputs.start;
            let size = (piece.channels.len(), piece.outputs.len());
            for tap in 0..FILTER * FILTER {
                let row = tap * channels + piece.channels.start - read.start;
                let target = &mut weights[first * patch + tap * size.0..];
                transpose((&turned[row * width + first..], width), size, (target, patch));
            }
        }
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
    type Output = Lines<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Lines<T> {
        let Self { results, weights, channels, tiles } = self;
        let (g, wide, each, lanes) = (tiles.g, &tiles.wide, tiles.each(), T::lanes::<S>());
        let (vectors, own) = (vectors::<T, S>(g.groups, g.channels), channels.len());
        let panel = vectors * lanes;
        let read = outputs_of(g, &channels);
        let apart = apart::<T>(read.len() * panel);
        let mut transforms = Lines::unspecified(PLACES * apart);
        let mut filter = Lines::zeros(FILTER * FILTER * panel);
        for piece in pieces(g, read.clone()) {
            let all = piece.channels.len();
            let seen =
                piece.channels.start.max(channels.start)..piece.channels.end.min(channels.end);
            // What joins the panel's groups is zero.
            filter.fill(T::ZERO);
            for output in piece.outputs {
                let weights = &weights[FILTER * FILTER * all * output..];
                for tap in 0..FILTER * FILTER {
                    let first = tap * all + seen.start - piece.channels.start;
                    let target = tap * panel + seen.start - channels.start;
                    filter[target..][..seen.len()].copy_from_slice(&weights[first..][..seen.len()]);
                }
                for first in (0..panel).step_by(lanes) {
                    let at = (FILTER * panel, panel, first);
                    let square = transformed::<T, S, Filter, _, _>(simd, &filter[first..], at);
                    let row = (output - read.start) * panel;
                    store_places(simd, &mut transforms[row + first..], apart, square);
                }
            }
        }
        let count = results.last().map_or(0, |last| last.images.end);
        let mut images = Lines::unspecified(count * g.height * g.width * own);
        let mut targets = places(&mut images).chunks_exact_mut(own);
        let line = wide.width * panel;
        let mut room = Lines::unspecified(wide.height * line);
        let filters = Filters { transforms: &transforms, apart, read, vectors };
        for (images, products) in products(simd, results, each, &filters) {
            let rows = images.len() * each;
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
                    let pixels = pixels.chunks_exact(panel).take(g.width);
                    for (pixel, target) in pixels.zip(&mut targets) {
                        copy(&pixel[..own], target);
                    }
                }
            }
        }
        images
    }
}

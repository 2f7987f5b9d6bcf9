//! Minimal filtering where filters are many and tiles few: threads share the filters instead of the images.
//!
//! Where each thread takes some images, as [`super::winograd`] is applied elsewhere, each needs the transforms of all
//! filters, and a gradient of each of them. Here the tiles of the whole batch are transformed first. Then a thread takes
//! a *panel* of outputs, or on the way back to the images of channels: it transforms the panel's filters, multiplies all
//! tiles by them, and goes on to the next panel while no transform has left its cache. No gradients are added up
//! afterwards, and one image has products for all threads.
//!
//! Tiles are of 4×4 results (Lavin and Gray, 2016), and may reach beyond what there is: they find zeros there.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::forward::{TransformPanel, at_least, floor};
use super::windows::pooled;
use super::winograd::{F4, FILTER, Filtering, Matrices, Tile};
use super::{Geometry, Then};
use crate::element::Element;
use crate::kernels::lines::Lines;
use crate::kernels::transposed::transpose;
use crate::kernels::{dispatch, parts};
use crate::memory::{places, unwritten};

mod backward;

pub(super) use self::backward::backward;

/// Pixels and results along a side of a tile, and places of its square.
const SIDE: usize = 6;
const RESULTS: usize = 4;
const PLACES: usize = SIDE * SIDE;

/// Whether this is the way for a batch of so many images.
pub(super) fn fit(g: &Geometry, count: usize) -> bool {
    /// Weights from which on their transforms fill more than the nearer caches, and how many tiles are worth them.
    const MANY: usize = 1 << 14;
    const FEWEST: usize = 8;
    const MOST: usize = 512;
    /// Positions of a tile at least, in the mean: nine multiplications for each are direct, 36 those of a tile.
    const POSITIONS: usize = 8;
    let filters = g.channels * g.outputs;
    let taken = !g.direct
        && (g.kernel_height, g.kernel_width, g.stride, g.dilation, g.groups)
            == (FILTER, FILTER, 1, 1, 1)
        && filters >= MANY;
    let (height, width) = g.convolved();
    let each = height.div_ceil(RESULTS) * width.div_ceil(RESULTS);
    taken
        && (FEWEST..=MOST.min(filters / 128)).contains(&count.saturating_mul(each))
        && height * width >= POSITIONS * each
}

/// The tiles of an image.
struct Tiles<'a> {
    g: &'a Geometry,
    /// Of an image that is so large, with its padding, that no tile reaches beyond it.
    wide: Geometry,
    down: usize,
    across: usize,
}

impl<'a> Tiles<'a> {
    fn of(g: &'a Geometry) -> Self {
        let (height, width) = g.convolved();
        let (down, across) = (height.div_ceil(RESULTS), width.div_ceil(RESULTS));
        let side = |tiles: usize| RESULTS * tiles + SIDE - RESULTS;
        let wide = Geometry {
            height: side(down),
            width: side(across),
            padding: 0,
            band: usize::MAX,
            ..*g
        };
        Self { g, wide, down, across }
    }

    /// How many there are.
    fn each(&self) -> usize {
        self.down * self.across
    }

    /// Images whose tiles are transformed together, by one thread.
    fn together(&self) -> usize {
        const TILES: usize = 32;
        (TILES / self.each()).max(1)
    }

    /// The row and the column of the first result of one.
    fn corner(&self, tile: usize) -> (usize, usize) {
        (RESULTS * (tile / self.across), RESULTS * (tile % self.across))
    }
}

/// What becomes of the tiles of some images.
struct Transformed<T: Element> {
    matrices: Matrices<T, SIDE>,
    images: Range<usize>,
}

/// The transforms of the pixels of all tiles.
fn pixels<T: Element>(images: &[T], tiles: &Tiles<'_>) -> Vec<Transformed<T>> {
    let together = tiles.together();
    parts::map(images.chunks(together * tiles.g.image()).enumerate(), |(number, images)| {
        let first = number * together;
        dispatch(TakePixels { images, first, tiles })
    })
}

struct TakePixels<'a, T> {
    images: &'a [T],
    first: usize,
    tiles: &'a Tiles<'a>,
}

impl<T: Element> WithSimd for TakePixels<'_, T> {
    type Output = Transformed<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Transformed<T> {
        let Self { images, first, tiles } = self;
        let (g, wide, each) = (tiles.g, &tiles.wide, tiles.each());
        let count = images.len() / g.image();
        let mut matrices = Matrices::unspecified::<S>(count * each, g.channels);
        let mut room = vec![T::ZERO; wide.image()];
        let row = g.width * g.channels;
        for (number, image) in images.chunks_exact(g.image()).enumerate() {
            // What is around it is zero from the beginning, and stays so.
            for (y, source) in image.chunks_exact(row).enumerate() {
                let target = (g.padding + y) * wide.row() + g.padding * g.channels;
                room[target..target + row].copy_from_slice(source);
            }
            for tile in 0..each {
                let (y, x) = tiles.corner(tile);
                let square = &room[y * wide.row() + x * g.channels..];
                let row = number * each + tile;
                matrices.take_pixels::<S, F4, RESULTS>(simd, row, square, wide);
            }
        }
        Transformed { matrices, images: first..first + count }
    }
}

/// As [`super::forward`].
pub(super) fn forward<T: Element>(
    images: &[T],
    (weights, bias): (&[T], &[T]),
    g: &Geometry,
    then: Then,
) -> (Vec<T>, Vec<u8>) {
    let tiles = &Tiles::of(g);
    let pixels = &pixels(images, tiles)[..];
    let panels = parts::map(panels::<T>(g.outputs), |outputs| {
        dispatch(Results { pixels, weights, bias, outputs, tiles, then })
    });
    let result = joined(&panels, g.outputs);
    if then == Then::ReluMaxPool { pooled(&result, g) } else { (result, Vec::new()) }
}

/// The results of a panel's outputs.
struct Results<'a, T: Element> {
    pixels: &'a [Transformed<T>],
    weights: &'a [T],
    bias: &'a [T],
    outputs: Range<usize>,
    tiles: &'a Tiles<'a>,
    then: Then,
}

impl<T: Element> WithSimd for Results<'_, T> {
    /// Of all positions.
    type Output = Vec<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<T> {
        let Self { pixels, weights, bias, outputs, tiles, then } = self;
        let (g, each, lanes) = (tiles.g, tiles.each(), T::lanes::<S>());
        let ((height, width), panel) = (g.convolved(), 2 * lanes);
        let (place, apart) = (g.channels * panel, apart::<T>(g.channels * panel));
        let mut filters = Lines::zeros(g.patch() * panel);
        let own = &weights[outputs.start * g.patch()..outputs.end * g.patch()];
        let size = (outputs.len(), g.patch());
        transpose((own, g.patch()), size, (places(&mut filters), panel));
        let mut transforms = Lines::unspecified(PLACES * apart);
        let (filters, target, channels) = (&filters[..], &mut transforms[..], g.channels);
        TransformPanel { filters, target, apart, channels, tile: Tile::Four }.with_simd(simd);

        let count = pixels.last().map_or(0, |last| last.images.end);
        let (own, bias) = (outputs.len(), &bias[outputs]);
        let least = floor::<T, S>(simd, if then == Then::Relu { then } else { Then::Nothing });
        let mut result = vec![T::ZERO; count * height * width * own];
        for Transformed { matrices, images } in pixels {
            let rows = images.len() * each;
            let mut products = Matrices::unspecified::<S>(rows, panel);
            for (number, transforms) in transforms.chunks_exact(apart).enumerate() {
                let right = (&transforms[..place], 2);
                matrices.multiply(simd, number, (rows, g.channels), right, (&mut products, 0));
            }
            for row in 0..rows {
                let (top, left) = tiles.corner(row % each);
                let first = ((images.start + row / each) * height + top) * width + left;
                for vector in (0..own).step_by(lanes) {
                    type Back = <F4 as Filtering<SIDE, RESULTS>>::Results;
                    let sums = products.transformed::<S, Back, _>(simd, (row, vector));
                    let bias = T::load(simd, &bias[vector..own.min(vector + lanes)]);
                    for y in 0..RESULTS.min(height - top) {
                        for x in 0..RESULTS.min(width - left) {
                            let sum = T::plus(simd, sums[y][x], bias);
                            let target = &mut result[(first + y * width + x) * own..][..own];
                            let target = &mut target[vector..own.min(vector + lanes)];
                            T::store(simd, target, at_least::<T, S>(simd, least, sum));
                        }
                    }
                }
            }
        }
        result
    }
}

/// From one place's matrix of so many values to the next: a cache line more, or else the same row of all would lie in
/// few sets of the cache.
fn apart<T>(values: usize) -> usize {
    values + 64 / size_of::<T>()
}

/// The panels of so many outputs or channels.
fn panels<T: Element>(all: usize) -> impl Iterator<Item = Range<usize>> {
    let width = dispatch(Width::<T>(std::marker::PhantomData));
    (0..all).step_by(width).map(move |first| first..all.min(first + width))
}

/// Outputs or channels of a panel.
struct Width<T>(std::marker::PhantomData<T>);

impl<T: Element> WithSimd for Width<T> {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        2 * T::lanes::<S>()
    }
}

/// Rows of so many values, of the rows of all panels.
fn joined<T: Element>(panels: &[Vec<T>], row: usize) -> Vec<T> {
    let [first, ..] = panels else { return Vec::new() };
    // All panels but the last are as wide as the first.
    let last = panels.last().map_or(0, Vec::len);
    let rows = (first.len() * (panels.len() - 1) + last) / row;
    let mut all = unwritten(rows * row);
    let part = parts::part(all.len(), row);
    parts::for_each(all.chunks_mut(part).enumerate(), |(number, targets)| {
        for (index, target) in targets.chunks_exact_mut(row).enumerate() {
            let (index, mut target) = (number * part / row + index, target);
            for panel in panels {
                let width = panel.len() / rows;
                let own;
                (own, target) = target.split_at_mut(width);
                own.write_copy_of_slice(&panel[index * width..][..width]);
            }
            // A column too few would leave memory unwritten.
            assert!(target.is_empty(), "the panels' rows fill each row");
        }
    });
    // SAFETY: the parts are all there is, and the panels' rows fill each row.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    unsafe { all.assume_init() }.into_vec()
}

//! Minimal filtering where filters are many and tiles few, or in groups: threads share the filters instead of the images.
//!
//! Where each thread takes some images, as [`super::winograd`] is applied elsewhere, each needs the transforms of all
//! filters, and a gradient of each of them. Here the tiles of the whole batch are transformed first. Then a thread takes
//! a *panel* of outputs, or on the way back to the images of channels: it transforms the panel's filters, multiplies all
//! tiles by them, and goes on to the next panel while no transform has left its cache. No gradients are added up
//! afterwards, and one image has products for all threads.
//!
//! In groups a panel sees the channels of its own groups alone, so nothing has to be brought together. There filters are
//! few, and images are taken in blocks, whose transforms stay in the cache and whose gradients are added up.
//!
//! Tiles are of 4×4 results (Lavin and Gray, 2016), and may reach beyond what there is: they find zeros there. A pixel
//! that is infinite or NaN may spoil all groups of its panel, for what joins them is zero.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use self::panels::{apart, channels_of, panels, pieces, vectors};
use self::products::{Filters, products};
use super::column_slices::concat_columns;
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
mod panels;
mod products;

pub(super) use self::backward::backward;

/// Pixels and results along a side of a tile, and places of its square.
const SIDE: usize = 6;
const RESULTS: usize = 4;
const PLACES: usize = SIDE * SIDE;

/// Filters from which on their transforms fill more than the nearer caches.
pub(super) const MANY: usize = 1 << 14;

/// Whether this is the way for a batch of so many images.
pub(super) fn fit(g: &Geometry, count: usize) -> bool {
    /// Positions of a tile at least, in the mean: nine multiplications for each are direct, 36 those of a tile.
    const POSITIONS: usize = 8;
    let (height, width) = g.convolved();
    let each = height.div_ceil(RESULTS) * width.div_ceil(RESULTS);
    let tiles = count.saturating_mul(each);
    let taken = !g.direct && g.has_filter_of_tiles() && height * width >= POSITIONS * each;
    taken && if g.are_apart() { fit_groups(g, tiles, each) } else { fit_whole(g, tiles) }
}

/// Whether there are filters enough, and few enough of all tiles.
fn fit_whole(g: &Geometry, tiles: usize) -> bool {
    /// How many tiles are worth them.
    const FEWEST: usize = 8;
    const MOST: usize = 512;
    let filters = g.channels * g.outputs;
    let fitting = FEWEST..=MOST.min(filters / 128);
    g.groups == 1 && filters >= MANY && fitting.contains(&tiles)
}

/// Whether groups are narrow enough, and there are tiles enough, of which each image has so many.
fn fit_groups(g: &Geometry, tiles: usize, each: usize) -> bool {
    /// Channels or outputs of a group up to which its filters are few, and how many tiles are worth them.
    const WIDE: usize = 64;
    const FEWEST: usize = 4;
    /// Values of an image's transforms.
    const VALUES: usize = 1 << 22;
    let own = g.group();
    let transformed = each * PLACES * g.channels.max(g.outputs);
    own.channels.max(own.outputs) <= WIDE && tiles >= FEWEST && transformed <= VALUES
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

    /// Images of a batch of so many that are worked on before the next ones: in groups, filters are few, and the
    /// transforms of many tiles would leave the cache.
    fn block(&self, count: usize) -> usize {
        const VALUES: usize = 1 << 18;
        /// For which the filters' transforms are worth their while.
        const FEWEST: usize = 16;
        let tile = PLACES * self.g.channels.max(self.g.outputs);
        let tiles = (VALUES / tile).max(FEWEST);
        if self.g.groups == 1 { count } else { (tiles / self.each()).max(1) }
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
        let mut room = Lines::unspecified(wide.image());
        let (row, line) = (g.width * g.channels, wide.row());
        for (number, image) in images.chunks_exact(g.image()).enumerate() {
            let first = (g.padding, g.padding * g.channels);
            let image = surrounded((image, row), (&mut room, line), first);
            for tile in 0..each {
                let (y, x) = tiles.corner(tile);
                let square = &image[y * wide.row() + x * g.channels..];
                let row = number * each + tile;
                matrices.take_pixels::<S, F4, RESULTS>(simd, row, square, wide);
            }
        }
        Transformed { matrices, images: first..first + count }
    }
}

/// Rows of so many values within longer ones, with zeros around them, from a row and a place in it on; as they lie
/// where there is nothing around them.
#[inline(always)]
fn surrounded<'a, T: Element>(
    (values, row): (&'a [T], usize),
    (room, line): (&'a mut [T], usize),
    (top, left): (usize, usize),
) -> &'a [T] {
    if values.len() == room.len() {
        return values;
    }
    let (above, rest) = room.split_at_mut(top * line);
    let (own, below) = rest.split_at_mut(values.len() / row * line);
    above.fill(T::ZERO);
    for (source, target) in values.chunks_exact(row).zip(own.chunks_exact_mut(line)) {
        target[..left].fill(T::ZERO);
        target[left..left + row].copy_from_slice(source);
        target[left + row..].fill(T::ZERO);
    }
    below.fill(T::ZERO);
    room
}

/// As [`super::forward`].
pub(super) fn forward<T: Element>(
    images: &[T],
    (weights, bias): (&[T], &[T]),
    g: &Geometry,
    then: Then,
) -> (Vec<T>, Vec<u8>) {
    let tiles = &Tiles::of(g);
    let ((height, width), count) = (g.convolved(), images.len() / g.image());
    let (length, block) = (height * width * g.outputs, tiles.block(count));
    let mut result = unwritten(count * length);
    let blocks = images.chunks(block * g.image()).zip(result.chunks_mut(block * length));
    // A block too few would leave memory unwritten.
    assert_eq!(blocks.len(), count.div_ceil(block), "blocks of images");
    parts::for_each(blocks, |(images, result)| {
        let pixels = &pixels(images, tiles)[..];
        let panels = parts::map(panels::<T>(g.groups, g.outputs), |outputs| {
            dispatch(Results { pixels, weights, bias, outputs, tiles, then })
        });
        concat_columns(&panels, g.outputs, result);
    });
    // SAFETY: the blocks are all there is, and each is written.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    let result = unsafe { result.assume_init() }.into_vec();
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
    type Output = Lines<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Lines<T> {
        let Self { pixels, weights, bias, outputs, tiles, then } = self;
        let (g, each, lanes) = (tiles.g, tiles.each(), T::lanes::<S>());
        let ((height, width), vectors) = (g.convolved(), vectors::<T, S>(g.groups, g.outputs));
        let panel = vectors * lanes;
        let read = channels_of(g, &outputs);
        let (place, apart) = (read.len() * panel, apart::<T>(read.len() * panel));
        // What joins a panel's groups is zero.
        let mut filters = Lines::zeros(FILTER * FILTER * place);
        for piece in pieces(g, outputs.clone()) {
            let channels = piece.channels.len();
            let patch = FILTER * FILTER * channels;
            for tap in 0..FILTER * FILTER {
                let row = tap * read.len() + piece.channels.start - read.start;
                let target = &mut filters[row * panel + piece.outputs.start - outputs.start..];
                let source = &weights[piece.outputs.start * patch + tap * channels..];
                let size = (piece.outputs.len(), channels);
                transpose((source, patch), size, (places(target), panel));
            }
        }
        let mut transforms = Lines::unspecified(PLACES * apart);
        let (filters, target, channels) = (&filters[..], &mut transforms[..], read.len());
        TransformPanel { filters, target, apart, channels, tile: Tile::Four }.with_simd(simd);

        let count = pixels.last().map_or(0, |last| last.images.end);
        let (own, bias) = (outputs.len(), &bias[outputs]);
        let least = floor::<T, S>(simd, if then == Then::Relu { then } else { Then::Nothing });
        let mut result = Lines::unspecified(count * height * width * own);
        let filters = Filters { transforms: &transforms, apart, read, vectors };
        for (images, products) in products(simd, pixels, each, &filters) {
            let rows = images.len() * each;
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

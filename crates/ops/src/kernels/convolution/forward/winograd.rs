//! Results by [minimal filtering](super::super::winograd).

use pulp::{Simd, WithSimd};

use super::super::tiles::{Panels, pack};
use super::super::winograd::{
    F2, F4, FILTER, Filtering, Matrices, Tile, store_places, transformed,
};
use super::super::{Geometry, Then};
use super::Chunk;
use super::store::{floor, store, store_maxima};
use crate::element::Element;
use crate::kernels::lines::Lines;
use crate::kernels::vectors::WINDOW;
use crate::kernels::{dispatch, parts};

/// The transforms of all filters.
pub(in super::super) struct Transforms<T: Element> {
    /// Panel after panel, in each place after place, and there a row a channel.
    values: Lines<T>,
    panels: Panels<T>,
    /// Values of a panel's transforms.
    panel: usize,
    pub(super) tile: Tile,
}

impl<T: Element> Transforms<T> {
    /// `weights` are channels-last, one row of patch length an output.
    pub(super) fn new(weights: &[T], bias: &[T], g: &Geometry, tile: Tile) -> Self {
        let panels = pack(weights, bias, g);
        let places = (tile.side() + FILTER - 1).pow(2);
        let panel = places * g.channels * panels.width();
        let mut values = Lines::unspecified(panels.all().count() * panel);
        let all = panels.all().zip(values.chunks_exact_mut(panel));
        parts::for_each(all, |((filters, ..), target)| {
            let (channels, apart) = (g.channels, g.channels * panels.width());
            dispatch(TransformPanel { filters, target, apart, channels, tile });
        });
        Self { values, panels, panel, tile }
    }

    /// Of each panel the transforms, the bias and the first output.
    #[inline(always)]
    fn all(&self) -> impl Iterator<Item = (&[T], &[T], usize)> {
        let transforms = self.values.chunks_exact(self.panel);
        transforms.zip(self.panels.all()).map(|(values, (_, bias, first))| (values, bias, first))
    }
}

/// Transforms the filters of one panel.
pub(in super::super) struct TransformPanel<'a, T> {
    /// As [`pack`] lays them out.
    pub(in super::super) filters: &'a [T],
    /// In each place a row a channel.
    pub(in super::super) target: &'a mut [T],
    /// From one place to the next.
    pub(in super::super) apart: usize,
    pub(in super::super) channels: usize,
    pub(in super::super) tile: Tile,
}

impl<T: Element> WithSimd for TransformPanel<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.tile {
            Tile::Two => self.of_size::<S, F2, 4, 2>(simd),
            Tile::Four => self.of_size::<S, F4, 6, 4>(simd),
        }
    }
}

impl<T: Element> TransformPanel<'_, T> {
    #[inline(always)]
    fn of_size<S: Simd, F: Filtering<SIDE, RESULTS>, const SIDE: usize, const RESULTS: usize>(
        self,
        simd: S,
    ) {
        let Self { filters, target, apart, channels, .. } = self;
        let width = filters.len() / FILTER.pow(2) / channels;
        for channel in 0..channels {
            for first in (0..width).step_by(T::lanes::<S>()) {
                let values = &filters[channel * width + first..];
                let place = (FILTER * channels * width, channels * width, 0);
                let square = transformed::<T, S, F::Filter, _, _>(simd, values, place);
                let target = &mut target[channel * width + first..];
                store_places(simd, target, apart, square);
            }
        }
    }
}

impl<T: Element> Chunk<'_, T> {
    /// `starts` are those of tiles.
    #[inline(always)]
    pub(super) fn by_winograd<S: Simd, const VECTORS: usize>(
        self,
        simd: S,
        filters: &Transforms<T>,
    ) {
        match filters.tile {
            Tile::Two => self.by_tiles::<S, F2, 4, 2, VECTORS>(simd, filters),
            Tile::Four => self.by_tiles::<S, F4, 6, 4, VECTORS>(simd, filters),
        }
    }

    #[inline(always)]
    fn by_tiles<
        S: Simd,
        F: Filtering<SIDE, RESULTS>,
        const SIDE: usize,
        const RESULTS: usize,
        const VECTORS: usize,
    >(
        mut self,
        simd: S,
        filters: &Transforms<T>,
    ) {
        let (g, tiles, block) = (self.g, self.starts.len(), F::block::<S>(self.g));
        let mut pixels = Matrices::<T, SIDE>::unspecified::<S>(block, g.channels);
        let mut products = Matrices::unspecified::<S>(block, VECTORS * T::lanes::<S>());
        let images = self.images;
        let all = images.len() / g.image() * tiles;
        for (number, image) in images.chunks_exact(g.image()).enumerate() {
            self.arranged.take(image);
            for tile in 0..tiles {
                let arranged = self.arranged.get(image);
                let number = number * tiles + tile;
                let row = number % block;
                pixels.take_pixels::<S, F, RESULTS>(simd, row, &arranged[self.starts[tile]..], g);
                if row + 1 == block || number + 1 == all {
                    let tiles = (number - row, row + 1);
                    self.finish_block::<S, F, SIDE, RESULTS, VECTORS>(
                        simd,
                        tiles,
                        &pixels,
                        &mut products,
                        filters,
                    );
                }
            }
        }
    }

    /// Multiplies and writes the results of so many tiles from the first one on.
    #[inline(always)]
    fn finish_block<
        S: Simd,
        F: Filtering<SIDE, RESULTS>,
        const SIDE: usize,
        const RESULTS: usize,
        const VECTORS: usize,
    >(
        &mut self,
        simd: S,
        (first, count): (usize, usize),
        pixels: &Matrices<T, SIDE>,
        products: &mut Matrices<T, SIDE>,
        filters: &Transforms<T>,
    ) {
        let (g, lanes) = (self.g, T::lanes::<S>());
        let width = VECTORS * lanes;
        for (transforms, bias, output) in filters.all() {
            for (place, transforms) in transforms.chunks_exact(g.channels * width).enumerate() {
                let (size, transforms) = ((count, 0..g.channels), (transforms, VECTORS));
                pixels.multiply(simd, place, size, transforms, (&mut *products, 0));
            }
            // A panel is filled up, maybe by more than a vector.
            let vectors = VECTORS.min((g.outputs - output).div_ceil(lanes));
            for row in 0..count {
                let position = self.position::<RESULTS>(first + row);
                for vector in 0..vectors {
                    let place = (row, vector * lanes);
                    let mut sums = products.transformed::<S, F::Results, _>(simd, place);
                    let bias = T::load(simd, &bias[vector * lanes..][..lanes]);
                    for y in 0..RESULTS {
                        for x in 0..RESULTS {
                            sums[y][x] = T::plus(simd, sums[y][x], bias);
                        }
                    }
                    self.write(simd, position, sums, output + vector * lanes);
                }
            }
        }
    }

    /// Where the results of a tile begin: positions before them.
    #[inline(always)]
    fn position<const RESULTS: usize>(&self, tile: usize) -> usize {
        let tiles = self.starts.len();
        let (image, tile) = (tile / tiles, tile % tiles);
        // Results along a side of a tile, and of all of them.
        let (side, width) = (RESULTS / self.then.rows_apart(), self.g.result(self.then).1);
        let (row, column) = (tile / (width / side), tile % (width / side));
        tiles * side * side * image + side * (row * width + column)
    }

    /// Writes a vector of the results of one tile from a position on, the first that of output `first`.
    #[inline(always)]
    fn write<S: Simd, const RESULTS: usize>(
        &mut self,
        simd: S,
        position: usize,
        sums: [[T::Vector<S>; RESULTS]; RESULTS],
        first: usize,
    ) {
        let (outputs, width) = (self.g.outputs, self.g.result(self.then).1);
        if self.then == Then::ReluMaxPool {
            for y in 0..RESULTS / 2 {
                for x in 0..RESULTS / 2 {
                    let (top, below) = (sums[2 * y], sums[2 * y + 1]);
                    let window: [_; WINDOW] =
                        [[top[2 * x]], [top[2 * x + 1]], [below[2 * x]], [below[2 * x + 1]]];
                    let position = position + y * width + x;
                    let row = position * outputs..(position + 1) * outputs;
                    let targets = (&mut self.result[row.clone()], &mut self.places[row]);
                    let place = (outputs, first);
                    store_maxima::<T, S, 1, WINDOW>(simd, window, targets, place);
                }
            }
            return;
        }
        let floor = floor::<T, S>(simd, self.then);
        for y in 0..RESULTS {
            let row = (position + y * width) * outputs;
            let target = &mut self.result[row..row + RESULTS * outputs];
            let mut line = [[sums[y][0]; 1]; RESULTS];
            for x in 0..RESULTS {
                line[x] = [sums[y][x]];
            }
            store::<T, S, 1, RESULTS>(simd, line, target, (outputs, first), floor);
        }
    }
}

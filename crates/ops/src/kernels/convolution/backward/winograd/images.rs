//! The way back to the images by minimal filtering.

use pulp::{Simd, WithSimd};

use crate::element::Element;
use crate::kernels::convolution::Geometry;
use crate::kernels::convolution::arrangement::Arranged;
use crate::kernels::convolution::backward::image_gradients::ImageGradients;
use crate::kernels::convolution::winograd::{
    F2, F4, FILTER, Filtering, Matrices, Tile, add_square, store_places, transformed,
};
use crate::kernels::dispatch;
use crate::kernels::lines::Lines;

/// Transforms of all filters, as the way back to the images reads them.
pub(in super::super) struct Transforms<T: Element> {
    /// One or two vectors of channels after the other, in each place after place, and there a row an output.
    values: Lines<T>,
    /// How many vectors.
    vectors: usize,
}

impl<T: Element> Transforms<T> {
    /// `weights` are channels-last, one row of patch length an output.
    pub(in super::super) fn new(weights: &[T], g: &Geometry, tile: Tile) -> Self {
        dispatch(TransformFilters { weights, g, tile })
    }
}

struct TransformFilters<'a, T> {
    weights: &'a [T],
    g: &'a Geometry,
    tile: Tile,
}

impl<T: Element> WithSimd for TransformFilters<'_, T> {
    type Output = Transforms<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Transforms<T> {
        match self.tile {
            Tile::Two => self.of_size::<S, F2, 4, 2>(simd),
            Tile::Four => self.of_size::<S, F4, 6, 4>(simd),
        }
    }
}

impl<T: Element> TransformFilters<'_, T> {
    #[inline(always)]
    fn of_size<S: Simd, F: Filtering<SIDE, RESULTS>, const SIDE: usize, const RESULTS: usize>(
        self,
        simd: S,
    ) -> Transforms<T> {
        let Self { weights, g, .. } = self;
        let lanes = T::lanes::<S>();
        let vectors = g.channels.div_ceil(lanes).min(2);
        let width = vectors * lanes;
        let panel = SIDE * SIDE * g.outputs * width;
        let mut values = Lines::zeros(g.channels.div_ceil(width) * panel);
        for (output, weights) in weights.chunks_exact(g.patch()).enumerate() {
            for first in (0..g.channels).step_by(lanes) {
                let place = (FILTER * g.channels, g.channels, first);
                let square = transformed::<T, S, F::Filter, _, _>(simd, &weights[first..], place);
                let target = first / width * panel + output * width + first % width;
                store_places(simd, &mut values[target..], g.outputs * width, square);
            }
        }
        Transforms { values, vectors }
    }
}

/// The way back to the images.
pub(super) struct Back<'a, 'b, T: Element, const SIDE: usize> {
    pub(super) g: &'a Geometry,
    /// Of a band's tiles.
    pub(super) starts: &'a [usize],
    pub(super) products: Matrices<T, SIDE>,
    pub(super) arranged: Arranged<T>,
    pub(super) image_gradients: &'a mut ImageGradients<'b, T>,
}

impl<T: Element, const SIDE: usize> Back<'_, '_, T, SIDE> {
    /// Adds the gradients of so many tiles' pixels, from the first tile on.
    #[inline(always)]
    pub(super) fn add<S: Simd, F: Filtering<SIDE, RESULTS>, const RESULTS: usize>(
        &mut self,
        simd: S,
        (first, count): (usize, usize),
        results: &Matrices<T, SIDE>,
        filters: &Transforms<T>,
    ) {
        let g = self.g;
        let lanes = T::lanes::<S>();
        let width = filters.vectors * lanes;
        let place = g.outputs * width;
        for (panel, values) in filters.values.chunks_exact(SIDE * SIDE * place).enumerate() {
            for (place, values) in values.chunks_exact(place).enumerate() {
                let (size, filters) = ((count, 0..g.outputs), (values, filters.vectors));
                let products = (&mut self.products, panel * width);
                results.multiply(simd, place, size, filters, products);
            }
        }
        for row in 0..count {
            let tiles = self.starts.len();
            let (image, tile) = ((first + row) / tiles, (first + row) % tiles);
            if tile == 0 {
                self.arranged.clear();
            }
            let image = self.image_gradients.of(image);
            let target = &mut self.arranged.gradient(image)[self.starts[tile]..];
            for channel in (0..g.channels).step_by(lanes) {
                let square = self.products.transformed::<S, F::PixelsBack, _>(simd, (row, channel));
                let target = &mut target[channel..];
                add_square(simd, target, (g.row(), g.channels, channel), square);
            }
            if tile + 1 == tiles {
                self.arranged.add_to(image);
            }
        }
    }
}

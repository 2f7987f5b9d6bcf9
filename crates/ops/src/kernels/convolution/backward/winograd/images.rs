//! The way back to the images by minimal filtering.

use pulp::{Simd, WithSimd};

use crate::element::Element;
use crate::kernels::convolution::Geometry;
use crate::kernels::convolution::arrangement::Arranged;
use crate::kernels::convolution::winograd::{
    FILTER, Matrices, PLACES, SIDE, both_ways, filter, pixels_back,
};
use crate::kernels::lines::Lines;

/// Transforms of all filters, as the way back to the images reads them.
pub(in super::super) struct Transforms<T> {
    /// A vector of channels after the other, in each place after place, and there a row an output.
    values: Lines<T>,
}

impl<T: Element> Transforms<T> {
    /// `weights` are channels-last, one row of patch length an output.
    pub(in super::super) fn new(weights: &[T], g: &Geometry) -> Self {
        Self { values: crate::kernels::arch().dispatch(Transform { weights, g }) }
    }
}

struct Transform<'a, T> {
    weights: &'a [T],
    g: &'a Geometry,
}

impl<T: Element> WithSimd for Transform<'_, T> {
    type Output = Lines<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Lines<T> {
        let Self { weights, g } = self;
        let lanes = T::lanes::<S>();
        let panel = PLACES * g.outputs * lanes;
        let mut values = Lines::zeros(g.channels.div_ceil(lanes) * panel);
        for (output, weights) in weights.chunks_exact(g.patch()).enumerate() {
            for (first, panel) in (0..g.channels).step_by(lanes).zip(values.chunks_exact_mut(panel))
            {
                let last = g.channels.min(first + lanes);
                let mut square = [[T::splat(simd, T::ZERO); FILTER]; FILTER];
                for y in 0..FILTER {
                    for x in 0..FILTER {
                        let pixel = &weights[(y * FILTER + x) * g.channels..];
                        square[y][x] = T::load(simd, &pixel[first..last]);
                    }
                }
                let square = both_ways(simd, square, filter::<T, S>);
                for y in 0..SIDE {
                    for x in 0..SIDE {
                        let row = ((y * SIDE + x) * g.outputs + output) * lanes;
                        T::store(simd, &mut panel[row..][..lanes], square[y][x]);
                    }
                }
            }
        }
        values
    }
}

/// The way back to the images.
pub(super) struct Back<'a, T> {
    pub(super) g: &'a Geometry,
    /// Of a band's windows.
    pub(super) starts: &'a [usize],
    pub(super) products: Matrices<T>,
    pub(super) arranged: Arranged<T>,
    pub(super) image_gradients: &'a mut [T],
}

impl<T: Element> Back<'_, T> {
    /// Adds the gradients of so many windows' pixels, from the first window on.
    #[inline(always)]
    pub(super) fn add<S: Simd, const CHANNELS: usize, const ROWS: usize>(
        &mut self,
        simd: S,
        (first, count): (usize, usize),
        results: &Matrices<T>,
        filters: &Transforms<T>,
    ) {
        let g = self.g;
        let place = g.outputs * CHANNELS;
        for (panel, filters) in filters.values.chunks_exact(PLACES * place).enumerate() {
            for (place, filters) in filters.chunks_exact(place).enumerate() {
                let size = (count, g.outputs);
                let products = (&mut self.products, panel * CHANNELS);
                results.multiply::<S, 1, ROWS>(simd, place, size, filters, products);
            }
        }
        for row in 0..count {
            let windows = self.starts.len();
            let (image, window) = ((first + row) / windows, (first + row) % windows);
            if window == 0 {
                self.arranged.clear();
            }
            let image = &mut self.image_gradients[image * g.image()..][..g.image()];
            let target = &mut self.arranged.gradient(image)[self.starts[window]..];
            for channel in (0..g.channels).step_by(CHANNELS) {
                let square = self.products.load(simd, (row, channel));
                let square = both_ways(simd, square, pixels_back::<T, S>);
                add_square(simd, target, square, (channel, g));
            }
            if window + 1 == windows {
                self.arranged.add_to(image);
            }
        }
    }
}

/// Adds the vectors from channel `first` on to the square of pixels that begins a slice of an arranged image.
#[inline(always)]
fn add_square<T: Element, S: Simd>(
    simd: S,
    image: &mut [T],
    square: [[T::Vector<S>; SIDE]; SIDE],
    (first, g): (usize, &Geometry),
) {
    let lanes = T::lanes::<S>();
    let length = lanes.min(g.channels - first);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let target = &mut image[y * g.row() + x * g.channels + first..][..length];
            if length == lanes {
                let target = &mut target[..lanes];
                T::store(simd, target, T::plus(simd, T::load(simd, target), square[y][x]));
            } else {
                T::store(simd, target, T::plus(simd, T::load(simd, target), square[y][x]));
            }
        }
    }
}

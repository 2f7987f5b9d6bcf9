//! Results by [minimal filtering](super::super::winograd).

use pulp::{Simd, WithSimd};

use super::super::tiles::{Panels, pack};
use super::super::winograd::{BLOCK, FILTER, Matrices, PLACES, SIDE, both_ways, filter, results};
use super::super::{Geometry, Then};
use super::Chunk;
use super::store::{store, store_maxima};
use crate::element::Element;
use crate::kernels::lines::Lines;
use crate::kernels::vectors::WINDOW;

/// The transforms of all filters.
pub(in super::super) struct Transforms<T> {
    /// Panel after panel, in each place after place, and there a row a channel.
    values: Lines<T>,
    panels: Panels<T>,
    channels: usize,
}

impl<T: Element> Transforms<T> {
    /// `weights` are channels-last, one row of patch length an output.
    pub(super) fn new(weights: &[T], bias: &[T], g: &Geometry) -> Self {
        let panels = pack(weights, bias, g);
        let length = PLACES * g.channels * panels.width();
        let mut values = Lines::zeros(panels.all().count() * length);
        let targets = values.chunks_exact_mut(length);
        for ((panel, ..), target) in panels.all().zip(targets) {
            crate::kernels::arch().dispatch(Transform { panel, target, channels: g.channels });
        }
        Self { values, panels, channels: g.channels }
    }

    /// Of each panel the transforms, the bias and the first output.
    #[inline(always)]
    fn all(&self) -> impl Iterator<Item = (&[T], &[T], usize)> {
        let transforms = self.values.chunks_exact(PLACES * self.channels * self.panels.width());
        transforms.zip(self.panels.all()).map(|(values, (_, bias, first))| (values, bias, first))
    }
}

/// Transforms the filters of one panel.
struct Transform<'a, T> {
    panel: &'a [T],
    target: &'a mut [T],
    channels: usize,
}

impl<T: Element> WithSimd for Transform<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { panel, target, channels } = self;
        let width = target.len() / PLACES / channels;
        for channel in 0..channels {
            for first in (0..width).step_by(T::lanes::<S>()) {
                let mut square = [[T::splat(simd, T::ZERO); FILTER]; FILTER];
                for y in 0..FILTER {
                    for x in 0..FILTER {
                        let row = (y * FILTER + x) * channels + channel;
                        let values = &panel[row * width + first..];
                        square[y][x] = T::load(simd, &values[..T::lanes::<S>()]);
                    }
                }
                let square = both_ways(simd, square, filter::<T, S>);
                for y in 0..SIDE {
                    for x in 0..SIDE {
                        let row = (y * SIDE + x) * channels + channel;
                        let target = &mut target[row * width + first..];
                        T::store(simd, &mut target[..T::lanes::<S>()], square[y][x]);
                    }
                }
            }
        }
    }
}

impl<T: Element> Chunk<'_, T> {
    /// `starts` are those of windows, pooled or not.
    #[inline(always)]
    pub(super) fn by_winograd<S: Simd, const VECTORS: usize, const POSITIONS: usize>(
        mut self,
        simd: S,
        filters: &Transforms<T>,
    ) {
        let (g, windows) = (self.g, self.starts.len());
        let mut pixels = Matrices::zeros::<S>(BLOCK, g.channels);
        let mut products = Matrices::zeros::<S>(BLOCK, VECTORS * T::lanes::<S>());
        let images = self.images;
        let all = images.len() / g.image() * windows;
        for (number, image) in images.chunks_exact(g.image()).enumerate() {
            self.arranged.take(image);
            for window in 0..windows {
                let arranged = self.arranged.get(image);
                let number = number * windows + window;
                let row = number % BLOCK;
                pixels.take_pixels(simd, row, &arranged[self.starts[window]..], g);
                if row + 1 == BLOCK || number + 1 == all {
                    let block = (number - row, row + 1);
                    self.finish_block::<S, VECTORS, POSITIONS>(
                        simd,
                        block,
                        &pixels,
                        &mut products,
                        filters,
                    );
                }
            }
        }
    }

    /// Multiplies and writes the results of so many windows from the first one on.
    #[inline(always)]
    fn finish_block<S: Simd, const VECTORS: usize, const POSITIONS: usize>(
        &mut self,
        simd: S,
        (first, count): (usize, usize),
        pixels: &Matrices<T>,
        products: &mut Matrices<T>,
        filters: &Transforms<T>,
    ) {
        let (g, lanes) = (self.g, T::lanes::<S>());
        let width = VECTORS * lanes;
        for (transforms, bias, output) in filters.all() {
            for (place, transforms) in transforms.chunks_exact(g.channels * width).enumerate() {
                let size = (count, g.channels);
                let products = (&mut *products, 0);
                pixels.multiply::<S, VECTORS, POSITIONS>(simd, place, size, transforms, products);
            }
            for row in 0..count {
                let mut window = [[T::splat(simd, T::ZERO); VECTORS]; WINDOW];
                for vector in 0..VECTORS {
                    let square = products.load(simd, (row, vector * lanes));
                    let square = both_ways(simd, square, results::<T, S>);
                    let bias = T::load(simd, &bias[vector * lanes..][..lanes]);
                    for y in 0..2 {
                        for x in 0..2 {
                            window[2 * y + x][vector] = T::plus(simd, square[y][x], bias);
                        }
                    }
                }
                self.write_window(simd, first + row, window, output);
            }
        }
    }

    /// Writes the results of one window, from output `first` on.
    #[inline(always)]
    fn write_window<S: Simd, const VECTORS: usize>(
        &mut self,
        simd: S,
        window: usize,
        sums: [[T::Vector<S>; VECTORS]; WINDOW],
        first: usize,
    ) {
        let outputs = self.g.outputs;
        if self.then == Then::ReluMaxPool {
            let row = window * outputs..(window + 1) * outputs;
            let targets = (&mut self.result[row.clone()], &mut self.places[row]);
            return store_maxima::<T, S, VECTORS, WINDOW>(simd, sums, targets, (1, outputs, first));
        }
        let width = self.g.convolved().1;
        let (image, window) = (window / self.starts.len(), window % self.starts.len());
        let position = WINDOW * self.starts.len() * image
            + 2 * (window / (width / 2) * width + window % (width / 2));
        for y in 0..2 {
            let row = (position + y * width) * outputs;
            let sums = [sums[2 * y], sums[2 * y + 1]];
            let target = &mut self.result[row..row + 2 * outputs];
            let rectified = self.then == Then::Relu;
            store::<T, S, VECTORS, 2>(simd, sums, target, (2, outputs, first), rectified);
        }
    }
}

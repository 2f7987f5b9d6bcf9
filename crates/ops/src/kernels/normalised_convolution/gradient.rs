//! The way back through max pooling, batch norm and ReLU.

use std::ops::Range;

use pulp::{NullaryFnOnce, Simd, WithSimd};

use super::Order;
use crate::element::Element;
use crate::kernels::batch_norm::InputGradient;
use crate::kernels::convolution::{ResultGradient, ResultRows};
use crate::kernels::dispatch;
use crate::kernels::grid::{Grid, GridMut};
use crate::kernels::lines::prefetch;
use crate::kernels::through_relu::ThroughRelu;
use crate::kernels::vectors::{WINDOW, load_places, unless_cut};

/// The gradient of what was normalised, and through ReLU where that comes first, worked out image by
/// image as the convolution asks for it.
pub(super) struct NormalisedGradient<'a, T> {
    /// What was normalised.
    pub(super) activations: &'a [T],
    /// Where pooled, the place of each window's first maximum.
    pub(super) places: &'a [u8],
    pub(super) gradient: InputGradient<T>,
    pub(super) result_gradient: ThroughRelu<'a, T>,
    /// Values of a line of activations.
    pub(super) line: usize,
    /// Windows of an image one below the other, and side by side.
    pub(super) windows: (usize, usize),
    pub(super) outputs: usize,
    pub(super) order: Order,
}

/// Bytes that are read ahead at most: half of the nearest cache.
const MOST_AHEAD: usize = 16 << 10;

impl<T: Element> ResultGradient<T> for NormalisedGradient<'_, T> {
    fn write(&self, at: &ResultRows, _: Option<&[T]>, gradients: &mut [T]) {
        dispatch(OfRows { source: self, at, gradients });
    }

    /// Batch norm gives to all what comes back to one.
    fn is_mostly_zero(&self, _: usize) -> bool {
        false
    }
}

/// What is to be written of some rows of an image's result.
struct OfRows<'a, T> {
    source: &'a NormalisedGradient<'a, T>,
    at: &'a ResultRows,
    gradients: &'a mut [T],
}

impl<T: Element> WithSimd for OfRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.source.write_rows(simd, self.at, self.gradients);
    }
}

impl<T: Element> NormalisedGradient<'_, T> {
    #[inline(always)]
    fn write_rows<S: Simd>(&self, simd: S, at: &ResultRows, gradients: &mut [T]) {
        let activations = &self.activations[at.values.clone()];
        // The next ones are on their way while these are worked out.
        let next = &self.activations[at.values.end..];
        prefetch(&next[..activations.len().min(next.len()).min(MOST_AHEAD / size_of::<T>())]);
        let pooled = !self.places.is_empty();
        let (rows, columns) = (at.rows.len() / 2, self.windows.1);
        if !pooled {
            self.result_gradient.write(at.values.clone(), gradients);
        }
        if !pooled || rows * columns * WINDOW * self.outputs < gradients.len() {
            if pooled {
                // A row or column that fills no window has no gradient of its own.
                gradients.fill(T::ZERO);
            }
            let through = &self.gradient;
            match self.order == Order::ReluBatchNorm {
                true if const { S::IS_SCALAR } => {
                    through.apply::<false, true>(activations, gradients);
                }
                false if const { S::IS_SCALAR } => {
                    through.apply::<false, false>(activations, gradients);
                }
                true => through.apply::<true, true>(activations, gradients),
                false => through.apply::<true, false>(activations, gradients),
            }
        }
        if pooled {
            // No window is parted, and those of these rows lie in them as the first ones do in an image.
            let first = (at.image * self.windows.0 + at.rows.start / 2) * columns * self.outputs;
            let windows = first..first + rows * columns * self.outputs;
            let all = AtWindows { simd, source: self, windows, activations, gradients };
            // A function of its own: within a convolution's the compiler runs out of registers for all these places.
            if self.order == Order::ReluBatchNorm {
                simd.vectorize(Write::<T, S, true>(all));
            } else {
                simd.vectorize(Write::<T, S, false>(all));
            }
        }
    }
}

/// What is to be written at the positions of some windows.
struct AtWindows<'a, T, S> {
    simd: S,
    source: &'a NormalisedGradient<'a, T>,
    /// Their values among those of all images' windows.
    windows: Range<usize>,
    /// Of the rows that the windows lie in.
    activations: &'a [T],
    gradients: &'a mut [T],
}

/// Writes it; where `RECTIFIED`, the gradients of what ReLU made the activations of.
struct Write<'a, T, S, const RECTIFIED: bool>(AtWindows<'a, T, S>);

impl<T: Element, S: Simd, const RECTIFIED: bool> NullaryFnOnce for Write<'_, T, S, RECTIFIED> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let AtWindows { simd, source, windows, activations, gradients } = self.0;
        let (outputs, lanes) = (source.outputs, T::lanes::<S>());
        let row = source.windows.1 * outputs;
        let lines = activations.chunks_exact(2 * source.line);
        let lines = lines.zip(gradients.chunks_exact_mut(2 * source.line));
        for (first, (activations, gradients)) in windows.step_by(row).zip(lines) {
            let mut row = WindowRow { source, activations, gradients, windows: first..first + row };
            for first in (0..outputs).step_by(lanes) {
                if first + lanes <= outputs {
                    row.write::<S, RECTIFIED, true>(simd, first);
                } else {
                    row.write::<S, RECTIFIED, false>(simd, first);
                }
            }
        }
    }
}

/// Windows side by side.
struct WindowRow<'a, T> {
    source: &'a NormalisedGradient<'a, T>,
    /// The upper and the lower line.
    activations: &'a [T],
    gradients: &'a mut [T],
    /// Their values among those of all images' windows.
    windows: Range<usize>,
}

impl<T: Element> WindowRow<'_, T> {
    /// Of one vector of outputs, from `first` on; where `WHOLE`, it has an output in each lane.
    #[inline(always)]
    fn write<S: Simd, const RECTIFIED: bool, const WHOLE: bool>(&mut self, simd: S, first: usize) {
        let source = self.source;
        let outputs = source.outputs;
        // The compiler knows the first of these: so no load asks for a length.
        let length = if WHOLE { T::lanes::<S>() } else { outputs - first };
        let mut columns = [T::splat(simd, T::ZERO); 4];
        for (column, values) in columns.iter_mut().zip(source.gradient.columns()) {
            *column = T::load(simd, &values[first..][..length]);
        }
        let [mean, slope, plain, factor] = columns;
        let given = source.result_gradient.within(self.windows.clone());
        let places = &source.places[self.windows.clone()];
        // The four positions of a window are the corners of a square.
        let apart = (source.line, outputs);
        for window in 0..source.windows.1 {
            let own = window * outputs + first;
            let given = given.load(simd, own..own + length);
            let given = T::fma(simd, slope, given, plain);
            let at = load_places::<T, S>(simd, &places[own..][..length]);
            let corner = 2 * window * outputs + first;
            let values = Grid::<T, S, 2, 2>::new(simd, &self.activations[corner..], apart, length);
            let gradients = &mut self.gradients[corner..];
            let mut gradients = GridMut::<T, S, 2, 2>::new(simd, gradients, apart, length);
            for y in 0..2 {
                let values = values.row(y);
                for x in 0..2 {
                    let here = T::splat(simd, T::from_place((2 * y + x) as u8));
                    let here = T::select(simd, T::equal(simd, at, here), given, plain);
                    let difference = T::subtract(simd, mean, values[x]);
                    let mut gradient = T::fma(simd, difference, factor, here);
                    if RECTIFIED {
                        gradient = unless_cut::<T, S>(simd, values[x], gradient);
                    }
                    gradients.set(y, x, gradient);
                }
            }
        }
    }
}

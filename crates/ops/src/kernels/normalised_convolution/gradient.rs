//! The way back through max pooling, batch norm and ReLU.

use pulp::{NullaryFnOnce, Simd};

use super::Order;
use crate::element::Element;
use crate::kernels::batch_norm::InputGradient;
use crate::kernels::convolution::{ResultGradient, ResultRows};
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
    #[inline(always)]
    fn write<S: Simd>(&self, simd: S, at: &ResultRows, _: Option<&[T]>, gradients: &mut [T]) {
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
            match (S::IS_SCALAR, self.order == Order::ReluBatchNorm) {
                (true, true) => through.apply::<false, true>(activations, gradients),
                (true, false) => through.apply::<false, false>(activations, gradients),
                (false, true) => through.apply::<true, true>(activations, gradients),
                (false, false) => through.apply::<true, false>(activations, gradients),
            }
        }
        if pooled {
            // No window is parted, and those of these rows lie in them as the first ones do in an image.
            let first_row = at.image * self.windows.0 + at.rows.start / 2;
            let windows = (first_row * columns, rows * columns);
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
    /// The first one's number among all images', and how many there are.
    windows: (usize, usize),
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
        let mut all = self.0;
        let lanes = T::lanes::<S>();
        for first in (0..all.source.outputs).step_by(lanes) {
            if first + lanes <= all.source.outputs {
                all.write::<RECTIFIED, true>(first);
            } else {
                all.write::<RECTIFIED, false>(first);
            }
        }
    }
}

impl<T: Element, S: Simd> AtWindows<'_, T, S> {
    /// Of one vector of outputs, from `first` on; where `WHOLE`, it has an output in each lane.
    #[inline(always)]
    fn write<const RECTIFIED: bool, const WHOLE: bool>(&mut self, first: usize) {
        let Self { simd, source, windows: (first_window, count), .. } = *self;
        let NormalisedGradient { outputs, line, .. } = *source;
        // The compiler knows the first of these: so no load asks for a length.
        let length = if WHOLE { T::lanes::<S>() } else { outputs - first };
        let mut columns = [T::splat(simd, T::ZERO); 4];
        for (column, values) in columns.iter_mut().zip(source.gradient.columns()) {
            *column = T::load(simd, &values[first..][..length]);
        }
        let [mean, slope, plain, factor] = columns;
        let own = first_window * outputs..(first_window + count) * outputs;
        let (all_places, all_given) =
            (&source.places[own.clone()], source.result_gradient.within(own));
        let mut window = 0;
        let lines = self.activations.chunks_exact(2 * line);
        for (values, gradients) in lines.zip(self.gradients.chunks_exact_mut(2 * line)) {
            let (upper, lower) = values.split_at(line);
            let values = upper.chunks_exact(2 * outputs).zip(lower.chunks_exact(2 * outputs));
            let (upper, lower) = gradients.split_at_mut(line);
            let gradients =
                upper.chunks_exact_mut(2 * outputs).zip(lower.chunks_exact_mut(2 * outputs));
            for ((upper, lower), gradients) in values.zip(gradients) {
                let own = window * outputs + first;
                let given = all_given.load(simd, own..own + length);
                let given = T::fma(simd, slope, given, plain);
                let at = load_places::<T, S>(simd, &all_places[own..][..length]);
                window += 1;
                for place in 0..WINDOW {
                    let half = [upper, lower][place / 2];
                    let own = place % 2 * outputs + first;
                    let here = T::splat(simd, T::from_place(place as u8));
                    let here = T::select(simd, T::equal(simd, at, here), given, plain);
                    let value = T::load(simd, &half[own..][..length]);
                    let mut gradient = T::fma(simd, T::subtract(simd, mean, value), factor, here);
                    if RECTIFIED {
                        gradient = unless_cut::<T, S>(simd, value, gradient);
                    }
                    let half = if place < 2 { &mut *gradients.0 } else { &mut *gradients.1 };
                    T::store(simd, &mut half[own..][..length], gradient);
                }
            }
        }
    }
}

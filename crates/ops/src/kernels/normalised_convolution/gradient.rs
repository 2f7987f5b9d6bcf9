//! The way back through max pooling, batch norm and ReLU.

use pulp::Simd;

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
    /// Where the four positions of each window lie.
    pub(super) windows: &'a [[usize; WINDOW]],
    /// Windows side by side.
    pub(super) columns: usize,
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
        // No window is parted, and those of these rows lie in them as the first ones do in an image.
        let windows = &self.windows[..at.rows.len() / 2 * self.columns];
        let first_window = at.image * self.windows.len() + at.rows.start / 2 * self.columns;
        if !pooled {
            self.result_gradient.write(at.values.clone(), gradients);
        }
        if !pooled || windows.len() * WINDOW * self.outputs < gradients.len() {
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
            for first in (0..self.outputs).step_by(T::lanes::<S>()) {
                let windows = (first_window, windows);
                if self.order == Order::ReluBatchNorm {
                    self.write_windows::<S, true>(simd, windows, first, activations, gradients);
                } else {
                    self.write_windows::<S, false>(simd, windows, first, activations, gradients);
                }
            }
        }
    }
}

impl<T: Element> NormalisedGradient<'_, T> {
    /// The gradients of one vector of outputs, from `first` on, at the positions of windows, of which the first
    /// has that number among all images'; where `RECTIFIED`, of what ReLU made `activations` of.
    #[inline(always)]
    fn write_windows<S: Simd, const RECTIFIED: bool>(
        &self,
        simd: S,
        (first_window, windows): (usize, &[[usize; WINDOW]]),
        first: usize,
        activations: &[T],
        gradients: &mut [T],
    ) {
        let [mean, slope, plain, factor] =
            self.gradient.columns().map(|column| T::load(simd, &column[first..self.outputs]));
        for (window, positions) in (first_window..).zip(windows) {
            let row = window * self.outputs + first..(window + 1) * self.outputs;
            let given = self.result_gradient.load(simd, row.clone());
            let given = T::fma(simd, slope, given, plain);
            let at = load_places::<T, S>(simd, &self.places[row]);
            for place in 0..WINDOW {
                let here = T::splat(simd, T::from_place(place as u8));
                let own = T::select(simd, T::equal(simd, at, here), given, plain);
                let position = positions[place] * self.outputs;
                let value = T::load(simd, &activations[position + first..position + self.outputs]);
                let mut own = T::fma(simd, T::subtract(simd, mean, value), factor, own);
                if RECTIFIED {
                    own = unless_cut::<T, S>(simd, value, own);
                }
                let target = &mut gradients[position + first..position + self.outputs];
                T::store(simd, target, own);
            }
        }
    }
}

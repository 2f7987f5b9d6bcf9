//! Batch norm and max pooling of activations in one pass.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};

use crate::element::Element;
use crate::kernels::grid::Grid;
use crate::kernels::vectors::{WINDOW, first_maximum, write_places};

/// (x − mean) · slope + shift of each channel.
pub(super) struct Lines<'a, T> {
    pub(super) means: &'a [T],
    pub(super) slopes: &'a [T],
    pub(super) shifts: &'a [T],
}

/// Some images' activations and what becomes of them.
pub(super) struct NormaliseAndPool<'a, T> {
    pub(super) activations: &'a [T],
    pub(super) lines: &'a Lines<'a, T>,
    /// Activations of one image, and of a line of it.
    pub(super) image: usize,
    pub(super) line: usize,
    pub(super) result: &'a mut [MaybeUninit<T>],
    /// Which of a window's positions is the first maximum, and the activation there.
    pub(super) places: &'a mut [MaybeUninit<u8>],
    pub(super) maxima: &'a mut [MaybeUninit<T>],
}

impl<T: Element> WithSimd for NormaliseAndPool<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { activations, lines, image, line, result, places, maxima } = self;
        let (outputs, lanes) = (lines.means.len(), T::lanes::<S>());
        // A last line or column that fills no window is left out.
        let (rows, row) = (image / line / 2, line / outputs / 2 * outputs);
        let kept = places.chunks_exact_mut(rows * row).zip(maxima.chunks_exact_mut(rows * row));
        let results = result.chunks_exact_mut(rows * row).zip(kept);
        for (activations, (result, (places, maxima))) in
            activations.chunks_exact(image).zip(results)
        {
            let kept = places.chunks_exact_mut(row).zip(maxima.chunks_exact_mut(row));
            let rows = result.chunks_exact_mut(row).zip(kept);
            for (activations, (result, (places, maxima))) in
                activations.chunks_exact(2 * line).zip(rows)
            {
                let mut row = WindowRow { activations, lines, result, places, maxima };
                for first in (0..outputs).step_by(lanes) {
                    if first + lanes <= outputs {
                        row.pool::<S, true>(simd, first);
                    } else {
                        row.pool::<S, false>(simd, first);
                    }
                }
            }
        }
    }
}

/// Windows side by side, and what becomes of them.
struct WindowRow<'a, T> {
    /// The upper and the lower line.
    activations: &'a [T],
    lines: &'a Lines<'a, T>,
    result: &'a mut [MaybeUninit<T>],
    places: &'a mut [MaybeUninit<u8>],
    maxima: &'a mut [MaybeUninit<T>],
}

impl<T: Element> WindowRow<'_, T> {
    /// Of one vector of outputs, from `first` on; where `WHOLE`, it has an output in each lane.
    #[inline(always)]
    fn pool<S: Simd, const WHOLE: bool>(&mut self, simd: S, first: usize) {
        let Lines { means, slopes, shifts } = self.lines;
        let outputs = means.len();
        // The compiler knows the first of these: so no load asks for a length.
        let length = if WHOLE { T::lanes::<S>() } else { outputs - first };
        let mean = T::load(simd, &means[first..][..length]);
        let slope = T::load(simd, &slopes[first..][..length]);
        let shift = T::load(simd, &shifts[first..][..length]);
        // The four positions of a window are the corners of a square.
        let apart = (self.activations.len() / 2, outputs);
        let kept = self.places.chunks_exact_mut(outputs).zip(self.maxima.chunks_exact_mut(outputs));
        let results = self.result.chunks_exact_mut(outputs).zip(kept);
        for (window, (result, (places, maxima))) in results.enumerate() {
            let corner = &self.activations[window * 2 * outputs + first..];
            let corners = Grid::<T, S, 2, 2>::new(simd, corner, apart, length);
            let raw = [corners.row(0), corners.row(1)];
            let raw: [_; WINDOW] = [raw[0][0], raw[0][1], raw[1][0], raw[1][1]];
            let mut values = raw;
            for place in 0..WINDOW {
                let centred = T::subtract(simd, raw[place], mean);
                values[place] = T::fma(simd, centred, slope, shift);
            }
            let (largest, at) = first_maximum::<T, S>(simd, values);
            let mut there = raw[0];
            for place in 1..WINDOW {
                let here = T::splat(simd, T::from_place(place as u8));
                let here = T::equal(simd, at, here);
                there = T::select(simd, here, raw[place], there);
            }
            T::write(simd, &mut result[first..][..length], largest);
            T::write(simd, &mut maxima[first..][..length], there);
            write_places::<T, S>(simd, &mut places[first..][..length], at);
        }
    }
}

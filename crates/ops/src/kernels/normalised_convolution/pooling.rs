//! Batch norm and max pooling of activations in one pass.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};

use crate::element::Element;
use crate::kernels::convolution::{Geometry, Then};
use crate::kernels::vectors::{WINDOW, first_maximum, write_places};

/// (x − mean) · slope + shift of each channel.
pub(super) struct Lines<'a, T> {
    pub(super) means: &'a [T],
    pub(super) slopes: &'a [T],
    pub(super) shifts: &'a [T],
}

/// Where the four positions of each window lie in a convolution's result, in places of all outputs.
pub(super) fn windows(g: &Geometry) -> Vec<[usize; WINDOW]> {
    let (_, width) = g.convolved();
    let (rows, columns) = g.result(Then::ReluMaxPool);
    (0..rows * columns)
        .map(|window| {
            let corner = 2 * (window / columns) * width + 2 * (window % columns);
            [corner, corner + 1, corner + width, corner + width + 1]
        })
        .collect()
}

/// Some images' activations and what becomes of them.
pub(super) struct NormaliseAndPool<'a, T> {
    pub(super) activations: &'a [T],
    pub(super) lines: &'a Lines<'a, T>,
    pub(super) windows: &'a [[usize; WINDOW]],
    /// Activations of one image.
    pub(super) image: usize,
    pub(super) result: &'a mut [MaybeUninit<T>],
    /// Which of a window's positions is the first maximum, and the activation there.
    pub(super) places: &'a mut [MaybeUninit<u8>],
    pub(super) maxima: &'a mut [MaybeUninit<T>],
}

impl<T: Element> WithSimd for NormaliseAndPool<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { activations, lines, windows, image, result, places, maxima } = self;
        let outputs = lines.means.len();
        let length = windows.len() * outputs;
        let kept = places.chunks_exact_mut(length).zip(maxima.chunks_exact_mut(length));
        let results = result.chunks_exact_mut(length).zip(kept);
        for (activations, (result, (places, maxima))) in
            activations.chunks_exact(image).zip(results)
        {
            for first in (0..outputs).step_by(T::lanes::<S>()) {
                let mean = T::load(simd, &lines.means[first..]);
                let slope = T::load(simd, &lines.slopes[first..]);
                let shift = T::load(simd, &lines.shifts[first..]);
                for (window, positions) in windows.iter().enumerate() {
                    let mut raw = [mean; WINDOW];
                    let mut values = [mean; WINDOW];
                    for place in 0..WINDOW {
                        let row = &activations[positions[place] * outputs..][..outputs];
                        raw[place] = T::load(simd, &row[first..]);
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
                    let row = window * outputs + first..(window + 1) * outputs;
                    T::write(simd, &mut result[row.clone()], largest);
                    T::write(simd, &mut maxima[row.clone()], there);
                    write_places::<T, S>(simd, &mut places[row], at);
                }
            }
        }
    }
}

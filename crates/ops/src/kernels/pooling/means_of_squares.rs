//! Means of windows of 2×2 at stride 2, and the way back: as their [maxima](super::squares).

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};

use super::Windows;
use super::squares::pixels;
use crate::element::Element;
use crate::kernels::{dispatch, parts};
use crate::memory::{unwritten, zeroed};

/// One over the pixels of a window.
const SHARE: f64 = 0.25;

/// The means.
pub(super) fn means<T: Element>(images: &[T], windows: Windows) -> Vec<T> {
    let mut result = unwritten(images.len() / windows.image() * windows.pooled());
    parts::for_each(windows.parts(images, &mut result), |(images, result)| {
        dispatch(Means { images, result, windows });
    });
    // SAFETY: there are as many parts as there are places for results, and each was written.
    #[expect(unsafe_code, reason = "memory is written where a thread goes on with it")]
    unsafe { result.assume_init() }.into_vec()
}

struct Means<'a, T> {
    images: &'a [T],
    result: &'a mut [MaybeUninit<T>],
    windows: Windows,
}

impl<T: Element> WithSimd for Means<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { images, result, windows } = self;
        let (channels, lanes) = (windows.channels, T::lanes::<S>());
        let (pixels, zero) = (pixels(&windows), T::splat(simd, T::ZERO));
        let share = T::splat(simd, T::from_f64(SHARE));
        let results = result.chunks_exact_mut(windows.pooled());
        assert_eq!(results.len() * windows.image(), images.len(), "a result for each image");
        for (image, result) in images.chunks_exact(windows.image()).zip(results) {
            for (window, result) in result.chunks_exact_mut(channels).enumerate() {
                let window = pixels.of(window);
                let mut first = 0;
                while first < channels {
                    let end = channels.min(first + lanes);
                    let mut sum = zero;
                    for place in 0..window.len() {
                        let pixel = window[place];
                        let values = T::load(simd, &image[pixel + first..pixel + end]);
                        sum = T::plus(simd, sum, values);
                    }
                    T::write(simd, &mut result[first..end], T::fma(simd, sum, share, zero));
                    first = end;
                }
            }
        }
    }
}

/// The gradient of the images, given those of the means.
pub(super) fn gradient<T: Element>(result_gradient: &[T], windows: Windows) -> Vec<T> {
    let mut images = unwritten(result_gradient.len() / windows.pooled() * windows.image());
    let all = images.chunks_mut(windows.together() * windows.image());
    let given = result_gradient.chunks(windows.together() * windows.pooled());
    assert_eq!(all.len(), given.len(), "parts");
    parts::for_each(all.zip(given), |(images, gradients)| {
        dispatch(Gradient { images, gradients, windows });
    });
    // SAFETY: each part was written.
    #[expect(unsafe_code, reason = "memory is written where a thread goes on with it")]
    unsafe { images.assume_init() }.into_vec()
}

struct Gradient<'a, T> {
    images: &'a mut [MaybeUninit<T>],
    gradients: &'a [T],
    windows: Windows,
}

impl<T: Element> WithSimd for Gradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { images, gradients, windows } = self;
        let (channels, lanes) = (windows.channels, T::lanes::<S>());
        // A row or column that is in no window has no other gradient.
        if windows.height % 2 + windows.width % 2 > 0 {
            zeroed(images);
        }
        let (pixels, zero) = (pixels(&windows), T::splat(simd, T::ZERO));
        let share = T::splat(simd, T::from_f64(SHARE));
        let given = gradients.chunks_exact(windows.pooled());
        assert_eq!(images.len() / windows.image(), given.len(), "gradients of each image");
        for (image, gradients) in images.chunks_exact_mut(windows.image()).zip(given) {
            for (window, gradients) in gradients.chunks_exact(channels).enumerate() {
                let window = pixels.of(window);
                let mut first = 0;
                while first < channels {
                    let end = channels.min(first + lanes);
                    let gradient = T::load(simd, &gradients[first..end]);
                    let gradient = T::fma(simd, gradient, share, zero);
                    for place in 0..window.len() {
                        let pixel = window[place];
                        T::write(simd, &mut image[pixel + first..pixel + end], gradient);
                    }
                    first = end;
                }
            }
        }
    }
}

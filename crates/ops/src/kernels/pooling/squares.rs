//! Maxima of windows of 2×2 at stride 2, which nearly all networks have: a window's four vectors are in registers at
//! once, forward and back, and each pixel is read or written once.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};

use super::Windows;
use crate::element::Element;
use crate::kernels::vectors::{WINDOW, first_maximum, load_places, write_places};
use crate::kernels::{dispatch, parts};
use crate::memory::{unwritten, zeroed};

/// Whether windows are such.
pub(super) fn fit(windows: &Windows) -> bool {
    (windows.size, windows.stride) == ((2, 2), (2, 2))
}

/// The maxima, and the place (0 to 3) of each in its window.
pub(super) fn maxima<T: Element>(images: &[T], windows: Windows) -> (Vec<T>, Vec<u8>) {
    let length = images.len() / windows.image() * windows.pooled();
    let (mut result, mut places) = (unwritten(length), unwritten(length));
    let place_parts = places.chunks_mut(windows.together() * windows.pooled());
    let all = windows.parts(images, &mut result).zip(place_parts);
    parts::for_each(all, |((images, result), places)| {
        dispatch(Maxima { images, result, places, windows });
    });
    // SAFETY: there are as many parts as there are places for results, and each was written.
    #[expect(unsafe_code, reason = "memory is written where a thread goes on with it")]
    unsafe {
        (result.assume_init().into_vec(), places.assume_init().into_vec())
    }
}

struct Maxima<'a, T> {
    images: &'a [T],
    result: &'a mut [MaybeUninit<T>],
    places: &'a mut [MaybeUninit<u8>],
    windows: Windows,
}

impl<T: Element> WithSimd for Maxima<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { images, result, places, windows } = self;
        let (channels, lanes) = (windows.channels, T::lanes::<S>());
        let pixels = pixels(&windows);
        let results = result.chunks_exact_mut(windows.pooled());
        let results = results.zip(places.chunks_exact_mut(windows.pooled()));
        let mut count = 0;
        for (image, (result, places)) in images.chunks_exact(windows.image()).zip(results) {
            count += 1;
            let targets = result.chunks_exact_mut(channels).zip(places.chunks_exact_mut(channels));
            for (window, (result, places)) in targets.enumerate() {
                let mut values = [&image[..0]; WINDOW];
                for (values, pixel) in values.iter_mut().zip(pixels.of(window)) {
                    *values = &image[pixel..pixel + channels];
                }
                let mut first = 0;
                while first < channels {
                    let end = channels.min(first + lanes);
                    let mut window = [T::splat(simd, T::ZERO); WINDOW];
                    for place in 0..WINDOW {
                        window[place] = T::load(simd, &values[place][first..end]);
                    }
                    let (largest, place) = first_maximum::<T, S>(simd, window);
                    T::write(simd, &mut result[first..end], largest);
                    write_places::<T, S>(simd, &mut places[first..end], place);
                    first = end;
                }
            }
        }
        assert_eq!(count * windows.image(), images.len(), "a result for each image");
    }
}

/// The gradient of the images, given those of the maxima.
pub(super) fn gradient<T: Element>(
    result_gradient: &[T],
    places: &[u8],
    windows: Windows,
) -> Vec<T> {
    assert_eq!(result_gradient.len(), places.len(), "a gradient for each maximum");
    let mut images = unwritten(places.len() / windows.pooled() * windows.image());
    let place_parts = places.chunks(windows.together() * windows.pooled());
    let gradient_parts = result_gradient.chunks(windows.together() * windows.pooled());
    let all = images.chunks_mut(windows.together() * windows.image());
    let given = place_parts.zip(gradient_parts);
    assert_eq!(all.len(), given.len(), "parts");
    parts::for_each(all.zip(given), |(images, (places, gradients))| {
        dispatch(Gradient { images, places, gradients, windows });
    });
    // SAFETY: each part was written.
    #[expect(unsafe_code, reason = "memory is written where a thread goes on with it")]
    unsafe { images.assume_init() }.into_vec()
}

struct Gradient<'a, T> {
    images: &'a mut [MaybeUninit<T>],
    places: &'a [u8],
    gradients: &'a [T],
    windows: Windows,
}

impl<T: Element> WithSimd for Gradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { images, places, gradients, windows } = self;
        let (channels, lanes) = (windows.channels, T::lanes::<S>());
        // A row or column that is in no window has no other gradient.
        if windows.height % 2 + windows.width % 2 > 0 {
            zeroed(images);
        }
        let (pixels, zero) = (pixels(&windows), T::splat(simd, T::ZERO));
        let given =
            places.chunks_exact(windows.pooled()).zip(gradients.chunks_exact(windows.pooled()));
        assert_eq!(images.len() / windows.image(), given.len(), "gradients of each image");
        for (image, (places, gradients)) in images.chunks_exact_mut(windows.image()).zip(given) {
            let given = places.chunks_exact(channels).zip(gradients.chunks_exact(channels));
            for (window, (places, gradients)) in given.enumerate() {
                let mut first = 0;
                while first < channels {
                    let end = channels.min(first + lanes);
                    let gradient = T::load(simd, &gradients[first..end]);
                    let chosen = load_places::<T, S>(simd, &places[first..end]);
                    for (place, pixel) in pixels.of(window).into_iter().enumerate() {
                        let here = T::splat(simd, T::from_place(place as u8));
                        let own = T::select(simd, T::equal(simd, chosen, here), gradient, zero);
                        T::write(simd, &mut image[pixel + first..pixel + end], own);
                    }
                    first = end;
                }
            }
        }
    }
}

/// Where the pixels of windows lie.
pub(super) struct Pixels {
    columns: usize,
    /// Values of an image's row and of a pixel.
    row: usize,
    channels: usize,
}

pub(super) fn pixels(windows: &Windows) -> Pixels {
    let channels = windows.channels;
    Pixels { columns: windows.count().1, row: windows.width * channels, channels }
}

impl Pixels {
    /// Where each of a window's four begins.
    #[inline(always)]
    pub(super) fn of(&self, window: usize) -> [usize; WINDOW] {
        let first =
            window / self.columns * 2 * self.row + window % self.columns * 2 * self.channels;
        [first, first + self.channels, first + self.row, first + self.row + self.channels]
    }
}

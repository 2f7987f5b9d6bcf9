//! Maxima and means of the windows of channels-last images.

use crate::element::Element;
use crate::kernels::columns::add;
use crate::kernels::{parts, vectorised};
use crate::memory::{unwritten, zeroed};

mod means_of_squares;
mod squares;

/// The sizes of images and of the windows in them, which fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    /// Height and width of a window, and from one to the next.
    pub(crate) size: (usize, usize),
    pub(crate) stride: (usize, usize),
}

impl Windows {
    /// Values of an image.
    fn image(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// How many windows there are, down and across.
    pub(crate) fn count(&self) -> (usize, usize) {
        let places = |length: usize, size: usize, stride: usize| (length - size) / stride + 1;
        (
            places(self.height, self.size.0, self.stride.0),
            places(self.width, self.size.1, self.stride.1),
        )
    }

    /// Values of an image's result.
    fn pooled(&self) -> usize {
        let (rows, columns) = self.count();
        rows * columns * self.channels
    }

    /// Images that one thread works on at a time.
    fn together(&self) -> usize {
        const VALUES: usize = 1 << 15;
        (VALUES / self.image()).max(1)
    }

    /// Where the pixels of each window lie in an image, row by row.
    #[inline(always)]
    fn pixels(&self, window: usize) -> impl Iterator<Item = usize> {
        let (_, columns) = self.count();
        let (y, x) = (window / columns * self.stride.0, window % columns * self.stride.1);
        let (width, channels, across) = (self.width, self.channels, self.size.1);
        (0..self.size.0).flat_map(move |row| {
            let first = (y + row) * width + x;
            (first..first + across).map(move |pixel| pixel * channels)
        })
    }

    /// Images and results in parts for a thread each, of as many images.
    fn parts<'a, T, R>(
        self,
        images: &'a [T],
        results: &'a mut [R],
    ) -> impl Iterator<Item = (&'a [T], &'a mut [R])> {
        let together = self.together();
        assert_eq!(
            images.len() / self.image(),
            results.len() / self.pooled(),
            "images and results"
        );
        images.chunks(together * self.image()).zip(results.chunks_mut(together * self.pooled()))
    }
}

/// Where maxima were.
pub(crate) enum Sources {
    /// Places in windows of 2×2.
    Places(Vec<u8>),
    /// Places in an image.
    Values(Vec<u32>),
}

/// The maxima, and where each lies.
pub(crate) fn maxima<T: Element>(images: &[T], windows: Windows) -> (Vec<T>, Sources) {
    if squares::fit(&windows) {
        let (result, places) = squares::maxima(images, windows);
        return (result, Sources::Places(places));
    }
    let length = images.len() / windows.image() * windows.pooled();
    let (mut result, mut sources) = (unwritten(length), unwritten(length));
    let source_parts = sources.chunks_mut(windows.together() * windows.pooled());
    let all = windows.parts(images, &mut result).zip(source_parts);
    parts::for_each(all, |((images, result), sources)| {
        let (result, sources) = (zeroed(result), zeroed(sources));
        vectorised!(take_maxima::<T>(images, result, sources, &windows));
    });
    // SAFETY: there are as many parts as there are places for results, and each was filled.
    #[expect(unsafe_code, reason = "memory is written where a thread goes on with it")]
    unsafe {
        (result.assume_init().into_vec(), Sources::Values(sources.assume_init().into_vec()))
    }
}

#[inline(always)]
fn take_maxima<T: Element, const FUSED: bool>(
    images: &[T],
    result: &mut [T],
    sources: &mut [u32],
    windows: &Windows,
) {
    let results =
        result.chunks_exact_mut(windows.pooled()).zip(sources.chunks_exact_mut(windows.pooled()));
    for (image, (result, sources)) in images.chunks_exact(windows.image()).zip(results) {
        let targets = result
            .chunks_exact_mut(windows.channels)
            .zip(sources.chunks_exact_mut(windows.channels));
        for (window, (result, sources)) in targets.enumerate() {
            for (number, pixel) in windows.pixels(window).enumerate() {
                let values = &image[pixel..pixel + windows.channels];
                keep_larger(result, sources, values, pixel, number == 0);
            }
        }
    }
}

/// Channel by channel, `values` and where they lie take the place of smaller ones, or of any where
/// they come `first`.
#[inline(always)]
fn keep_larger<T: Element>(
    result: &mut [T],
    sources: &mut [u32],
    values: &[T],
    pixel: usize,
    first: bool,
) {
    for (channel, ((result, source), &value)) in
        result.iter_mut().zip(sources).zip(values).enumerate()
    {
        #[expect(clippy::eq_op, reason = "NaN is the value that differs from itself")]
        let larger = first | (value > *result) | (value != value);
        *result = if larger { value } else { *result };
        *source = if larger { (pixel + channel) as u32 } else { *source };
    }
}

/// The gradient of the images, given those of the maxima.
pub(crate) fn maxima_gradient<T: Element>(
    result_gradient: &[T],
    sources: &Sources,
    windows: Windows,
) -> Vec<T> {
    let sources = match sources {
        Sources::Places(places) => return squares::gradient(result_gradient, places, windows),
        Sources::Values(sources) => &sources[..],
    };
    assert_eq!(result_gradient.len(), sources.len(), "a gradient for each maximum");
    let mut images = unwritten(sources.len() / windows.pooled() * windows.image());
    let source_parts = sources.chunks(windows.together() * windows.pooled());
    let gradient_parts = result_gradient.chunks(windows.together() * windows.pooled());
    let all = images.chunks_mut(windows.together() * windows.image());
    let all = all.zip(source_parts.zip(gradient_parts));
    assert_eq!(all.len(), sources.len().div_ceil(windows.together() * windows.pooled()), "parts");
    parts::for_each(all, |(images, (sources, gradients))| {
        let images = zeroed(images);
        let given =
            sources.chunks_exact(windows.pooled()).zip(gradients.chunks_exact(windows.pooled()));
        for (image, (sources, gradients)) in images.chunks_exact_mut(windows.image()).zip(given) {
            for (&source, &gradient) in sources.iter().zip(gradients) {
                image[source as usize] += gradient;
            }
        }
    });
    // SAFETY: each part was filled.
    #[expect(unsafe_code, reason = "memory is written where a thread goes on with it")]
    unsafe { images.assume_init() }.into_vec()
}

/// The means.
pub(crate) fn means<T: Element>(images: &[T], windows: Windows) -> Vec<T> {
    if squares::fit(&windows) {
        return means_of_squares::means(images, windows);
    }
    let mut result = unwritten(images.len() / windows.image() * windows.pooled());
    parts::for_each(windows.parts(images, &mut result), |(images, result)| {
        let result = zeroed(result);
        vectorised!(take_means::<T>(images, result, &windows));
    });
    // SAFETY: there are as many parts as there are places for results, and each was filled.
    #[expect(unsafe_code, reason = "memory is written where a thread goes on with it")]
    unsafe { result.assume_init() }.into_vec()
}

#[inline(always)]
fn take_means<T: Element, const FUSED: bool>(images: &[T], result: &mut [T], windows: &Windows) {
    let area = T::from_f64((windows.size.0 * windows.size.1) as f64);
    let results = result.chunks_exact_mut(windows.pooled());
    for (image, result) in images.chunks_exact(windows.image()).zip(results) {
        for (window, result) in result.chunks_exact_mut(windows.channels).enumerate() {
            for pixel in windows.pixels(window) {
                add(result, &image[pixel..pixel + windows.channels]);
            }
            result.iter_mut().for_each(|sum| *sum /= area);
        }
    }
}

/// The gradient of the images, given those of the means.
pub(crate) fn means_gradient<T: Element>(result_gradient: &[T], windows: Windows) -> Vec<T> {
    if squares::fit(&windows) {
        return means_of_squares::gradient(result_gradient, windows);
    }
    let mut images = unwritten(result_gradient.len() / windows.pooled() * windows.image());
    let all = images.chunks_mut(windows.together() * windows.image());
    let given = result_gradient.chunks(windows.together() * windows.pooled());
    assert_eq!(all.len(), given.len(), "parts");
    parts::for_each(all.zip(given), |(images, gradients)| {
        let images = zeroed(images);
        vectorised!(spread::<T>(images, gradients, &windows));
    });
    // SAFETY: each part was filled.
    #[expect(unsafe_code, reason = "memory is written where a thread goes on with it")]
    unsafe { images.assume_init() }.into_vec()
}

#[inline(always)]
fn spread<T: Element, const FUSED: bool>(images: &mut [T], gradients: &[T], windows: &Windows) {
    let area = T::from_f64((windows.size.0 * windows.size.1) as f64);
    let mut share = vec![T::ZERO; windows.channels];
    let given = gradients.chunks_exact(windows.pooled());
    for (image, gradients) in images.chunks_exact_mut(windows.image()).zip(given) {
        for (window, gradients) in gradients.chunks_exact(windows.channels).enumerate() {
            share.iter_mut().zip(gradients).for_each(|(share, &given)| *share = given / area);
            for pixel in windows.pixels(window) {
                add(&mut image[pixel..pixel + windows.channels], &share);
            }
        }
    }
}

//! Max pooling of a convolution's result that is there as a whole, and the way back.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};

use super::forward::store_maxima;
use super::{Geometry, ResultGradient, ResultRows, Saved, Then};
use crate::element::Element;
use crate::kernels::vectors::WINDOW;
use crate::kernels::{dispatch, parts};
use crate::memory::unwritten;

/// ReLU and the maximum of each 2×2 window, and its place there, of the sums of all positions of some images.
pub(super) fn pooled<T: Element>(sums: &[T], g: &Geometry) -> (Vec<T>, Vec<u8>) {
    /// Of some images, for a thread.
    const VALUES: usize = 1 << 15;
    let ((height, width), (rows, columns)) = (g.convolved(), g.result(Then::ReluMaxPool));
    let (from, to) = (height * width * g.outputs, rows * columns * g.outputs);
    let (images, together) = (sums.len() / from, (VALUES / from).max(1));
    let (mut maxima, mut places) = (unwritten(images * to), unwritten(images * to));
    let targets = maxima.chunks_mut(together * to).zip(places.chunks_mut(together * to));
    let all = sums.chunks(together * from).zip(targets);
    assert_eq!(all.len(), images.div_ceil(together), "parts");
    parts::for_each(all, |(sums, (maxima, places))| {
        let images = sums.len() / from;
        dispatch(Pool { sums, images, g, maxima, places });
    });
    // SAFETY: there is a window for each place, and all outputs of each were written.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    unsafe {
        (maxima.assume_init().into_vec(), places.assume_init().into_vec())
    }
}

/// ReLU and the maxima of windows.
struct Pool<'a, T> {
    sums: &'a [T],
    images: usize,
    g: &'a Geometry,
    maxima: &'a mut [MaybeUninit<T>],
    places: &'a mut [MaybeUninit<u8>],
}

impl<T: Element> WithSimd for Pool<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sums, images, g, maxima, places } = self;
        let ((height, width), (rows, columns)) = (g.convolved(), g.result(Then::ReluMaxPool));
        let first = |window: usize| {
            let (image, window) = (window / (rows * columns), window % (rows * columns));
            (image * height + 2 * (window / columns)) * width + 2 * (window % columns)
        };
        let firsts = (0..images * rows * columns).map(first);
        let offsets = [0, 1, width, width + 1];
        let targets = maxima.chunks_exact_mut(g.outputs).zip(places.chunks_exact_mut(g.outputs));
        for (first, (maxima, places)) in firsts.zip(targets) {
            for output in (0..g.outputs).step_by(T::lanes::<S>()) {
                let own = output..g.outputs.min(output + T::lanes::<S>());
                let mut window = [[T::splat(simd, T::ZERO)]; WINDOW];
                for (values, offset) in window.iter_mut().zip(offsets) {
                    let row = &sums[(first + offset) * g.outputs..][..g.outputs];
                    *values = [T::load(simd, &row[own.clone()])];
                }
                let targets = (&mut *maxima, &mut *places);
                store_maxima::<T, S, 1, WINDOW>(simd, window, targets, (g.outputs, output));
            }
        }
    }
}

/// The gradients of all positions, where those of the maxima of windows are given.
pub(super) struct Unpooled<'a, T> {
    pub(super) saved: &'a Saved<'a, T>,
    pub(super) result_gradient: &'a dyn ResultGradient<T>,
    pub(super) g: &'a Geometry,
}

impl<T: Element> ResultGradient<T> for Unpooled<'_, T> {
    /// Nothing is rectified: that the maxima were is known here.
    fn write(&self, at: &ResultRows, _: Option<&[T]>, gradients: &mut [T]) {
        let Self { saved, result_gradient, g } = self;
        let ((_, width), (rows, columns)) = (g.convolved(), g.result(saved.then));
        let (row, first) = (columns * g.outputs, at.image * rows);
        let rows = (at.rows.start / 2).min(rows)..(at.rows.end / 2).min(rows);
        let values = (first + rows.start) * row..(first + rows.end) * row;
        let maxima = ResultRows { image: at.image, rows, values: values.clone() };
        let mut given = vec![T::ZERO; values.len()];
        result_gradient.write(&maxima, saved.rectified(&maxima), &mut given);
        gradients.fill(T::ZERO);
        let offsets = [0, 1, width, width + 1];
        let windows =
            given.chunks_exact(g.outputs).zip(saved.places[values].chunks_exact(g.outputs));
        for (window, (given, places)) in windows.enumerate() {
            let first = 2 * (window / columns) * width + 2 * (window % columns);
            for (output, (&gradient, &place)) in given.iter().zip(places).enumerate() {
                gradients[(first + offsets[usize::from(place)]) * g.outputs + output] = gradient;
            }
        }
    }

    fn is_mostly_zero(&self, _: usize) -> bool {
        true
    }
}

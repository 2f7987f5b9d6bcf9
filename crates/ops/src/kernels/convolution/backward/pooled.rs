//! Gradients through ReLU and max pooling, which leave most of them zero.
//!
//! Zeros need no arithmetic: what is not zero is gathered into lists, and each list is summed with
//! the sums held in registers.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::super::arrangement::Arranged;
use super::super::bands::Band;
use super::super::{Geometry, Then};
use super::lists::{Entry, EntryLists, Rows, accumulate};
use super::{ResultGradient, Saved};
use crate::element::Element;
use crate::kernels::columns::ColumnSums;
use crate::kernels::lines::Aligned;
use crate::kernels::vectors::WINDOW;

/// Weight and bias gradients of some images, or of a band of one.
pub(super) struct Pooled<'a, T, G> {
    pub(super) saved: &'a Saved<'a, T>,
    pub(super) images: Range<usize>,
    pub(super) band: &'a Band,
    pub(super) result_gradient: &'a G,
    pub(super) g: &'a Geometry,
    /// What the gradient of the images is added to, unless that is empty.
    pub(super) image_gradients: &'a mut [T],
}

impl<T: Element, G: ResultGradient<T>> WithSimd for Pooled<'_, T, G> {
    type Output = (Vec<T>, Vec<T>);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (Vec<T>, Vec<T>) {
        let Self { saved, images: range, band, result_gradient, g, image_gradients } = self;
        let corners = g.starts(Then::ReluMaxPool, band.rows.len());
        let length = corners.len() * g.outputs;
        let first = band.of_image(range.start).values.start;
        let places = &saved.places[first..first + range.len() * length];
        let mut bias = ColumnSums::new(g.outputs);
        let mut gradients = vec![T::ZERO; places.len()];
        for (image, gradients) in range.clone().zip(gradients.chunks_exact_mut(length)) {
            let at = band.of_image(image);
            result_gradient.write(simd, &at, saved.rectified(&at), gradients);
        }
        bias.add(&gradients);
        let windows = Windows { gradients: &gradients, places, corners: &corners };
        let mut arranged = Arranged::new(g, band);
        let mut lists = EntryLists::new(WINDOW, g.outputs);
        let weights = Aligned::new(saved.weights);
        for (image, target) in image_gradients.chunks_exact_mut(g.image()).enumerate() {
            arranged.clear();
            let own = windows.of_image(image, g);
            own.add_to_image(simd, arranged.gradient(target), &mut lists, &weights, g);
            arranged.add_to(target);
        }
        let images = &saved.images[range.start * g.image()..range.end * g.image()];
        let images = Arranged::new(g, band).all(images, g);
        let images = Aligned::new(&images);
        let length = images.len() / range.len();
        (windows.weight_gradients(simd, (&images, length), g), bias.total())
    }
}

/// The windows of some images: of each, gradients and places of all outputs.
struct Windows<'a, T> {
    gradients: &'a [T],
    places: &'a [u8],
    /// Where the first patch of each of an image's windows begins.
    corners: &'a [usize],
}

impl<T: Element> Windows<'_, T> {
    /// Those of one image.
    fn of_image(&self, image: usize, g: &Geometry) -> Self {
        let length = self.corners.len() * g.outputs;
        let own = image * length..(image + 1) * length;
        Self { gradients: &self.gradients[own.clone()], places: &self.places[own], ..*self }
    }

    /// Adds the gradient of one image: window by window, each position's outputs in a list.
    #[inline(always)]
    fn add_to_image<S: Simd>(
        &self,
        simd: S,
        image: &mut [T],
        lists: &mut EntryLists<T>,
        weights: &[T],
        g: &Geometry,
    ) {
        let rows = Rows {
            count: g.kernel_height,
            length: g.segment(),
            target_stride: g.row_below(),
            source_stride: g.segment(),
        };
        let offsets = g.window_offsets();
        let all = self.gradients.chunks_exact(g.outputs).zip(self.places.chunks_exact(g.outputs));
        for ((gradients, places), corner) in all.zip(self.corners) {
            lists.clear();
            for (output, (&gradient, &place)) in gradients.iter().zip(places).enumerate() {
                let place = usize::from(place) % WINDOW;
                lists.push_unless_zero(place, output * g.patch(), gradient);
            }
            for (place, offset) in offsets.into_iter().enumerate() {
                let target = &mut image[corner + offset..];
                accumulate(simd, target, lists.list(place), weights, rows);
            }
        }
    }

    /// The gradient of the weights: output by output, all its windows in one list. Images are arranged, and
    /// have so many values each.
    #[inline(always)]
    fn weight_gradients<S: Simd>(
        &self,
        simd: S,
        (images, length): (&[T], usize),
        g: &Geometry,
    ) -> Vec<T> {
        let rows = Rows {
            count: g.kernel_height,
            length: g.segment(),
            target_stride: g.segment(),
            source_stride: g.row_below(),
        };
        let offsets = g.window_offsets();
        let mut weights = vec![T::ZERO; g.outputs * g.patch()];
        let firsts = (0..images.len()).step_by(length);
        let starts: Vec<usize> = firsts
            .flat_map(|first| self.corners.iter().map(move |corner| first + corner))
            .collect();
        let mut entries = vec![Entry::default(); starts.len() + 1];
        for (output, weights) in weights.chunks_exact_mut(g.patch()).enumerate() {
            let mut count = 0;
            for (window, corner) in starts.iter().enumerate() {
                let place = self.places[window * g.outputs + output];
                let start = corner + offsets[usize::from(place) % WINDOW];
                let entry = Entry::new(start, self.gradients[window * g.outputs + output]);
                // Written without a branch, and counted only where it is to stay.
                entries[count] = entry;
                count += usize::from(!entry.is_zero());
            }
            accumulate(simd, weights, &entries[..count], images, rows);
        }
        weights
    }
}

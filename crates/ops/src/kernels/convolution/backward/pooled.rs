//! Gradients through ReLU and max pooling, which leave most of them zero.
//!
//! Zeros need no arithmetic: what is not zero is gathered into lists, and each list is summed with
//! the sums held in registers.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::super::{CHUNK, Geometry, Then};
use super::lists::{EntryLists, Rows, accumulate};
use super::{Pass, ResultGradient};
use crate::element::Element;
use crate::kernels::columns::ColumnSums;
use crate::kernels::vectors::WINDOW;

/// Weight and bias gradients of some images.
pub(super) struct Pooled<'a, T, G> {
    pub(super) pass: &'a Pass<'a, T>,
    pub(super) images: Range<usize>,
    pub(super) result_gradient: &'a G,
    pub(super) g: &'a Geometry,
    /// What the gradient of the images is added to, unless that is empty.
    pub(super) image_gradients: &'a mut [T],
}

impl<T: Element, G: ResultGradient<T>> WithSimd for Pooled<'_, T, G> {
    type Output = (Vec<T>, Vec<T>);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (Vec<T>, Vec<T>) {
        let Self { pass, images: range, result_gradient, g, image_gradients } = self;
        let corners = g.starts(Then::ReluMaxPool);
        let offsets = g.window_offsets();
        let images = &pass.images[range.start * g.image()..range.end * g.image()];
        let mut bias = ColumnSums::new(g.outputs);
        let mut by_output = EntryLists::new(g.outputs, CHUNK * corners.len());
        let mut by_place = EntryLists::new(WINDOW, g.outputs);
        let mut gradients = vec![T::ZERO; corners.len() * g.outputs];
        let in_image = Rows {
            count: g.kernel_height,
            length: g.segment(),
            target_stride: g.row(),
            source_stride: g.segment(),
        };
        for (index, image) in range.enumerate() {
            let results = image * gradients.len()..(image + 1) * gradients.len();
            result_gradient.write(simd, image, pass.rectified(results.clone()), &mut gradients);
            bias.add(&gradients);
            let places = pass.places[results].chunks_exact(g.outputs);
            let windows = gradients.chunks_exact(g.outputs).zip(places).zip(&corners);
            for ((gradients, places), corner) in windows {
                let corner = index * g.image() + corner;
                for (output, (&gradient, &place)) in gradients.iter().zip(places).enumerate() {
                    let start = corner + offsets[usize::from(place) % WINDOW];
                    by_output.push_unless_zero(output, start, gradient);
                }
                if image_gradients.is_empty() {
                    continue;
                }
                by_place.clear();
                for (output, (&gradient, &place)) in gradients.iter().zip(places).enumerate() {
                    let place = usize::from(place) % WINDOW;
                    by_place.push_unless_zero(place, output * g.patch(), gradient);
                }
                for (place, offset) in offsets.into_iter().enumerate() {
                    let target = &mut image_gradients[corner + offset..];
                    accumulate(simd, target, by_place.list(place), pass.weights, in_image);
                }
            }
        }
        let in_weights = Rows { target_stride: g.segment(), source_stride: g.row(), ..in_image };
        let mut weights = vec![T::ZERO; pass.weights.len()];
        for (output, weights) in weights.chunks_exact_mut(g.patch()).enumerate() {
            accumulate(simd, weights, by_output.list(output), images, in_weights);
        }
        (weights, bias.total())
    }
}

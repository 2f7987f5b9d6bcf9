//! Gradients through ReLU and max pooling, which leave most of them zero.
//!
//! Zeros need no arithmetic: what is not zero is gathered into lists, and each list is summed with
//! the sums held in registers.

use std::ops::Range;

use super::super::{CHUNK, Geometry, Then};
use super::lists::{EntryLists, accumulate};
use super::{Pass, ResultGradient, add};
use crate::element::Element;
use crate::kernels::vectors::WINDOW;

/// Weight and bias gradients of some images; the gradient of the images is added to
/// `image_gradients` unless that is empty.
#[inline(always)]
pub(super) fn pooled_chunk<T: Element, const FUSED: bool>(
    (pass, range): (&Pass<'_, T>, Range<usize>),
    result_gradient: &impl ResultGradient<T>,
    g: &Geometry,
    image_gradients: &mut [T],
) -> (Vec<T>, Vec<T>) {
    let corners = g.starts(Then::ReluMaxPool);
    let offsets = g.window_offsets();
    let images = &pass.images[range.start * g.image()..range.end * g.image()];
    let mut bias = vec![T::ZERO; g.outputs];
    let mut by_output = EntryLists::new(g.outputs, CHUNK * corners.len());
    let mut by_place = EntryLists::new(WINDOW, g.outputs);
    let mut gradients = vec![T::ZERO; corners.len() * g.outputs];
    for (index, image) in range.enumerate() {
        let results = image * gradients.len()..(image + 1) * gradients.len();
        result_gradient.write::<FUSED>(image, pass.rectified(results.clone()), &mut gradients);
        let places = pass.places[results].chunks_exact(g.outputs);
        let windows = gradients.chunks_exact(g.outputs).zip(places).zip(&corners);
        for ((gradients, places), corner) in windows {
            let corner = index * g.image() + corner;
            add(&mut bias, gradients);
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
                for row in 0..g.kernel_height {
                    let start = corner + offset + row * g.row();
                    let target = &mut image_gradients[start..][..g.segment()];
                    let source = &pass.weights[row * g.segment()..];
                    accumulate::<T, FUSED>(target, by_place.list(place), source);
                }
            }
        }
    }
    let mut weights = vec![T::ZERO; pass.weights.len()];
    for (output, weights) in weights.chunks_exact_mut(g.patch()).enumerate() {
        for (row, target) in weights.chunks_exact_mut(g.segment()).enumerate() {
            let source = &images[row * g.row()..];
            accumulate::<T, FUSED>(target, by_output.list(output), source);
        }
    }
    (weights, bias)
}

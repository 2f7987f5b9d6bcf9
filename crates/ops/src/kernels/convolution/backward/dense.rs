//! Gradients as matrix products with the patches, where few of them are zero.

use std::ops::Range;

use super::super::Geometry;
use super::{Pass, ResultGradient, add};
use crate::element::Element;
use crate::kernels::columns::ColumnSums;
use crate::kernels::matmul::{Matrix, matmul_on_this_thread};

/// Weight and bias gradients of some images; the gradient of the images is added to
/// `image_gradients` unless that is empty.
#[inline(always)]
pub(super) fn dense_chunk<T: Element, const FUSED: bool>(
    (pass, range): (&Pass<'_, T>, Range<usize>),
    result_gradient: &impl ResultGradient<T>,
    g: &Geometry,
    image_gradients: &mut [T],
) -> (Vec<T>, Vec<T>) {
    let starts = g.starts(pass.then);
    let length = starts.len() * g.outputs;
    let mut bias = ColumnSums::new(g.outputs);
    let mut gradients = vec![T::ZERO; range.len() * length];
    for (image, gradients) in range.clone().zip(gradients.chunks_exact_mut(length)) {
        let rectified = pass.rectified(image * length..(image + 1) * length);
        result_gradient.write::<FUSED>(image, rectified, gradients);
        bias.add(gradients);
    }
    let rows = range.len() * starts.len();
    let gradients = Matrix::new(&gradients, rows, g.outputs);

    let images = &pass.images[range.start * g.image()..range.end * g.image()];
    let mut patches = Vec::with_capacity(rows * g.patch());
    for image in images.chunks_exact(g.image()) {
        for start in &starts {
            for row in 0..g.kernel_height {
                patches.extend_from_slice(&image[start + row * g.row()..][..g.segment()]);
            }
        }
    }
    let mut weights = vec![T::ZERO; pass.weights.len()];
    let inputs = Matrix::new(&patches, rows, g.patch());
    matmul_on_this_thread(&mut weights, gradients.transposed(), inputs, false);

    if !image_gradients.is_empty() {
        let kernels = Matrix::new(pass.weights, g.outputs, g.patch());
        matmul_on_this_thread(&mut patches, gradients, kernels, false);
        let images = image_gradients.chunks_exact_mut(g.image());
        for (image, patches) in images.zip(patches.chunks_exact(starts.len() * g.patch())) {
            for (start, patch) in starts.iter().zip(patches.chunks_exact(g.patch())) {
                for (row, terms) in patch.chunks_exact(g.segment()).enumerate() {
                    add(&mut image[start + row * g.row()..][..g.segment()], terms);
                }
            }
        }
    }
    (weights, bias.total())
}

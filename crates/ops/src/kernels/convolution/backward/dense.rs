//! Gradients as matrix products with the patches, where few of them are zero.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::super::Geometry;
use super::{Pass, ResultGradient};
use crate::element::Element;
use crate::kernels::columns::{ColumnSums, add};
use crate::kernels::matmul::{Matrix, matmul_on_this_thread};

/// Weight and bias gradients of some images.
pub(super) struct Dense<'a, T, G> {
    pub(super) pass: &'a Pass<'a, T>,
    pub(super) images: Range<usize>,
    pub(super) result_gradient: &'a G,
    pub(super) g: &'a Geometry,
    /// What the gradient of the images is added to, unless that is empty.
    pub(super) image_gradients: &'a mut [T],
}

impl<T: Element, G: ResultGradient<T>> WithSimd for Dense<'_, T, G> {
    type Output = (Vec<T>, Vec<T>);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (Vec<T>, Vec<T>) {
        let Self { pass, images: range, result_gradient, g, image_gradients } = self;
        let starts = g.starts(pass.then);
        let length = starts.len() * g.outputs;
        let mut bias = ColumnSums::new(g.outputs);
        let mut gradients = vec![T::ZERO; range.len() * length];
        for (image, gradients) in range.clone().zip(gradients.chunks_exact_mut(length)) {
            let rectified = pass.rectified(image * length..(image + 1) * length);
            result_gradient.write(simd, image, rectified, gradients);
            bias.add(gradients);
        }
        let rows = range.len() * starts.len();
        let gradients = Matrix::new(&gradients, rows, g.outputs);

        let images = &pass.images[range.start * g.image()..range.end * g.image()];
        let mut patches = vec![T::ZERO; rows * g.patch()];
        let places = patches.chunks_exact_mut(starts.len() * g.patch());
        for (image, patches) in images.chunks_exact(g.image()).zip(places) {
            for (start, patch) in starts.iter().zip(patches.chunks_exact_mut(g.patch())) {
                for (row, target) in patch.chunks_exact_mut(g.segment()).enumerate() {
                    let source = &image[start + row * g.row()..][..g.segment()];
                    // Vectors, since each segment is too short for a call of memcpy.
                    let lanes = T::lanes::<S>();
                    for (target, source) in target.chunks_mut(lanes).zip(source.chunks(lanes)) {
                        T::store(simd, target, T::load(simd, source));
                    }
                }
            }
        }
        let mut weights = vec![T::ZERO; pass.weights.len()];
        let inputs = Matrix::new(&patches, rows, g.patch());
        matmul_on_this_thread(&mut weights, gradients.transposed(), inputs);

        if !image_gradients.is_empty() {
            let kernels = Matrix::new(pass.weights, g.outputs, g.patch());
            matmul_on_this_thread(&mut patches, gradients, kernels);
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
}

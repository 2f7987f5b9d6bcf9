//! Gradients as matrix products with the patches, where few of them are zero.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::super::Geometry;
use super::super::arrangement::Arranged;
use super::super::bands::Band;
use super::image_gradients::ImageGradients;
use super::{ResultGradient, Saved};
use crate::element::Element;
use crate::kernels::columns::{ColumnSums, add};
use crate::kernels::matmul::{Matrix, add_matmul_on_this_thread, matmul_on_this_thread};

/// Weight and bias gradients of a band of each of some images.
pub(super) struct Patches<'a, 'b, T> {
    pub(super) saved: &'a Saved<'a, T>,
    pub(super) images: Range<usize>,
    pub(super) band: &'a Band,
    pub(super) result_gradient: &'a dyn ResultGradient<T>,
    pub(super) g: &'a Geometry,
    /// What the gradient of the images is added to, where it is wanted.
    pub(super) image_gradients: &'a mut ImageGradients<'b, T>,
}

/// Values of the patches that are there at the same time: a megabyte of f32, or one patch. The layers
/// of the paper's networks, whose 32 images have fewer, are one product as ever.
const PATCHES: usize = 1 << 18;

impl<T: Element> WithSimd for Patches<'_, '_, T> {
    type Output = (Vec<T>, Vec<T>);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (Vec<T>, Vec<T>) {
        let Self { saved, images: range, band, result_gradient, g, image_gradients } = self;
        let starts = g.starts(saved.then, band.rows.len());
        let length = starts.len() * g.outputs;
        // The patches of several images at once, or some of one image's.
        let together = (PATCHES / (starts.len() * g.patch())).clamp(1, range.len().max(1));
        let at_once = (PATCHES / g.patch()).clamp(1, starts.len());
        let mut gradients = vec![T::ZERO; together * length];
        let mut patches = vec![T::ZERO; together * at_once * g.patch()];
        let filters = Matrix::new(saved.weights, g.outputs, g.patch());
        let mut bias = ColumnSums::new(g.outputs);
        let mut weights = None;
        let mut arranged = Arranged::new(g, band);
        let mut arranged_gradient = Arranged::new(g, band);
        for first in range.clone().step_by(together) {
            let images = first..range.end.min(first + together);
            for (image, gradients) in images.clone().zip(gradients.chunks_exact_mut(length)) {
                let at = band.of_image(image);
                result_gradient.write(&at, saved.rectified(&at), gradients);
                bias.add(gradients);
            }
            for (number, own) in starts.chunks(at_once).enumerate() {
                let (rows, size) = (images.len() * own.len(), own.len() * g.patch());
                let gradients = &gradients[number * at_once * g.outputs..][..rows * g.outputs];
                let gradients = Matrix::new(gradients, rows, g.outputs);
                let patches = &mut patches[..rows * g.patch()];
                for (image, patches) in images.clone().zip(patches.chunks_exact_mut(size)) {
                    let image = &saved.images[image * g.image()..][..g.image()];
                    if number == 0 {
                        arranged.take(image);
                    }
                    copy_patches(simd, arranged.get(image), own, patches, g);
                }
                add_product(
                    &mut weights,
                    gradients.transposed(),
                    Matrix::new(patches, rows, g.patch()),
                );
                if image_gradients.count() == 0 {
                    continue;
                }
                matmul_on_this_thread(patches, gradients, filters);
                for (image, patches) in images.clone().zip(patches.chunks_exact(size)) {
                    let image = image_gradients.of(image - range.start);
                    if number == 0 {
                        arranged_gradient.clear();
                    }
                    add_patches(patches, own, arranged_gradient.gradient(image), g);
                    if (number + 1) * at_once >= starts.len() {
                        arranged_gradient.add_to(image);
                    }
                }
            }
        }
        (weights.unwrap_or_default(), bias.total())
    }
}

/// The patch at each start, one row each.
#[inline(always)]
fn copy_patches<T: Element, S: Simd>(
    simd: S,
    image: &[T],
    starts: &[usize],
    patches: &mut [T],
    g: &Geometry,
) {
    let (segment, step) = (g.segment(), g.row_below());
    for (start, patch) in starts.iter().zip(patches.chunks_exact_mut(g.patch())) {
        for (row, target) in patch.chunks_exact_mut(segment).enumerate() {
            let source = &image[start + row * step..][..segment];
            // Vectors, since each segment is too short for a call of memcpy.
            let lanes = T::lanes::<S>();
            for (target, source) in target.chunks_mut(lanes).zip(source.chunks(lanes)) {
                T::store(simd, target, T::load(simd, source));
            }
        }
    }
}

/// Adds each patch to where [`copy_patches`] takes it from.
#[inline(always)]
pub(in super::super) fn add_patches<T: Element>(
    patches: &[T],
    starts: &[usize],
    image: &mut [T],
    g: &Geometry,
) {
    let (segment, step) = (g.segment(), g.row_below());
    for (start, patch) in starts.iter().zip(patches.chunks_exact(g.patch())) {
        for (row, terms) in patch.chunks_exact(segment).enumerate() {
            add(&mut image[start + row * step..][..segment], terms);
        }
    }
}

/// Adds left · right to `sum`, which is that product where there was none before.
fn add_product<T: Element>(sum: &mut Option<Vec<T>>, left: Matrix<'_, T>, right: Matrix<'_, T>) {
    match sum {
        Some(sum) => add_matmul_on_this_thread(sum, left, right),
        None => {
            let mut product = vec![T::ZERO; left.rows() * right.columns()];
            matmul_on_this_thread(&mut product, left, right);
            *sum = Some(product);
        }
    }
}

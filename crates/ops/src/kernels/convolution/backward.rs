//! The gradients of a convolution.
//!
//! There are four ways to them, one a file: a matrix product where the kernel covers the image
//! (here), products of patches, patches too short for a product, and windows of which a gradient
//! reaches one position alone.

use std::ops::Range;

use pulp::Simd;
use rayon::prelude::*;

use self::dense::dense_chunk;
use self::pooled::Pooled;
use self::short_patches::ShortPatches;
use super::{CHUNK, Geometry, Then};
use crate::element::Element;
use crate::kernels::matmul::{Matrix, matmul};
use crate::kernels::vectorised;

mod dense;
mod lists;
mod pooled;
mod short_patches;

/// What the backward pass returns, weights channels-last.
pub(crate) struct Gradients<T> {
    /// As large as the images; empty where it was not wanted.
    pub(crate) images: Vec<T>,
    pub(crate) weights: Vec<T>,
    pub(crate) bias: Vec<T>,
}

/// The forward pass that gradients are asked for.
pub(crate) struct Pass<'a, T> {
    pub(crate) images: &'a [T],
    /// Channels-last.
    pub(crate) weights: &'a [T],
    pub(crate) result: &'a [T],
    pub(crate) places: &'a [u8],
    pub(crate) then: Then,
}

impl<T> Pass<'_, T> {
    /// A part of the result, if it has been through ReLU.
    #[inline(always)]
    fn rectified(&self, part: Range<usize>) -> Option<&[T]> {
        (self.then != Then::Nothing).then(|| &self.result[part])
    }
}

/// Where the gradient of each image's result comes from.
pub(crate) trait ResultGradient<T>: Sync {
    /// Writes the gradients of one image's result (height, width, outputs), with ReLU undone where
    /// `rectified` holds that result.
    fn write<const FUSED: bool>(&self, image: usize, rectified: Option<&[T]>, gradients: &mut [T]);

    /// [`ResultGradient::write`] with the instructions of `S`.
    #[inline(always)]
    fn write_with<S: Simd>(&self, image: usize, rectified: Option<&[T]>, gradients: &mut [T]) {
        if S::IS_SCALAR {
            self.write::<false>(image, rectified, gradients);
        } else {
            self.write::<true>(image, rectified, gradients);
        }
    }
}

/// The gradients of all images' results are there already.
impl<T: Element> ResultGradient<T> for &[T] {
    #[inline(always)]
    fn write<const FUSED: bool>(&self, image: usize, rectified: Option<&[T]>, gradients: &mut [T]) {
        let given = &self[image * gradients.len()..][..gradients.len()];
        match rectified {
            None => gradients.copy_from_slice(given),
            Some(rectified) => {
                for ((gradient, &given), &value) in gradients.iter_mut().zip(given).zip(rectified) {
                    *gradient = unless_cut(value, given);
                }
            }
        }
    }
}

/// The gradients of the loss, given that of the result.
pub(crate) fn backward<T: Element>(
    pass: &Pass<'_, T>,
    result_gradient: &impl ResultGradient<T>,
    g: &Geometry,
    images_wanted: bool,
) -> Gradients<T> {
    if g.convolved() == (1, 1) {
        return vectorised!(backward_whole_image::<T>(pass, result_gradient, g, images_wanted));
    }
    let image_length = g.image();
    let mut images = vec![T::ZERO; if images_wanted { pass.images.len() } else { 0 }];
    let count = pass.images.len() / image_length.max(1);
    let mut image_chunks: Vec<&mut [T]> = if images_wanted {
        images.chunks_mut(CHUNK * image_length).collect()
    } else {
        (0..count.div_ceil(CHUNK)).map(|_| Default::default()).collect()
    };
    let short = !images_wanted && short_patches::fit(g);
    let partial_sums: Vec<(Vec<T>, Vec<T>)> = image_chunks
        .par_iter_mut()
        .enumerate()
        .map(|(chunk, images)| {
            let first = chunk * CHUNK;
            let range = first..count.min(first + CHUNK);
            if short {
                let chunk = ShortPatches { pass, images: range, result_gradient, g };
                pulp::Arch::new().dispatch(chunk)
            } else if pass.then == Then::ReluMaxPool {
                let image_gradients = &mut **images;
                let chunk = Pooled { pass, images: range, result_gradient, g, image_gradients };
                pulp::Arch::new().dispatch(chunk)
            } else {
                vectorised!(dense_chunk::<T>((pass, range), result_gradient, g, images))
            }
        })
        .collect();
    let mut weights = vec![T::ZERO; pass.weights.len()];
    let mut bias = vec![T::ZERO; g.outputs];
    for (partial_weights, partial_bias) in &partial_sums {
        add(&mut weights, partial_weights);
        add(&mut bias, partial_bias);
    }
    Gradients { images, weights, bias }
}

/// The gradients where the kernel is as large as the image, which makes each a matrix product.
#[inline(always)]
fn backward_whole_image<T: Element, const FUSED: bool>(
    pass: &Pass<'_, T>,
    result_gradient: &impl ResultGradient<T>,
    g: &Geometry,
    images_wanted: bool,
) -> Gradients<T> {
    let mut gradients = vec![T::ZERO; pass.result.len()];
    let mut bias = vec![T::ZERO; g.outputs];
    for (image, gradients) in gradients.chunks_exact_mut(g.outputs).enumerate() {
        let rectified = pass.rectified(image * g.outputs..(image + 1) * g.outputs);
        result_gradient.write::<FUSED>(image, rectified, gradients);
        add(&mut bias, gradients);
    }
    let count = pass.images.len() / g.image();
    let gradients = Matrix::new(&gradients, count, g.outputs);
    let mut weights = vec![T::ZERO; pass.weights.len()];
    let inputs = Matrix::new(pass.images, count, g.image());
    matmul(&mut weights, gradients.transposed(), inputs, false);
    let mut images = vec![T::ZERO; if images_wanted { pass.images.len() } else { 0 }];
    if images_wanted {
        matmul(&mut images, gradients, Matrix::new(pass.weights, g.outputs, g.patch()), false);
    }
    Gradients { images, weights, bias }
}

#[inline(always)]
fn add<T: Element>(sums: &mut [T], terms: &[T]) {
    for (sum, &term) in sums.iter_mut().zip(terms) {
        *sum += term;
    }
}

/// The gradient of what ReLU made `value` of.
///
/// A NaN is not at most zero: its gradient passes, as in PyTorch.
#[inline(always)]
pub(crate) fn unless_cut<T: Element>(value: T, gradient: T) -> T {
    if value <= T::ZERO { T::ZERO } else { gradient }
}

/// The gradients of those outputs whose maximum was at `place`; zero for the others.
#[inline(always)]
pub(crate) fn gradients_at_place<T: Element>(
    target: &mut [T],
    gradients: &[T],
    places: &[u8],
    place: u32,
) {
    for ((target, &gradient), &at) in target.iter_mut().zip(gradients).zip(places) {
        *target = if u32::from(at) == place { gradient } else { T::ZERO };
    }
}

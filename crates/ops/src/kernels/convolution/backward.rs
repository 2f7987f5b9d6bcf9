//! The gradients of a convolution.
//!
//! ReLU and max pooling leave most of the gradient zero, and zeros need no arithmetic: what is not
//! zero is gathered into lists, and each list is summed with the sums held in registers.

use std::ops::Range;

use rayon::prelude::*;

use super::along_outputs::accumulate_along_outputs;
use super::lists::{EntryLists, accumulate};
use super::{CHUNK, Geometry, LANES, Then};
use crate::element::Element;
use crate::kernels::matmul::{Matrix, matmul};
use crate::kernels::vectorised;

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

/// Where the gradient of each image's result comes from.
pub(crate) trait ResultGradient<T>: Sync {
    /// Writes the gradients of one image's result (height, width, outputs).
    fn write<const FUSED: bool>(&self, image: usize, gradients: &mut [T]);
}

/// The gradients of all images' results are there already.
impl<T: Element> ResultGradient<T> for &[T] {
    #[inline(always)]
    fn write<const FUSED: bool>(&self, image: usize, gradients: &mut [T]) {
        let length = gradients.len();
        gradients.copy_from_slice(&self[image * length..][..length]);
    }
}

/// The gradients of the loss, given that of the result.
pub(crate) fn backward<T: Element>(
    pass: &Pass<'_, T>,
    result_gradient: &impl ResultGradient<T>,
    g: &Geometry,
    images_wanted: bool,
) -> Gradients<T> {
    let image_length = g.image();
    if g.convolved() == (1, 1) {
        return vectorised!(backward_whole_image::<T>(pass, result_gradient, g, images_wanted));
    }
    let mut images = vec![T::ZERO; if images_wanted { pass.images.len() } else { 0 }];
    let count = pass.images.len() / image_length.max(1);
    let mut image_chunks: Vec<&mut [T]> = if images_wanted {
        images.chunks_mut(CHUNK * image_length).collect()
    } else {
        (0..count.div_ceil(CHUNK)).map(|_| Default::default()).collect()
    };
    let partial_sums: Vec<(Vec<T>, Vec<T>)> = image_chunks
        .par_iter_mut()
        .enumerate()
        .map(|(chunk, images)| {
            let first = chunk * CHUNK;
            let range = first..count.min(first + CHUNK);
            vectorised!(backward_chunk::<T>(pass, range, result_gradient, g, images))
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
        result_gradient.write::<FUSED>(image, gradients);
        mask(gradients, &pass.result[image * g.outputs..][..g.outputs], pass.then);
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

/// Weight and bias gradients of some images; the gradient of the images goes to `image_gradients`
/// unless that is empty.
#[inline(always)]
fn backward_chunk<T: Element, const FUSED: bool>(
    pass: &Pass<'_, T>,
    range: Range<usize>,
    result_gradient: &impl ResultGradient<T>,
    g: &Geometry,
    image_gradients: &mut [T],
) -> (Vec<T>, Vec<T>) {
    let cells = Cells::new(g, pass.then);
    let images = &pass.images[range.start * g.image()..range.end * g.image()];
    let mut weights = vec![T::ZERO; pass.weights.len()];
    let mut bias = vec![T::ZERO; g.outputs];
    // Where a segment is too short to fill vectors, they run along the outputs instead.
    let along_outputs = g.segment() < LANES && g.outputs.is_multiple_of(LANES);
    let longest = if along_outputs { 0 } else { CHUNK * cells.starts.len() };
    let mut by_output = EntryLists::new(g.outputs, longest);
    let mut by_place = EntryLists::new(cells.places, g.outputs);
    let (height, width) = g.convolved();
    let mut spread = vec![T::ZERO; if along_outputs { height * width * g.outputs } else { 0 }];
    let mut gradients = vec![T::ZERO; cells.starts.len() * g.outputs];
    let mut patch = vec![T::ZERO; g.patch()];

    for image in range.clone() {
        let results = image * gradients.len()..(image + 1) * gradients.len();
        result_gradient.write::<FUSED>(image, &mut gradients);
        mask(&mut gradients, &pass.result[results.clone()], pass.then);
        let places = pass.places.get(results).unwrap_or_default();
        let image_start = (image - range.start) * g.image();
        for (cell, gradients) in gradients.chunks_exact(g.outputs).enumerate() {
            add(&mut bias, gradients);
            let places = places.get(cell * g.outputs..(cell + 1) * g.outputs).unwrap_or_default();
            let place = |output| usize::from(places.get(output).copied().unwrap_or_default());
            let start = image_start + cells.starts[cell];
            if along_outputs {
                for (place, offset) in (0u32..).zip(cells.position_offsets(width)) {
                    let first = (cells.positions[cell] + offset) * g.outputs;
                    let target = &mut spread[first..first + g.outputs];
                    gradients_at_place(target, gradients, places, place);
                }
            } else {
                for (output, &gradient) in gradients.iter().enumerate() {
                    let start = start + cells.offsets[place(output)];
                    by_output.push_unless_zero(output, start, gradient);
                }
            }
            if !image_gradients.is_empty() {
                by_place.clear();
                for (output, &gradient) in gradients.iter().enumerate() {
                    by_place.push_unless_zero(place(output), output * g.patch(), gradient);
                }
                for place in 0..cells.places {
                    patch.fill(T::ZERO);
                    accumulate::<T, FUSED>(&mut patch, by_place.list(place), pass.weights);
                    for (row, terms) in patch.chunks_exact(g.segment()).enumerate() {
                        let first = start + cells.offsets[place] + row * g.row();
                        add(&mut image_gradients[first..][..g.segment()], terms);
                    }
                }
            }
        }
        if along_outputs {
            let pixels = &images[image_start..][..g.image()];
            accumulate_along_outputs::<T, FUSED>(&mut weights, pixels, &spread, g);
        }
    }
    if !along_outputs {
        for (output, weights) in weights.chunks_exact_mut(g.patch()).enumerate() {
            for (row, target) in weights.chunks_exact_mut(g.segment()).enumerate() {
                let source = &images[row * g.row()..];
                accumulate::<T, FUSED>(target, by_output.list(output), source);
            }
        }
    }
    (weights, bias)
}

/// The positions of a convolution's result that one value of the pass's result comes from: the four
/// of a pooling window, or one.
struct Cells {
    /// 4 or 1.
    places: usize,
    /// Where the patch of each cell's first position begins in an image.
    starts: Vec<usize>,
    /// The first position of each cell.
    positions: Vec<usize>,
    /// From there to the patch of each place.
    offsets: [usize; 4],
}

impl Cells {
    fn new(g: &Geometry, then: Then) -> Self {
        let (_, width) = g.convolved();
        let (rows, columns) = g.result(then);
        let (places, step) = if then == Then::ReluMaxPool { (4, 2) } else { (1, 1) };
        let corners =
            (0..rows * columns).map(|cell| (step * (cell / columns), step * (cell % columns)));
        Self {
            places,
            starts: corners.clone().map(|(y, x)| g.patch_start(y, x)).collect(),
            positions: corners.map(|(y, x)| y * width + x).collect(),
            offsets: [0, g.channels, g.row(), g.row() + g.channels],
        }
    }

    /// From a cell's first position to each of its places, in rows of `width` positions.
    fn position_offsets(&self, width: usize) -> impl Iterator<Item = usize> {
        [0, 1, width, width + 1].into_iter().take(self.places)
    }
}

/// Undoes ReLU.
#[inline(always)]
fn mask<T: Element>(gradients: &mut [T], result: &[T], then: Then) {
    if then == Then::Nothing {
        return;
    }
    for (gradient, &value) in gradients.iter_mut().zip(result) {
        // A NaN is not at most zero: its gradient passes, as in PyTorch.
        *gradient = if value <= T::ZERO { T::ZERO } else { *gradient };
    }
}

/// The gradients of those outputs whose maximum was at `place`; zero for the others.
#[inline(always)]
pub(crate) fn gradients_at_place<T: Element>(
    target: &mut [T],
    gradients: &[T],
    places: &[u8],
    place: u32,
) {
    if places.is_empty() {
        target.copy_from_slice(gradients);
        return;
    }
    for ((target, &gradient), &at) in target.iter_mut().zip(gradients).zip(places) {
        *target = if u32::from(at) == place { gradient } else { T::ZERO };
    }
}

//! The gradients of a convolution.
//!
//! ReLU and max pooling leave most of the gradient zero, and zeros need no arithmetic: the
//! gradient of each image is spread out, its zeros are dropped, and what is left is summed with
//! the sums held in registers.

use rayon::prelude::*;

use super::{Geometry, LANES, Then};
use crate::element::Element;
use crate::kernels::vectorised;

/// Images whose weight gradients are summed before they join the others. Fixed, so that the order
/// of the sums does not depend on how many threads there are.
const CHUNK: usize = 32;

/// What the backward pass returns, weights channels-last.
pub(crate) struct Gradients<T> {
    /// As large as the images; empty where it was not wanted.
    pub(crate) images: Vec<T>,
    pub(crate) weights: Vec<T>,
    pub(crate) bias: Vec<T>,
}

/// A gradient that is not zero, and where the values that it multiplies begin.
#[derive(Clone, Copy)]
struct Entry<T> {
    start: u32,
    gradient: T,
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

/// The gradients of the loss, given that of the result.
pub(crate) fn backward<T: Element>(
    pass: &Pass<'_, T>,
    result_gradient: &[T],
    g: &Geometry,
    images_wanted: bool,
) -> Gradients<T> {
    let image_length = g.image();
    let (height, width) = g.result(pass.then);
    let result_length = height * width * g.outputs;
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
            let last = count.min(first + CHUNK);
            let results = first * result_length..last * result_length;
            let part = Pass {
                images: &pass.images[first * image_length..last * image_length],
                weights: pass.weights,
                result: &pass.result[results.clone()],
                places: pass.places.get(results.clone()).unwrap_or_default(),
                then: pass.then,
            };
            vectorised!(backward_chunk::<T>(&part, &result_gradient[results], g, images))
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
    result_gradient: &[T],
    g: &Geometry,
    image_gradients: &mut [T],
) -> (Vec<T>, Vec<T>) {
    let (height, width) = g.convolved();
    let positions = height * width;
    let result_length = {
        let (height, width) = g.result(pass.then);
        height * width * g.outputs
    };
    let count = pass.images.len() / g.image();
    let mut weights = vec![T::ZERO; pass.weights.len()];
    let mut bias = vec![T::ZERO; g.outputs];
    let mut spread = vec![T::ZERO; positions * g.outputs];
    let mut by_output = EntryLists::new(g.outputs, CHUNK * positions);
    let mut at_position = EntryLists::new(1, g.outputs);
    let along_outputs = g.segment() < LANES && g.outputs.is_multiple_of(LANES);

    for image in 0..count {
        let results = image * result_length..(image + 1) * result_length;
        spread_gradient(
            &mut spread,
            &pass.result[results.clone()],
            pass.places.get(results.clone()).unwrap_or_default(),
            &result_gradient[results],
            g,
            pass.then,
        );
        for gradients in spread.chunks_exact(g.outputs) {
            add(&mut bias, gradients);
        }
        let image_start = image * g.image();
        if along_outputs {
            let pixels = &pass.images[image_start..image_start + g.image()];
            accumulate_along_outputs::<T, FUSED>(&mut weights, pixels, &spread, g);
        }
        for (position, gradients) in spread.chunks_exact(g.outputs).enumerate() {
            let start = image_start + g.patch_start(position / width, position % width);
            if !along_outputs {
                for (output, &gradient) in gradients.iter().enumerate() {
                    by_output.push_unless_zero(output, start, gradient);
                }
            }
            if !image_gradients.is_empty() {
                at_position.clear();
                for (output, &gradient) in gradients.iter().enumerate() {
                    at_position.push_unless_zero(0, output * g.patch(), gradient);
                }
                for row in 0..g.kernel_height {
                    let target = &mut image_gradients[start + row * g.row()..][..g.segment()];
                    let source = &pass.weights[row * g.segment()..];
                    accumulate::<T, FUSED>(target, at_position.list(0), source);
                }
            }
        }
    }
    if !along_outputs {
        for (output, weights) in weights.chunks_exact_mut(g.patch()).enumerate() {
            for (row, target) in weights.chunks_exact_mut(g.segment()).enumerate() {
                let source = &pass.images[row * g.row()..];
                accumulate::<T, FUSED>(target, by_output.list(output), source);
            }
        }
    }
    (weights, bias)
}

/// Undoes pooling and ReLU: the gradient of the convolution's sums, (positions, outputs).
#[inline(always)]
fn spread_gradient<T: Element>(
    spread: &mut [T],
    result: &[T],
    places: &[u8],
    gradient: &[T],
    g: &Geometry,
    then: Then,
) {
    // A NaN is not at most zero: its gradient passes, as in PyTorch.
    let masked = |value: T, gradient: T| if value <= T::ZERO { T::ZERO } else { gradient };
    match then {
        Then::Nothing => spread.copy_from_slice(gradient),
        Then::Relu => {
            for ((spread, &result), &gradient) in spread.iter_mut().zip(result).zip(gradient) {
                *spread = masked(result, gradient);
            }
        }
        Then::ReluMaxPool => {
            spread.fill(T::ZERO);
            let (_, width) = g.convolved();
            let (_, pooled_width) = g.result(then);
            for window in 0..result.len() / g.outputs {
                let (y, x) = (2 * (window / pooled_width), 2 * (window % pooled_width));
                let corner = (y * width + x) * g.outputs;
                for output in 0..g.outputs {
                    let index = window * g.outputs + output;
                    let place = usize::from(places[index]);
                    let position = (place / 2) * width + place % 2;
                    spread[corner + position * g.outputs + output] =
                        masked(result[index], gradient[index]);
                }
            }
        }
    }
}

/// Adds Σ gradient · source[start..] to `target`, over the entries.
#[inline(always)]
fn accumulate<T: Element, const FUSED: bool>(target: &mut [T], entries: &[Entry<T>], source: &[T]) {
    let mut done = 0;
    while done < target.len() {
        let rest = &mut target[done..];
        let source = &source[done..];
        done += match rest.len() {
            64.. => accumulate_block::<T, FUSED, 64>(rest, entries, source),
            48.. => accumulate_block::<T, FUSED, 48>(rest, entries, source),
            32.. => accumulate_block::<T, FUSED, 32>(rest, entries, source),
            16.. => accumulate_block::<T, FUSED, 16>(rest, entries, source),
            8.. => accumulate_block::<T, FUSED, 8>(rest, entries, source),
            4.. => accumulate_block::<T, FUSED, 4>(rest, entries, source),
            _ => accumulate_block::<T, FUSED, 1>(rest, entries, source),
        };
    }
}

/// [`accumulate`] for the first `LENGTH` values, whose sums stay in registers.
#[inline(always)]
fn accumulate_block<T: Element, const FUSED: bool, const LENGTH: usize>(
    target: &mut [T],
    entries: &[Entry<T>],
    source: &[T],
) -> usize {
    let mut sums = [T::ZERO; LENGTH];
    for entry in entries {
        let values = &source[entry.start as usize..][..LENGTH];
        for (sum, &value) in sums.iter_mut().zip(values) {
            *sum = T::mul_add::<FUSED>(entry.gradient, value, *sum);
        }
    }
    for (target, sum) in target.iter_mut().zip(sums) {
        *target += sum;
    }
    LENGTH
}

/// Weight gradients of one image where a segment is too short to fill vectors: the vectors run
/// along the outputs instead.
#[inline(always)]
fn accumulate_along_outputs<T: Element, const FUSED: bool>(
    weights: &mut [T],
    pixels: &[T],
    spread: &[T],
    g: &Geometry,
) {
    let (_, width) = g.convolved();
    for first in (0..g.outputs).step_by(LANES) {
        for place in 0..g.patch() {
            let offset = (place / g.segment()) * g.row() + place % g.segment();
            let mut sums = [T::ZERO; LANES];
            for (y, gradients) in spread.chunks_exact(width * g.outputs).enumerate() {
                let pixels = &pixels[offset + y * g.row()..];
                let inputs = pixels.iter().step_by(g.channels);
                for (gradients, &input) in gradients.chunks_exact(g.outputs).zip(inputs) {
                    let gradients = &gradients[first..first + LANES];
                    for (sum, &gradient) in sums.iter_mut().zip(gradients) {
                        *sum = T::mul_add::<FUSED>(input, gradient, *sum);
                    }
                }
            }
            for (lane, sum) in sums.into_iter().enumerate() {
                weights[(first + lane) * g.patch() + place] += sum;
            }
        }
    }
}

/// Lists of entries of a fixed greatest length, side by side in one allocation.
struct EntryLists<T> {
    entries: Vec<Entry<T>>,
    lengths: Vec<usize>,
    capacity: usize,
}

impl<T: Element> EntryLists<T> {
    fn new(lists: usize, longest: usize) -> Self {
        // One place more than asked for: a zero is written there and not counted.
        let capacity = longest + 1;
        let empty = Entry { start: 0, gradient: T::ZERO };
        Self { entries: vec![empty; lists * capacity], lengths: vec![0; lists], capacity }
    }

    /// Appends without a branch, which half of the gradients would send the wrong way.
    #[inline(always)]
    fn push_unless_zero(&mut self, list: usize, start: usize, gradient: T) {
        let length = &mut self.lengths[list];
        self.entries[list * self.capacity + *length] = Entry { start: start as u32, gradient };
        *length += usize::from(gradient != T::ZERO);
    }

    #[inline(always)]
    fn list(&self, list: usize) -> &[Entry<T>] {
        &self.entries[list * self.capacity..][..self.lengths[list]]
    }

    #[inline(always)]
    fn clear(&mut self) {
        self.lengths.fill(0);
    }
}

//! Convolution of channels-last images, with ReLU and max pooling in the same pass.
//!
//! Images are (height, width, channels) row-major, so the inputs under one kernel row are
//! contiguous: `kernel width · channels` values, called a *segment* here. No patch matrix is built.

use rayon::prelude::*;

use crate::element::{Element, relu};
use crate::kernels::vectorised;

mod along_outputs;
mod backward;
mod lists;

pub(crate) use backward::{Gradients, Pass, ResultGradient, backward, gradients_at_place};

/// Output channels computed together; packed weights are padded to a multiple of it.
pub(crate) const LANES: usize = 16;
/// Output positions computed together: a 2×2 pooling window, or four neighbours.
pub(crate) const POSITIONS: usize = 4;

/// Images that one thread works on at a time. Fixed, so that the order of sums over images does not
/// depend on how many threads there are.
pub(crate) const CHUNK: usize = 32;

/// What follows the convolution in the same pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Nothing,
    Relu,
    /// ReLU, then the maximum of each 2×2 window at stride 2.
    ReluMaxPool,
}

/// The sizes of one convolution; the images are padded already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    pub(crate) outputs: usize,
    pub(crate) kernel_height: usize,
    pub(crate) kernel_width: usize,
}

impl Geometry {
    pub(crate) fn image(&self) -> usize {
        self.height * self.width * self.channels
    }
    fn row(&self) -> usize {
        self.width * self.channels
    }
    fn segment(&self) -> usize {
        self.kernel_width * self.channels
    }
    fn patch(&self) -> usize {
        self.kernel_height * self.segment()
    }
    /// (height, width) of the convolution's result, before any pooling.
    pub(crate) fn convolved(&self) -> (usize, usize) {
        (self.height + 1 - self.kernel_height, self.width + 1 - self.kernel_width)
    }
    /// (height, width) of what comes out.
    pub(crate) fn result(&self, then: Then) -> (usize, usize) {
        let (height, width) = self.convolved();
        match then {
            Then::ReluMaxPool => (height / 2, width / 2),
            Then::Nothing | Then::Relu => (height, width),
        }
    }
    /// Where the patch of each of the convolution's results begins, image after image, for ever.
    fn patch_starts(&self) -> impl Iterator<Item = usize> {
        let (height, width) = self.convolved();
        let in_image: Vec<usize> = (0..height * width)
            .map(|place| self.patch_start(place / width, place % width))
            .collect();
        let (mut image, mut place, length) = (0, 0, self.image());
        std::iter::from_fn(move || {
            let start = image + in_image[place];
            place += 1;
            if place == in_image.len() {
                (image, place) = (image + length, 0);
            }
            Some(start)
        })
    }
    /// Where the patch of the convolution's result at (y, x) begins in an image.
    #[inline(always)]
    fn patch_start(&self, y: usize, x: usize) -> usize {
        y * self.row() + x * self.channels
    }
}

/// Weights (outputs, channels, kernel height, kernel width) as (outputs, kernel height, kernel
/// width, channels): the order in which a channels-last image is read.
pub(crate) fn channels_last_weights<T: Element>(weights: &[T], g: &Geometry) -> Vec<T> {
    let mut reordered = Vec::with_capacity(weights.len());
    let area = g.kernel_height * g.kernel_width;
    for output in weights.chunks_exact(g.channels * area) {
        for place in 0..area {
            reordered.extend((0..g.channels).map(|channel| output[channel * area + place]));
        }
    }
    reordered
}

/// The inverse of [`channels_last_weights`].
pub(crate) fn channels_first_weights<T: Element>(weights: &[T], g: &Geometry) -> Vec<T> {
    let mut reordered = Vec::with_capacity(weights.len());
    let area = g.kernel_height * g.kernel_width;
    for output in weights.chunks_exact(g.channels * area) {
        for channel in 0..g.channels {
            reordered.extend((0..area).map(|place| output[place * g.channels + channel]));
        }
    }
    reordered
}

/// Weights and bias of `LANES` output channels: the weights as (patch, LANES), zeros where the
/// channels end.
struct Panel<T> {
    weights: Vec<T>,
    bias: [T; LANES],
}

fn pack<T: Element>(weights: &[T], bias: &[T], g: &Geometry) -> Vec<Panel<T>> {
    let patch = g.patch();
    weights
        .chunks(LANES * patch)
        .zip(bias.chunks(LANES))
        .map(|(weights, bias)| {
            let mut panel = Panel { weights: vec![T::ZERO; patch * LANES], bias: [T::ZERO; LANES] };
            panel.bias[..bias.len()].copy_from_slice(bias);
            for (lane, output) in weights.chunks_exact(patch).enumerate() {
                for (place, &weight) in output.iter().enumerate() {
                    panel.weights[place * LANES + lane] = weight;
                }
            }
            panel
        })
        .collect()
}

/// The result (images, height, width, outputs) of `images`, and where pooled the place (0 to 3) of
/// each window's first maximum.
///
/// `weights` are channels-last, one row of patch length an output.
pub(crate) fn forward<T: Element>(
    images: &[T],
    weights: &[T],
    bias: &[T],
    g: &Geometry,
    then: Then,
) -> (Vec<T>, Vec<u8>) {
    let panels = pack(weights, bias, g);
    let (height, width) = g.result(then);
    let count = images.len() / g.image().max(1);
    let length = height * width * g.outputs;
    let mut result = vec![T::ZERO; count * length];
    let pooled = then == Then::ReluMaxPool;
    let mut places = vec![0; if pooled { result.len() } else { 0 }];
    let chunks = images.par_chunks(CHUNK * g.image()).zip(result.par_chunks_mut(CHUNK * length));
    if pooled {
        chunks.zip(places.par_chunks_mut(CHUNK * length)).for_each(|((images, result), places)| {
            vectorised!(forward_pooled::<T>(images, &panels, g, result, places));
        });
    } else {
        chunks.for_each(|(images, result)| {
            vectorised!(forward_plain::<T>(images, &panels, g, then, result));
        });
    }
    (result, places)
}

/// The sums of four patches with one panel's weights.
///
/// The shortest segments, of three pixels with one or two channels, are known to the compiler:
/// their loops would cost more than their arithmetic.
#[inline(always)]
fn tile<T: Element, const FUSED: bool>(
    images: &[T],
    starts: [usize; POSITIONS],
    panel: &Panel<T>,
    g: &Geometry,
) -> [[T; LANES]; POSITIONS] {
    match g.segment() {
        3 => tile_of::<T, FUSED>(images, starts, panel, g.row(), 3),
        6 => tile_of::<T, FUSED>(images, starts, panel, g.row(), 6),
        segment => tile_of::<T, FUSED>(images, starts, panel, g.row(), segment),
    }
}

#[inline(always)]
fn tile_of<T: Element, const FUSED: bool>(
    images: &[T],
    starts: [usize; POSITIONS],
    panel: &Panel<T>,
    image_row: usize,
    segment: usize,
) -> [[T; LANES]; POSITIONS] {
    let mut sums = [panel.bias; POSITIONS];
    for (row, weights) in panel.weights.chunks_exact(segment * LANES).enumerate() {
        let segments = starts.map(|start| &images[start + row * image_row..][..segment]);
        for (place, weights) in weights.chunks_exact(LANES).enumerate() {
            for (sums, segment) in sums.iter_mut().zip(segments) {
                let input = segment[place];
                for (sum, &weight) in sums.iter_mut().zip(weights) {
                    *sum = T::mul_add::<FUSED>(input, weight, *sum);
                }
            }
        }
    }
    sums
}

#[inline(always)]
fn forward_plain<T: Element, const FUSED: bool>(
    images: &[T],
    panels: &[Panel<T>],
    g: &Geometry,
    then: Then,
    result: &mut [T],
) {
    for (panel, first) in panels.iter().zip((0..).step_by(LANES)) {
        let lanes = LANES.min(g.outputs - first);
        let mut patches = g.patch_starts();
        for results in result.chunks_mut(POSITIONS * g.outputs) {
            let present = results.len() / g.outputs;
            // The last group may be short: it computes its first position again and drops it.
            let mut starts = [patches.next().unwrap_or_default(); POSITIONS];
            for start in &mut starts[1..present] {
                *start = patches.next().unwrap_or_default();
            }
            let sums = tile::<T, FUSED>(images, starts, panel, g);
            for (result, sums) in results.chunks_exact_mut(g.outputs).zip(sums) {
                for (result, &sum) in result[first..first + lanes].iter_mut().zip(&sums) {
                    *result = if then == Then::Relu { relu(sum) } else { sum };
                }
            }
        }
    }
}

#[inline(always)]
fn forward_pooled<T: Element, const FUSED: bool>(
    images: &[T],
    panels: &[Panel<T>],
    g: &Geometry,
    result: &mut [T],
    places: &mut [u8],
) {
    let (height, width) = g.result(Then::ReluMaxPool);
    for (panel, first) in panels.iter().zip((0..).step_by(LANES)) {
        let lanes = LANES.min(g.outputs - first);
        let windows = result.chunks_exact_mut(g.outputs).zip(places.chunks_exact_mut(g.outputs));
        for (window, (result, places)) in windows.enumerate() {
            let (image, place) = (window / (height * width), window % (height * width));
            let (y, x) = (2 * (place / width), 2 * (place % width));
            let corner = image * g.image() + g.patch_start(y, x);
            let starts =
                [corner, corner + g.channels, corner + g.row(), corner + g.row() + g.channels];
            let mut sums = tile::<T, FUSED>(images, starts, panel, g);
            sums.iter_mut().flatten().for_each(|sum| *sum = relu(*sum));
            let (largest, place) = first_maximum(&sums);
            result[first..first + lanes].copy_from_slice(&largest[..lanes]);
            places[first..first + lanes].copy_from_slice(&place[..lanes]);
        }
    }
}

/// The largest of four values and the first place that has it, lane by lane; NaN is the largest
/// of all, as in PyTorch.
///
/// Places are as wide as an `f32` until the end, so that one comparison selects both.
#[inline(always)]
pub(crate) fn first_maximum<T: Element>(
    values: &[[T; LANES]; POSITIONS],
) -> ([T; LANES], [u8; LANES]) {
    let mut largest = values[0];
    let mut places = [0u32; LANES];
    for (place, values) in (0u32..).zip(values).skip(1) {
        for lane in 0..LANES {
            let value = values[lane];
            #[expect(clippy::eq_op, reason = "NaN is the value that differs from itself")]
            let larger = (value > largest[lane]) | (value != value);
            largest[lane] = if larger { value } else { largest[lane] };
            places[lane] = if larger { place } else { places[lane] };
        }
    }
    let mut narrow = [0; LANES];
    narrow.iter_mut().zip(places).for_each(|(narrow, place)| *narrow = place as u8);
    (largest, narrow)
}

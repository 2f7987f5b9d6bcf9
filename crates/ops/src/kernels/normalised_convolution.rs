//! Convolution, ReLU, batch norm and max pooling with nothing in between but the activations.

use rayon::prelude::*;

use crate::element::Element;
use crate::kernels::batch_norm::{self, Normaliser};
use crate::kernels::convolution::{
    self, CHUNK, Geometry, LANES, POSITIONS, ResultGradient, Then, first_maximum,
    gradients_at_place,
};
use crate::kernels::vectorised;

/// What is trained beside the convolution, and how batches are normalised.
pub(crate) struct Settings<'a, T> {
    pub(crate) gamma: &'a [T],
    pub(crate) beta: &'a [T],
    pub(crate) epsilon: f64,
    /// Equal parts of the batch, each normalised by itself.
    pub(crate) groups: usize,
    /// Whether the maximum of each 2×2 window follows.
    pub(crate) max_pool: bool,
}

/// What the forward pass leaves for the backward one.
pub(crate) struct Kept<T> {
    /// The convolution's result after ReLU.
    activations: Vec<T>,
    /// One a group.
    normalisers: Vec<Normaliser<T>>,
    /// Where pooled, the place of each window's first maximum.
    places: Vec<u8>,
}

/// Mean and biased variance of each channel in one group.
pub(crate) type Moments<T> = (Vec<T>, Vec<T>);

/// The result (images, height, width, outputs), the moments of each group, and what the backward
/// pass needs. `weights` are channels-last.
pub(crate) fn forward<T: Element>(
    images: &[T],
    (weights, bias): (&[T], &[T]),
    settings: &Settings<'_, T>,
    g: &Geometry,
) -> (Vec<T>, Vec<Moments<T>>, Kept<T>) {
    let (activations, _) = convolution::forward(images, weights, bias, g, Then::Relu);
    let count = images.len() / g.image();
    let (height, width) = g.result(then(settings.max_pool));
    let mut result = vec![T::ZERO; count * height * width * g.outputs];
    let mut places = vec![0; if settings.max_pool { result.len() } else { 0 }];
    let (length, result_length) =
        (activations.len() / settings.groups, result.len() / settings.groups);
    let mut moments = Vec::with_capacity(settings.groups);
    let mut normalisers = Vec::with_capacity(settings.groups);
    for group in 0..settings.groups {
        let activations = &activations[group * length..][..length];
        let results = group * result_length..(group + 1) * result_length;
        let (mean, variance) = batch_norm::moments(activations, g.outputs);
        let normaliser = Normaliser::new(&mean, &variance, settings.epsilon);
        if settings.max_pool {
            let slopes = batch_norm::slopes(settings.gamma, &normaliser);
            let lines = Lines { means: &mean, slopes: &slopes, shifts: settings.beta };
            let image = activations.len() / (count / settings.groups);
            let pooled = height * width * g.outputs;
            activations
                .par_chunks(CHUNK * image)
                .zip(result[results.clone()].par_chunks_mut(CHUNK * pooled))
                .zip(places[results].par_chunks_mut(CHUNK * pooled))
                .for_each(|((activations, result), places)| {
                    vectorised!(normalise_and_pool::<T>(activations, &lines, g, result, places));
                });
        } else {
            let (gamma, beta) = (settings.gamma, settings.beta);
            batch_norm::forward(activations, gamma, beta, &normaliser, &mut result[results]);
        }
        moments.push((mean, variance));
        normalisers.push(normaliser);
    }
    (result, moments, Kept { activations, normalisers, places })
}

fn then(max_pool: bool) -> Then {
    if max_pool { Then::ReluMaxPool } else { Then::Relu }
}

/// (x − mean) · slope + shift of each channel.
struct Lines<'a, T> {
    means: &'a [T],
    slopes: &'a [T],
    shifts: &'a [T],
}

#[inline(always)]
fn normalise_and_pool<T: Element, const FUSED: bool>(
    activations: &[T],
    lines: &Lines<'_, T>,
    g: &Geometry,
    result: &mut [T],
    places: &mut [u8],
) {
    let (height, width) = g.convolved();
    let (rows, columns) = g.result(Then::ReluMaxPool);
    let windows = result.chunks_exact_mut(g.outputs).zip(places.chunks_exact_mut(g.outputs));
    for (window, (result, places)) in windows.enumerate() {
        let (image, place) = (window / (rows * columns), window % (rows * columns));
        let (y, x) = (2 * (place / columns), 2 * (place % columns));
        let corner = (image * height + y) * width + x;
        let positions = [corner, corner + 1, corner + width, corner + width + 1];
        for first in (0..g.outputs).step_by(LANES) {
            let lanes = LANES.min(g.outputs - first);
            let mut values = [[T::ZERO; LANES]; POSITIONS];
            for (values, position) in values.iter_mut().zip(positions) {
                let activations = &activations[position * g.outputs + first..][..lanes];
                let means = &lines.means[first..first + lanes];
                let slopes = &lines.slopes[first..first + lanes];
                let shifts = &lines.shifts[first..first + lanes];
                for lane in 0..lanes {
                    let centred = activations[lane] - means[lane];
                    values[lane] = T::mul_add::<FUSED>(centred, slopes[lane], shifts[lane]);
                }
            }
            let (largest, place) = first_maximum(&values);
            result[first..first + lanes].copy_from_slice(&largest[..lanes]);
            places[first..first + lanes].copy_from_slice(&place[..lanes]);
        }
    }
}

/// Gradients of images, weights (channels-last), bias, γ and β.
pub(crate) struct Gradients<T> {
    pub(crate) convolution: convolution::Gradients<T>,
    pub(crate) gamma: Vec<T>,
    pub(crate) beta: Vec<T>,
}

/// The gradients of the loss, given that of the result.
pub(crate) fn backward<T: Element>(
    (images, weights): (&[T], &[T]),
    settings: &Settings<'_, T>,
    kept: &Kept<T>,
    result_gradient: &[T],
    g: &Geometry,
    images_wanted: bool,
) -> Gradients<T> {
    let (length, result_length) =
        (kept.activations.len() / settings.groups, result_gradient.len() / settings.groups);
    let mut gamma = vec![T::ZERO; g.outputs];
    let mut beta = vec![T::ZERO; g.outputs];
    let mut groups = Vec::with_capacity(settings.groups);
    for (group, normaliser) in kept.normalisers.iter().enumerate() {
        let activations = &kept.activations[group * length..][..length];
        let results = group * result_length..(group + 1) * result_length;
        let gradient = &result_gradient[results.clone()];
        let (scaled, plain) = if settings.max_pool {
            let places = &kept.places[results];
            vectorised!(pooled_sums::<T>(activations, normaliser, gradient, places, g))
        } else {
            batch_norm::gradient_sums(activations, normaliser, gradient)
        };
        for output in 0..g.outputs {
            gamma[output] += scaled[output];
            beta[output] += plain[output];
        }
        let sums = (scaled, plain);
        groups.push(batch_norm::InputGradient::new(settings.gamma, normaliser, sums, length));
    }
    let source = NormalisedGradient {
        kept,
        groups,
        images_a_group: images.len() / g.image() / settings.groups,
        result_gradient,
        g,
    };
    let pass = convolution::Pass {
        images,
        weights,
        result: &kept.activations,
        places: &[],
        then: Then::Relu,
    };
    let convolution = convolution::backward(&pass, &source, g, images_wanted);
    Gradients { convolution, gamma, beta }
}

/// Σ ∂y · x̂ and Σ ∂y of each channel, where ∂y is not zero at one place of each window alone.
#[inline(always)]
fn pooled_sums<T: Element, const FUSED: bool>(
    activations: &[T],
    normaliser: &Normaliser<T>,
    gradient: &[T],
    places: &[u8],
    g: &Geometry,
) -> (Vec<T>, Vec<T>) {
    let (height, width) = g.convolved();
    let (rows, columns) = g.result(Then::ReluMaxPool);
    let mut scaled = vec![T::ZERO; g.outputs];
    let mut plain = vec![T::ZERO; g.outputs];
    let means = &normaliser.mean[..g.outputs];
    let windows = gradient.chunks_exact(g.outputs).zip(places.chunks_exact(g.outputs));
    for (window, (gradients, places)) in windows.enumerate() {
        let (image, place) = (window / (rows * columns), window % (rows * columns));
        let (y, x) = (2 * (place / columns), 2 * (place % columns));
        let corner = (image * height + y) * width + x;
        let positions = [corner, corner + 1, corner + width, corner + width + 1];
        for (place, position) in (0u32..).zip(positions) {
            let activations = &activations[position * g.outputs..][..g.outputs];
            for output in 0..g.outputs {
                let here = u32::from(places[output]) == place;
                let gradient = if here { gradients[output] } else { T::ZERO };
                let deviation = activations[output] - means[output];
                scaled[output] = T::mul_add::<FUSED>(gradient, deviation, scaled[output]);
                plain[output] += gradient;
            }
        }
    }
    let inverses = &normaliser.inverse_deviation;
    scaled.iter_mut().zip(inverses).for_each(|(sum, &inverse)| *sum *= inverse);
    (scaled, plain)
}

/// The gradient of the activations, worked out image by image as the convolution asks for it.
struct NormalisedGradient<'a, T> {
    kept: &'a Kept<T>,
    groups: Vec<batch_norm::InputGradient<T>>,
    images_a_group: usize,
    result_gradient: &'a [T],
    g: &'a Geometry,
}

impl<T: Element> ResultGradient<T> for NormalisedGradient<'_, T> {
    #[inline(always)]
    fn write<const FUSED: bool>(&self, image: usize, gradients: &mut [T]) {
        let g = self.g;
        let activations = &self.kept.activations[image * gradients.len()..][..gradients.len()];
        if self.kept.places.is_empty() {
            gradients.copy_from_slice(
                &self.result_gradient[image * gradients.len()..][..gradients.len()],
            );
        } else {
            let (_, width) = g.convolved();
            let (rows, columns) = g.result(Then::ReluMaxPool);
            let length = rows * columns * g.outputs;
            let results = image * length..(image + 1) * length;
            let places = self.kept.places[results.clone()].chunks_exact(g.outputs);
            let windows = self.result_gradient[results].chunks_exact(g.outputs).zip(places);
            // A row or column that fills no window has no gradient of its own.
            gradients.fill(T::ZERO);
            for (window, (given, places)) in windows.enumerate() {
                let corner = 2 * (window / columns) * width + 2 * (window % columns);
                let positions = [corner, corner + 1, corner + width, corner + width + 1];
                for (place, position) in (0u32..).zip(positions) {
                    let target = &mut gradients[position * g.outputs..][..g.outputs];
                    gradients_at_place(target, given, places, place);
                }
            }
        }
        self.groups[image / self.images_a_group].apply::<FUSED>(activations, gradients);
    }
}

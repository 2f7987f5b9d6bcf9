//! Convolution, ReLU, batch norm and max pooling with nothing in between but the activations.

use rayon::prelude::*;

use crate::element::Element;
use crate::kernels::batch_norm::{self, InputGradient, Moments, Normaliser};
use crate::kernels::convolution::{
    self, CHUNK, Geometry, ResultGradient, Then, gradients_at_place,
};
use crate::kernels::vectors::WINDOW;

mod pooling;

use self::pooling::{Lines, NormaliseAndPool, windows};

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

/// What the forward pass leaves for the backward one, of one group.
pub(crate) struct Kept<T> {
    /// The convolution's result after ReLU.
    activations: Vec<T>,
    normaliser: Normaliser<T>,
    /// Where pooled, the place of each window's first maximum and the activation there.
    places: Vec<u8>,
    maxima: Vec<T>,
}

/// Mean and biased variance of each channel in one group.
pub(crate) type MeanAndVariance<T> = (Vec<T>, Vec<T>);

/// The result (images, height, width, outputs), the moments of each group, and what the backward
/// pass needs. `weights` are channels-last.
pub(crate) fn forward<T: Element>(
    images: &[T],
    trained: (&[T], &[T]),
    settings: &Settings<'_, T>,
    g: &Geometry,
) -> (Vec<T>, Vec<MeanAndVariance<T>>, Vec<Kept<T>>) {
    let (height, width) = g.result(then(settings.max_pool));
    let mut result = vec![T::ZERO; images.len() / g.image() * height * width * g.outputs];
    let windows = &windows(g)[..];
    let mut moments = Vec::with_capacity(settings.groups);
    let mut kept = Vec::with_capacity(settings.groups);
    let result_length = result.len() / settings.groups;
    let results = result.chunks_exact_mut(result_length);
    for (images, result) in images.chunks_exact(images.len() / settings.groups).zip(results) {
        let look = |activations: &[T]| Moments::of(activations, g.outputs);
        let (activations, _, parts) =
            convolution::forward_and(images, trained, g, Then::Relu, look);
        let merged = parts.into_iter().reduce(|all, part| all.merge(&part));
        let (mean, variance) = merged.map(Moments::into_mean_and_variance).unwrap_or_default();
        let normaliser = Normaliser::new(&mean, &variance, settings.epsilon);
        let (mut places, mut maxima) = (Vec::new(), Vec::new());
        if settings.max_pool {
            places = vec![0; result.len()];
            maxima = vec![T::ZERO; result.len()];
            let slopes = &batch_norm::slopes(settings.gamma, &normaliser);
            let lines = &Lines { means: &normaliser.mean, slopes, shifts: settings.beta };
            let image = activations.len() / (images.len() / g.image());
            let length = CHUNK * windows.len() * g.outputs;
            activations
                .par_chunks(CHUNK * image)
                .zip(result.par_chunks_mut(length))
                .zip(places.par_chunks_mut(length).zip(maxima.par_chunks_mut(length)))
                .for_each(|((activations, result), (places, maxima))| {
                    let pass = NormaliseAndPool {
                        activations,
                        lines,
                        windows,
                        image,
                        result,
                        places,
                        maxima,
                    };
                    pulp::Arch::new().dispatch(pass);
                });
        } else {
            let (gamma, beta) = (settings.gamma, settings.beta);
            batch_norm::forward(&activations, gamma, beta, &normaliser, result);
        }
        moments.push((mean, variance));
        kept.push(Kept { activations, normaliser, places, maxima });
    }
    (result, moments, kept)
}

fn then(max_pool: bool) -> Then {
    if max_pool { Then::ReluMaxPool } else { Then::Relu }
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
    kept: &[Kept<T>],
    result_gradient: &[T],
    g: &Geometry,
    images_wanted: bool,
) -> Gradients<T> {
    let mut gradients = Gradients {
        convolution: convolution::Gradients {
            images: Vec::new(),
            weights: vec![T::ZERO; weights.len()],
            bias: vec![T::ZERO; g.outputs],
        },
        gamma: vec![T::ZERO; g.outputs],
        beta: vec![T::ZERO; g.outputs],
    };
    let windows = windows(g);
    let groups = images
        .chunks_exact(images.len() / settings.groups)
        .zip(result_gradient.chunks_exact(result_gradient.len() / settings.groups));
    for ((images, result_gradient), kept) in groups.zip(kept) {
        // Where pooled, only the maxima have a gradient.
        let values = if settings.max_pool { &kept.maxima } else { &kept.activations };
        let sums = batch_norm::gradient_sums(values, &kept.normaliser, result_gradient);
        add(&mut gradients.gamma, &sums.0);
        add(&mut gradients.beta, &sums.1);
        let length = kept.activations.len();
        let source = NormalisedGradient {
            kept,
            gradient: InputGradient::new(settings.gamma, &kept.normaliser, sums, length),
            result_gradient,
            windows: &windows,
            outputs: g.outputs,
        };
        let pass = convolution::Pass {
            images,
            weights,
            result: &kept.activations,
            places: &[],
            then: Then::Relu,
        };
        let part = convolution::backward(&pass, &source, g, images_wanted);
        add(&mut gradients.convolution.weights, &part.weights);
        add(&mut gradients.convolution.bias, &part.bias);
        gradients.convolution.images.extend(part.images);
    }
    gradients
}

fn add<T: Element>(sums: &mut [T], terms: &[T]) {
    sums.iter_mut().zip(terms).for_each(|(sum, &term)| *sum += term);
}

/// The gradient of a group's activations, worked out image by image as the convolution asks for it.
struct NormalisedGradient<'a, T> {
    kept: &'a Kept<T>,
    gradient: InputGradient<T>,
    result_gradient: &'a [T],
    windows: &'a [[usize; WINDOW]],
    outputs: usize,
}

impl<T: Element> ResultGradient<T> for NormalisedGradient<'_, T> {
    #[inline(always)]
    fn write<const FUSED: bool>(&self, image: usize, rectified: Option<&[T]>, gradients: &mut [T]) {
        if self.kept.places.is_empty() {
            gradients.copy_from_slice(
                &self.result_gradient[image * gradients.len()..][..gradients.len()],
            );
        } else {
            let length = self.windows.len() * self.outputs;
            let results = image * length..(image + 1) * length;
            let places = self.kept.places[results.clone()].chunks_exact(self.outputs);
            let given = self.result_gradient[results].chunks_exact(self.outputs);
            // A row or column that fills no window has no gradient of its own.
            gradients.fill(T::ZERO);
            for (positions, (given, places)) in self.windows.iter().zip(given.zip(places)) {
                for (place, position) in (0u32..).zip(positions) {
                    let target = &mut gradients[position * self.outputs..][..self.outputs];
                    gradients_at_place(target, given, places, place);
                }
            }
        }
        let activations = &self.kept.activations[image * gradients.len()..][..gradients.len()];
        if rectified.is_some() {
            self.gradient.apply::<FUSED, true>(activations, gradients);
        } else {
            self.gradient.apply::<FUSED, false>(activations, gradients);
        }
    }
}

//! Convolution, ReLU, batch norm and max pooling with nothing in between but the activations.

use rayon::prelude::*;

use crate::element::Element;
use crate::kernels::batch_norm::{self, InputGradient, Moments, Normaliser};
use crate::kernels::convolution::{self, CHUNK, Geometry, Then};

mod gradient;
mod pooling;

use self::gradient::NormalisedGradient;
use self::pooling::{Lines, NormaliseAndPool, windows};

/// What is trained beside the convolution, and how the batch is normalised.
pub(crate) struct Settings<'a, T> {
    pub(crate) gamma: &'a [T],
    pub(crate) beta: &'a [T],
    pub(crate) epsilon: f64,
    /// Mean and variance to normalise with instead of the batch's own.
    pub(crate) frozen: Option<(&'a [T], &'a [T])>,
    /// Whether the maximum of each 2×2 window follows.
    pub(crate) max_pool: bool,
}

/// What the forward pass leaves for the backward one.
pub(crate) struct Kept<T> {
    /// The convolution's result after ReLU.
    activations: Vec<T>,
    normaliser: Normaliser<T>,
    /// Where pooled, the place of each window's first maximum and the activation there.
    places: Vec<u8>,
    maxima: Vec<T>,
}

/// Mean and biased variance of each channel.
pub(crate) type MeanAndVariance<T> = (Vec<T>, Vec<T>);

/// The result (images, height, width, outputs), the moments, and what the backward pass needs.
/// `weights` are channels-last.
pub(crate) fn forward<T: Element>(
    images: &[T],
    trained: (&[T], &[T]),
    settings: &Settings<'_, T>,
    g: &Geometry,
) -> (Vec<T>, MeanAndVariance<T>, Kept<T>) {
    let (height, width) = g.result(then(settings.max_pool));
    let mut result = vec![T::ZERO; images.len() / g.image() * height * width * g.outputs];
    let windows = &windows(g)[..];
    let (activations, (mean, variance)) = activate(images, trained, settings, g);
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
                let pass =
                    NormaliseAndPool { activations, lines, windows, image, result, places, maxima };
                crate::kernels::arch().dispatch(pass);
            });
    } else {
        let (gamma, beta) = (settings.gamma, settings.beta);
        batch_norm::forward(&activations, gamma, beta, &normaliser, &mut result);
    }
    (result, (mean, variance), Kept { activations, normaliser, places, maxima })
}

/// The convolution's result after ReLU, and what to normalise it with.
fn activate<T: Element>(
    images: &[T],
    trained: (&[T], &[T]),
    settings: &Settings<'_, T>,
    g: &Geometry,
) -> (Vec<T>, MeanAndVariance<T>) {
    if let Some((mean, variance)) = settings.frozen {
        let (activations, _) = convolution::forward(images, trained, g, Then::Relu);
        return (activations, (mean.to_vec(), variance.to_vec()));
    }
    let look = |activations: &[T]| Moments::of(activations, g.outputs);
    let (activations, _, parts) = convolution::forward_and(images, trained, g, Then::Relu, look);
    let merged = parts.into_iter().reduce(|all, part| all.merge(&part));
    (activations, merged.map(Moments::into_mean_and_variance).unwrap_or_default())
}

fn then(max_pool: bool) -> Then {
    if max_pool { Then::ReluMaxPool } else { Then::Relu }
}

/// Gradients of weights (channels-last), bias, γ and β.
pub(crate) struct Gradients<T> {
    pub(crate) weights: Vec<T>,
    pub(crate) bias: Vec<T>,
    pub(crate) gamma: Vec<T>,
    pub(crate) beta: Vec<T>,
}

/// The gradients of the loss, given that of the result; that of the images is added to
/// `image_gradients`, unless that is empty.
pub(crate) fn backward<T: Element>(
    (images, weights): (&[T], &[T]),
    settings: &Settings<'_, T>,
    kept: &Kept<T>,
    result_gradient: &[T],
    g: &Geometry,
    image_gradients: &mut [T],
) -> Gradients<T> {
    // Where pooled, only the maxima have a gradient.
    let values = if settings.max_pool { &kept.maxima } else { &kept.activations };
    let sums = batch_norm::gradient_sums(values, &kept.normaliser, result_gradient);
    let layer = (settings.gamma, &kept.normaliser, settings.frozen.is_some());
    let source = NormalisedGradient {
        activations: &kept.activations,
        places: &kept.places,
        gradient: InputGradient::new(layer, &sums, kept.activations.len()),
        result_gradient,
        windows: &windows(g),
        outputs: g.outputs,
    };
    let pass = convolution::Pass {
        images,
        weights,
        result: &kept.activations,
        places: &[],
        then: Then::Relu,
    };
    let (weights, bias) = convolution::backward(&pass, &source, g, image_gradients);
    let (gamma, beta) = sums;
    Gradients { weights, bias, gamma, beta }
}

//! Batch normalisation of a matrix whose columns are the channels.

use crate::element::Element;
use crate::kernels::vectorised;

/// Mean and biased variance of each column.
pub(crate) fn moments<T: Element>(values: &[T], channels: usize) -> (Vec<T>, Vec<T>) {
    vectorised!(column_moments::<T>(values, channels))
}

#[inline(always)]
fn column_moments<T: Element, const FUSED: bool>(
    values: &[T],
    channels: usize,
) -> (Vec<T>, Vec<T>) {
    let scale = T::ONE / T::from_f64((values.len() / channels) as f64);
    let mut means = vec![T::ZERO; channels];
    for row in values.chunks_exact(channels) {
        for (mean, &value) in means.iter_mut().zip(row) {
            *mean += value;
        }
    }
    means.iter_mut().for_each(|mean| *mean *= scale);
    // A second pass over the deviations: the mean of squares less the square of the mean cancels.
    let mut variances = vec![T::ZERO; channels];
    for row in values.chunks_exact(channels) {
        for ((variance, &mean), &value) in variances.iter_mut().zip(&means).zip(row) {
            let deviation = value - mean;
            *variance = T::mul_add::<FUSED>(deviation, deviation, *variance);
        }
    }
    variances.iter_mut().for_each(|variance| *variance *= scale);
    (means, variances)
}

/// What normalises one channel: (value − mean) · `inverse_deviation`.
#[derive(Clone, Debug)]
pub(crate) struct Normaliser<T> {
    pub(crate) mean: Vec<T>,
    pub(crate) inverse_deviation: Vec<T>,
}

/// γ · x̂ + β, row by row into `result`.
pub(crate) fn forward<T: Element>(
    values: &[T],
    gamma: &[T],
    beta: &[T],
    normaliser: &Normaliser<T>,
    result: &mut [T],
) {
    let slopes: Vec<T> = gamma
        .iter()
        .zip(&normaliser.inverse_deviation)
        .map(|(&gamma, &inverse)| gamma * inverse)
        .collect();
    vectorised!(affine::<T>(values, &normaliser.mean, &slopes, beta, result));
}

#[inline(always)]
fn affine<T: Element, const FUSED: bool>(
    values: &[T],
    means: &[T],
    slopes: &[T],
    beta: &[T],
    result: &mut [T],
) {
    let channels = means.len();
    for (values, results) in values.chunks_exact(channels).zip(result.chunks_exact_mut(channels)) {
        for channel in 0..channels {
            results[channel] = T::mul_add::<FUSED>(
                values[channel] - means[channel],
                slopes[channel],
                beta[channel],
            );
        }
    }
}

/// Gradients of the values (into `values_gradient`), of γ and of β (added to).
///
/// With m rows and x̂ the normalised values (Ioffe and Szegedy, 2015, section 3):
/// ∂x = γ · inverse deviation · (∂y − mean(∂y) − x̂ · mean(∂y · x̂)).
pub(crate) fn backward<T: Element>(
    values: &[T],
    gamma: &[T],
    normaliser: &Normaliser<T>,
    result_gradient: &[T],
    values_gradient: &mut [T],
    (gamma_gradient, beta_gradient): (&mut [T], &mut [T]),
) {
    let (scaled, plain) = vectorised!(gradient_sums::<T>(values, normaliser, result_gradient));
    let scale = T::ONE / T::from_f64((values.len() / gamma.len()) as f64);
    let mut slopes = Vec::with_capacity(gamma.len());
    for channel in 0..gamma.len() {
        gamma_gradient[channel] += scaled[channel];
        beta_gradient[channel] += plain[channel];
        slopes.push(gamma[channel] * normaliser.inverse_deviation[channel]);
    }
    let mean = |sums: Vec<T>| -> Vec<T> { sums.into_iter().map(|sum| sum * scale).collect() };
    let means = (mean(scaled), mean(plain));
    vectorised!(input_gradient::<T>(
        values,
        normaliser,
        &slopes,
        &means,
        result_gradient,
        values_gradient
    ));
}

/// Σ ∂y · x̂ and Σ ∂y of each column.
#[inline(always)]
fn gradient_sums<T: Element, const FUSED: bool>(
    values: &[T],
    normaliser: &Normaliser<T>,
    result_gradient: &[T],
) -> (Vec<T>, Vec<T>) {
    let channels = normaliser.mean.len();
    let mut scaled = vec![T::ZERO; channels];
    let mut plain = vec![T::ZERO; channels];
    let (mean, inverse) = (&normaliser.mean[..], &normaliser.inverse_deviation[..]);
    for (values, gradients) in
        values.chunks_exact(channels).zip(result_gradient.chunks_exact(channels))
    {
        for channel in 0..channels {
            let deviation = values[channel] - mean[channel];
            scaled[channel] = T::mul_add::<FUSED>(gradients[channel], deviation, scaled[channel]);
            plain[channel] += gradients[channel];
        }
    }
    scaled.iter_mut().zip(inverse).for_each(|(sum, &inverse)| *sum *= inverse);
    (scaled, plain)
}

#[inline(always)]
fn input_gradient<T: Element, const FUSED: bool>(
    values: &[T],
    normaliser: &Normaliser<T>,
    slopes: &[T],
    (scaled, plain): &(Vec<T>, Vec<T>),
    result_gradient: &[T],
    values_gradient: &mut [T],
) {
    let channels = slopes.len();
    let (mean, inverse) = (&normaliser.mean[..], &normaliser.inverse_deviation[..]);
    // ∂x = slope · (∂y − plain − (x − mean) · factor), with the factor worked out once a channel.
    let factors: Vec<T> =
        scaled.iter().zip(inverse).map(|(&scaled, &inverse)| scaled * inverse).collect();
    for ((values, gradients), outputs) in values
        .chunks_exact(channels)
        .zip(result_gradient.chunks_exact(channels))
        .zip(values_gradient.chunks_exact_mut(channels))
    {
        for channel in 0..channels {
            let centred = gradients[channel] - plain[channel];
            let deviation = mean[channel] - values[channel];
            outputs[channel] =
                slopes[channel] * T::mul_add::<FUSED>(deviation, factors[channel], centred);
        }
    }
}

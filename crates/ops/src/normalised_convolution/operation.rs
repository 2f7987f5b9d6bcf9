//! The op that all of a normalised convolution is.

use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, Device, Result, Shape, Tensor, bail};

use super::NormalisedConvolution;
use crate::concatenation::concatenate;
use crate::convolution::KeptWeights;
use crate::element::Element;
use crate::kernels::batch_norm::Normaliser;
use crate::kernels::convolution::{Geometry, Then, arranged_weights, given_weights};
use crate::kernels::normalised_convolution::{
    Gradients, Normalised, Order, Saved, Settings, backward, forward,
};
use crate::layout::bias_or_zeros;
use crate::op::{self, Argument, Op, kept};
use crate::statistics::BatchStatistics;

/// The op, with the batch's statistics or those `frozen`: mean and variance of each channel.
pub(super) fn apply(
    (name, order): (&'static str, Order),
    images: &Tensor,
    layer: &NormalisedConvolution<'_>,
    geometry: Geometry,
    frozen: Option<[Vec<f64>; 2]>,
) -> Result<(Tensor, BatchStatistics)> {
    let NormalisedConvolution { weight, bias, gamma, beta, epsilon, max_pool, .. } = *layer;
    let bias = &bias_or_zeros(name, bias, weight)?;
    // An op takes three tensors: the small ones go in as one, and come apart in the gradient.
    let small = concatenate([bias, gamma, beta])?;
    let statistics = Arc::new(OnceLock::new());
    let op = ConvolutionBatchNorm {
        name,
        order,
        geometry,
        epsilon,
        max_pool,
        frozen,
        kept: OnceLock::new(),
        statistics: Arc::clone(&statistics),
    };
    let result = op::apply(op, [&images.contiguous()?, &weight.contiguous()?, &small])?;
    let Some(statistics) = statistics.get().cloned() else {
        bail!("{name}: there was no forward saved");
    };
    Ok((result, statistics))
}

/// Channels-last images, weight, and bias, γ and β in one vector → channels-last result.
struct ConvolutionBatchNorm {
    name: &'static str,
    order: Order,
    geometry: Geometry,
    epsilon: f64,
    max_pool: bool,
    /// Mean and variance that are given; no gradient passes through them.
    frozen: Option<[Vec<f64>; 2]>,
    /// What the backward pass needs.
    kept: OnceLock<Kept>,
    /// Read by the caller after the forward pass.
    statistics: Arc<OnceLock<BatchStatistics>>,
}

struct Kept {
    weights: KeptWeights,
    /// In f64 so that one type serves both dtypes.
    normaliser: Normaliser<f64>,
    /// What was normalised: the convolution's result, after ReLU where that comes first.
    activations: CpuStorage,
    /// Where pooled, the place of each window's first maximum and the activation there.
    places: Vec<u8>,
    maxima: CpuStorage,
}

impl ConvolutionBatchNorm {
    /// Bias, γ and β.
    fn parts<'a, T>(&self, small: &'a [T]) -> (&'a [T], &'a [T], &'a [T]) {
        let outputs = self.geometry.outputs;
        let (bias, rest) = small.split_at(outputs);
        let (gamma, beta) = rest.split_at(outputs);
        (bias, gamma, beta)
    }

    fn settings<'a, T>(
        &self,
        (gamma, beta): (&'a [T], &'a [T]),
        frozen: Option<&'a [Vec<T>; 2]>,
    ) -> Settings<'a, T> {
        let (epsilon, max_pool) = (self.epsilon, self.max_pool);
        let frozen = frozen.map(|[mean, variance]| (&mean[..], &variance[..]));
        Settings { gamma, beta, epsilon, frozen, max_pool, order: self.order }
    }

    fn frozen<T: Element>(&self) -> Option<[Vec<T>; 2]> {
        let convert = |values: &Vec<f64>| values.iter().map(|&value| T::from_f64(value)).collect();
        self.frozen.as_ref().map(|frozen| frozen.each_ref().map(convert))
    }
}

impl Op<3> for ConvolutionBatchNorm {
    fn name(&self) -> &'static str {
        self.name
    }

    fn forward<T: Element>(
        &self,
        [images, weight, small]: [Argument<'_, T>; 3],
    ) -> Result<(Vec<T>, Shape)> {
        let geometry = &self.geometry;
        let (bias, gamma, beta) = self.parts(small.values);
        let weights = arranged_weights(weight.values, geometry);
        let frozen = self.frozen();
        let settings = self.settings((gamma, beta), frozen.as_ref());
        let Normalised { result, moments, normaliser, activations, places, maxima } =
            forward(images.values, (&weights, bias), &settings, geometry);
        let (rows, columns) = geometry.convolved();
        let count = images.dims[0] * rows * columns;
        let on_cpu = |values| Tensor::from_vec(values, geometry.outputs, &Device::Cpu);
        let (mean, variance) = (on_cpu(moments.0)?, on_cpu(moments.1)?);
        self.statistics.get_or_init(|| BatchStatistics { mean, variance, count });
        self.kept.get_or_init(|| Kept {
            weights: KeptWeights::new(weights),
            normaliser: normaliser.to_f64(),
            activations: T::to_cpu_storage_owned(activations),
            places,
            maxima: T::to_cpu_storage_owned(maxima),
        });
        let then = if self.max_pool { Then::ReluMaxPool } else { Then::Relu };
        let (height, width) = geometry.result(then);
        Ok((result, (images.dims[0], height, width, geometry.outputs).into()))
    }

    fn backward<T: Element>(
        &self,
        [images, weight, small]: [Argument<'_, T>; 3],
        [of_images, ..]: [bool; 3],
        result: &[T],
        gradient: &[T],
    ) -> Result<[Option<Vec<T>>; 3]> {
        let kept = kept(self.name, &self.kept)?;
        let geometry = &self.geometry;
        let (_, gamma, beta) = self.parts(small.values);
        let frozen = self.frozen();
        let saved = Saved {
            images: images.values,
            weights: kept.weights.get(weight.values)?,
            normaliser: &kept.normaliser.to(),
            activations: kept.activations.as_slice()?,
            places: &kept.places,
            maxima: kept.maxima.as_slice()?,
            result,
        };
        let settings = self.settings((gamma, beta), frozen.as_ref());
        let Gradients { convolution, gamma, beta } =
            backward(&saved, &settings, gradient, geometry, of_images);
        let of_weight = given_weights(convolution.weights, geometry);
        let of_small = [convolution.bias, gamma, beta].concat();
        Ok([of_images.then_some(convolution.images), Some(of_weight), Some(of_small)])
    }
}

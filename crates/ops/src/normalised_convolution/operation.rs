//! The op that all of a normalised convolution is.

use std::sync::{Arc, OnceLock};

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

use super::NormalisedConvolution;
use crate::element::{self, Element, slice, values, with_float};
use crate::kernels::batch_norm::Normaliser;
use crate::kernels::convolution::{Geometry, Then, channels_first_weights, channels_last_weights};
use crate::kernels::normalised_convolution::{
    Gradients, Normalised, Order, Pass, Settings, backward, forward,
};
use crate::layout::bias_or_zeros;
use crate::statistics::BatchStatistics;
use crate::tape::{apply2, concatenate};

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
    // An op takes few tensors: what is trained goes in as one, and comes apart in the gradient.
    let trained = concatenate(&[weight, bias, gamma, beta])?;
    let statistics = Arc::new(OnceLock::new());
    let operation = Operation {
        name,
        order,
        geometry,
        epsilon,
        max_pool,
        frozen,
        kept: OnceLock::new(),
        statistics: Arc::clone(&statistics),
    };
    let images = images.contiguous()?;
    let result = apply2(&images, &trained, operation)?;
    let Some(statistics) = statistics.get().cloned() else {
        bail!("{name}: there was no forward pass");
    };
    Ok((result, statistics))
}

/// Channels-last images, everything trained in one vector → channels-last result.
struct Operation {
    /// The function that the caller knows.
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
    /// Channels-last.
    weights: CpuStorage,
    /// In f64 so that one type serves both dtypes.
    normaliser: Normaliser<f64>,
    /// What was normalised: the convolution's result, after ReLU where that comes first.
    activations: CpuStorage,
    /// Where pooled, the place of each window's first maximum and the activation there.
    places: Vec<u8>,
    maxima: CpuStorage,
}

impl Operation {
    /// Weight, bias, γ and β.
    fn parts<'a, T>(&self, trained: &'a [T]) -> (&'a [T], &'a [T], &'a [T], &'a [T]) {
        let outputs = self.geometry.outputs;
        let (weight, rest) = trained.split_at(trained.len() - 3 * outputs);
        let (bias, rest) = rest.split_at(outputs);
        let (gamma, beta) = rest.split_at(outputs);
        (weight, bias, gamma, beta)
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

    fn compute<T: Element>(
        &self,
        (images, layout): (&CpuStorage, &Layout),
        trained: &[T],
    ) -> Result<(CpuStorage, Shape)> {
        let geometry = &self.geometry;
        let (weight, bias, gamma, beta) = self.parts(trained);
        let weights = channels_last_weights(weight, geometry);
        let frozen = self.frozen();
        let settings = self.settings((gamma, beta), frozen.as_ref());
        let Normalised { result, moments, normaliser, activations, places, maxima } =
            forward(slice(images, layout)?, (&weights, bias), &settings, geometry);
        let (rows, columns) = geometry.convolved();
        let count = layout.dims()[0] * rows * columns;
        let on_cpu = |values| Tensor::from_vec(values, geometry.outputs, &candle_core::Device::Cpu);
        let (mean, variance) = (on_cpu(moments.0)?, on_cpu(moments.1)?);
        self.statistics.get_or_init(|| BatchStatistics { mean, variance, count });
        self.kept.get_or_init(|| Kept {
            weights: T::to_cpu_storage_owned(weights),
            normaliser: normaliser.to_f64(),
            activations: T::to_cpu_storage_owned(activations),
            places,
            maxima: T::to_cpu_storage_owned(maxima),
        });
        let then = if self.max_pool { Then::ReluMaxPool } else { Then::Relu };
        let (height, width) = geometry.result(then);
        let shape = (layout.dims()[0], height, width, geometry.outputs);
        Ok((T::to_cpu_storage_owned(result), shape.into()))
    }

    fn gradients<T: Element>(
        &self,
        images: &Tensor,
        trained: &Tensor,
        result: &Tensor,
        result_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let Some(kept) = self.kept.get() else {
            bail!("{}: there was no forward pass", self.name);
        };
        let geometry = &self.geometry;
        let result_gradient = result_gradient.contiguous()?;
        let (image_values, trained_values) =
            (images.storage_and_layout(), trained.storage_and_layout());
        let gradient_values = result_gradient.storage_and_layout();
        let result_values = result.storage_and_layout();
        let (_, _, gamma, beta) = self.parts(values::<T, _>(&trained_values)?);
        let frozen = self.frozen();
        let pass = Pass {
            images: values(&image_values)?,
            weights: kept.weights.as_slice()?,
            normaliser: &kept.normaliser.to(),
            activations: kept.activations.as_slice()?,
            places: &kept.places,
            maxima: kept.maxima.as_slice()?,
            result: values(&result_values)?,
        };
        let Gradients { convolution, gamma, beta } = backward(
            &pass,
            &self.settings((gamma, beta), frozen.as_ref()),
            values(&gradient_values)?,
            geometry,
            images.track_op(),
        );
        let image_gradient = if images.track_op() {
            Some(element::tensor(convolution.images, images.shape(), images)?)
        } else {
            None
        };
        let mut trained_gradient = channels_first_weights(&convolution.weights, geometry);
        trained_gradient.extend(convolution.bias);
        trained_gradient.extend(gamma);
        trained_gradient.extend(beta);
        let trained_gradient = element::tensor(trained_gradient, trained.shape(), images)?;
        Ok((image_gradient, Some(trained_gradient)))
    }
}

impl CustomOp2 for Operation {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(
        &self,
        images: &CpuStorage,
        images_layout: &Layout,
        trained: &CpuStorage,
        trained_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        with_float!(self.name(), images.dtype(), T => {
            self.compute::<T>((images, images_layout), slice(trained, trained_layout)?)
        })
    }

    fn bwd(
        &self,
        images: &Tensor,
        trained: &Tensor,
        result: &Tensor,
        result_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        with_float!(self.name(), images.dtype(), T => {
            self.gradients::<T>(images, trained, result, result_gradient)
        })
    }
}

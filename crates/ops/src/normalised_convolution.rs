//! Convolution, ReLU, batch norm and max pooling as one op.

use std::sync::{Arc, OnceLock};

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, bail};
use candle_nn::Conv2dConfig;

use crate::batch_norm::{channels_last_batch_norm, channels_last_batch_norm_evaluation};
use crate::convolution::channels_last_convolution;
use crate::convolution_sizes::geometry;
use crate::element::{self, Element, has_kernels, slice, values, with_float};
use crate::kernels::batch_norm::Normaliser;
use crate::kernels::convolution::{Geometry, Then, channels_first_weights, channels_last_weights};
use crate::kernels::normalised_convolution::{
    Gradients, Normalised, Pass, Settings, backward, forward,
};
use crate::layout::bias_or_zeros;
use crate::pooling::channels_last_max_pool;
use crate::statistics::{BatchStatistics, RunningStatistics};
use crate::tape::{apply2, concatenate};

const NAME: &str = "conv2d_relu_batch_norm_nhwc";
const EVALUATION: &str = "conv2d_relu_batch_norm_evaluation_nhwc";

/// The trained tensors and settings of a convolution that batch norm follows.
#[derive(Clone, Copy, Debug)]
pub struct NormalisedConvolution<'a> {
    /// (outputs, channels / groups, kernel height, kernel width).
    pub weight: &'a Tensor,
    /// (outputs), or none.
    pub bias: Option<&'a Tensor>,
    /// Batch norm's scale, (outputs).
    pub gamma: &'a Tensor,
    /// Batch norm's shift, (outputs).
    pub beta: &'a Tensor,
    /// Padding, stride, dilation and groups of the convolution.
    pub config: Conv2dConfig,
    /// Added to the variance.
    pub epsilon: f64,
    /// Whether the maximum of each 2×2 window at stride 2 follows.
    pub max_pool: bool,
}

/// Convolution, ReLU, batch norm with the batch's statistics, and max pooling where wanted, for
/// `images` (n, height, width, channels).
///
/// The result is that of [`crate::channels_last::conv2d_relu_nhwc`],
/// [`crate::channels_last::batch_norm_nhwc`] and [`crate::channels_last::max_pool2d_nhwc`] one after
/// another, and so are the gradients; what lies between stays within the op.
///
/// # Errors
///
/// As those functions.
pub fn conv2d_relu_batch_norm_nhwc(
    images: &Tensor,
    layer: &NormalisedConvolution<'_>,
) -> Result<(Tensor, BatchStatistics)> {
    let NormalisedConvolution { gamma, beta, epsilon, max_pool, .. } = *layer;
    if let Some(geometry) = fused_geometry(NAME, images, layer)? {
        let (rows, columns) = geometry.convolved();
        if images.dims()[0] * rows * columns >= 2 {
            return apply(images, layer, geometry, None);
        }
    }
    // One after another; where something does not fit, that op tells what.
    let activations = activations(NAME, images, layer)?;
    let (normalised, statistics) = channels_last_batch_norm(&activations, gamma, beta, epsilon)?;
    let result = if max_pool {
        channels_last_max_pool("max_pool2d_nhwc", &normalised, (2, 2), (2, 2))?
    } else {
        normalised
    };
    Ok((result, statistics))
}

/// [`conv2d_relu_batch_norm_nhwc`] with running statistics, for evaluation.
///
/// The result is that of [`crate::channels_last::conv2d_relu_nhwc`],
/// [`crate::channels_last::batch_norm_evaluation_nhwc`] and
/// [`crate::channels_last::max_pool2d_nhwc`].
///
/// # Errors
///
/// As those functions.
pub fn conv2d_relu_batch_norm_evaluation_nhwc(
    images: &Tensor,
    layer: &NormalisedConvolution<'_>,
    running: &RunningStatistics,
) -> Result<Tensor> {
    let NormalisedConvolution { gamma, beta, epsilon, max_pool, .. } = *layer;
    let some = images.dims().first().is_some_and(|&batch| batch > 0);
    if let Some(geometry) = fused_geometry(EVALUATION, images, layer)?
        && some
        && [&running.mean, &running.variance].iter().all(|own| own.dims() == [geometry.outputs])
    {
        let numbers = |tensor: &Tensor| tensor.to_dtype(DType::F64)?.to_vec1::<f64>();
        let frozen = [numbers(&running.mean)?, numbers(&running.variance)?];
        return Ok(apply(images, layer, geometry, Some(frozen))?.0);
    }
    let activations = activations(EVALUATION, images, layer)?;
    let normalised =
        channels_last_batch_norm_evaluation(&activations, gamma, beta, epsilon, running)?;
    if max_pool {
        channels_last_max_pool("max_pool2d_nhwc", &normalised, (2, 2), (2, 2))
    } else {
        Ok(normalised)
    }
}

/// The sizes, where the op can take them.
fn fused_geometry(
    operation: &str,
    images: &Tensor,
    layer: &NormalisedConvolution<'_>,
) -> Result<Option<Geometry>> {
    let NormalisedConvolution { weight, bias, gamma, beta, config, max_pool, .. } = *layer;
    let then = if max_pool { Then::ReluMaxPool } else { Then::Relu };
    let geometry = geometry(operation, images, (weight, bias, config), then)?;
    let fits = [gamma, beta].iter().all(|tensor| tensor.dims() == [geometry.outputs]);
    Ok((fits && has_kernels(images.device())).then_some(geometry))
}

fn activations(
    operation: &'static str,
    images: &Tensor,
    layer: &NormalisedConvolution<'_>,
) -> Result<Tensor> {
    let NormalisedConvolution { weight, bias, config, .. } = *layer;
    channels_last_convolution(operation, images, (weight, bias, config), Then::Relu)
}

/// The op, with the batch's statistics or those `frozen`: mean and variance of each channel.
fn apply(
    images: &Tensor,
    layer: &NormalisedConvolution<'_>,
    geometry: Geometry,
    frozen: Option<[Vec<f64>; 2]>,
) -> Result<(Tensor, BatchStatistics)> {
    let NormalisedConvolution { weight, bias, gamma, beta, epsilon, max_pool, .. } = *layer;
    let bias = &bias_or_zeros(NAME, bias, weight)?;
    // An op takes few tensors: what is trained goes in as one, and comes apart in the gradient.
    let trained = concatenate(&[weight, bias, gamma, beta])?;
    let statistics = Arc::new(OnceLock::new());
    let operation = Operation {
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
        bail!("{NAME}: there was no forward pass");
    };
    Ok((result, statistics))
}

/// Channels-last images, everything trained in one vector → channels-last result.
struct Operation {
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
    /// After ReLU.
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
        Settings { gamma, beta, epsilon, frozen, max_pool }
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
        result_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let Some(kept) = self.kept.get() else {
            bail!("{NAME}: there was no forward pass");
        };
        let geometry = &self.geometry;
        let result_gradient = result_gradient.contiguous()?;
        let (image_values, trained_values) =
            (images.storage_and_layout(), trained.storage_and_layout());
        let gradient_values = result_gradient.storage_and_layout();
        let (_, _, gamma, beta) = self.parts(values::<T, _>(&trained_values)?);
        let frozen = self.frozen();
        let pass = Pass {
            images: values(&image_values)?,
            weights: kept.weights.as_slice()?,
            normaliser: &kept.normaliser.to(),
            activations: kept.activations.as_slice()?,
            places: &kept.places,
            maxima: kept.maxima.as_slice()?,
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
        NAME
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
        _result: &Tensor,
        result_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        with_float!(self.name(), images.dtype(), T => {
            self.gradients::<T>(images, trained, result_gradient)
        })
    }
}

//! Convolution, batch norm, ReLU before or after it or none, and max pooling, as one op.

use candle_core::{DType, Result, Tensor};
use candle_nn::Conv2dConfig;

use self::operation::apply;
use crate::batch_norm::{channels_last_batch_norm, channels_last_batch_norm_evaluation};
use crate::convolution::channels_last_convolution;
use crate::convolution_sizes::geometry;
use crate::element::has_kernels;
use crate::kernels::convolution::{Geometry, Then};
use crate::kernels::normalised_convolution::Order;
use crate::pooling::channels_last_max_pool;
use crate::reference;
use crate::statistics::{BatchStatistics, RunningStatistics};

mod operation;

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
    train(("conv2d_relu_batch_norm_nhwc", Order::ReluBatchNorm), images, layer)
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
    let operation = ("conv2d_relu_batch_norm_evaluation_nhwc", Order::ReluBatchNorm);
    evaluate(operation, images, layer, running)
}

/// Convolution, batch norm with the batch's statistics, ReLU, and max pooling where wanted: the order of
/// residual networks, for `images` (n, height, width, channels).
///
/// As [`conv2d_relu_batch_norm_nhwc`], but that ReLU comes after batch norm.
///
/// # Errors
///
/// As there.
pub fn conv2d_batch_norm_relu_nhwc(
    images: &Tensor,
    layer: &NormalisedConvolution<'_>,
) -> Result<(Tensor, BatchStatistics)> {
    train(("conv2d_batch_norm_relu_nhwc", Order::BatchNormRelu), images, layer)
}

/// [`conv2d_batch_norm_relu_nhwc`] with running statistics, for evaluation.
///
/// # Errors
///
/// As [`conv2d_relu_batch_norm_evaluation_nhwc`].
pub fn conv2d_batch_norm_relu_evaluation_nhwc(
    images: &Tensor,
    layer: &NormalisedConvolution<'_>,
    running: &RunningStatistics,
) -> Result<Tensor> {
    let operation = ("conv2d_batch_norm_relu_evaluation_nhwc", Order::BatchNormRelu);
    evaluate(operation, images, layer, running)
}

/// Convolution and batch norm with the batch's statistics, and max pooling where wanted, for `images` (n,
/// height, width, channels): what [`crate::add_relu`] of a residual block follows.
///
/// As [`conv2d_batch_norm_relu_nhwc`], but without ReLU.
///
/// # Errors
///
/// As there.
pub fn conv2d_batch_norm_nhwc(
    images: &Tensor,
    layer: &NormalisedConvolution<'_>,
) -> Result<(Tensor, BatchStatistics)> {
    train(("conv2d_batch_norm_nhwc", Order::BatchNorm), images, layer)
}

/// [`conv2d_batch_norm_nhwc`] with running statistics, for evaluation.
///
/// # Errors
///
/// As [`conv2d_relu_batch_norm_evaluation_nhwc`].
pub fn conv2d_batch_norm_evaluation_nhwc(
    images: &Tensor,
    layer: &NormalisedConvolution<'_>,
    running: &RunningStatistics,
) -> Result<Tensor> {
    evaluate(("conv2d_batch_norm_evaluation_nhwc", Order::BatchNorm), images, layer, running)
}

/// An op's name, and what it does in which order.
type Called = (&'static str, Order);

fn train(
    operation: Called,
    images: &Tensor,
    layer: &NormalisedConvolution<'_>,
) -> Result<(Tensor, BatchStatistics)> {
    let NormalisedConvolution { gamma, beta, epsilon, .. } = *layer;
    if let Some(geometry) = fused_geometry(operation, images, layer)? {
        let (rows, columns) = geometry.convolved();
        if images.dims()[0] * rows * columns >= 2 {
            return apply(operation, images, layer, geometry, None);
        }
    }
    // One after another; where something does not fit, that op tells what.
    let convolved = convolved(operation, images, layer)?;
    let (normalised, statistics) = channels_last_batch_norm(&convolved, gamma, beta, epsilon)?;
    Ok((finished(operation, normalised, layer)?, statistics))
}

fn evaluate(
    operation: Called,
    images: &Tensor,
    layer: &NormalisedConvolution<'_>,
    running: &RunningStatistics,
) -> Result<Tensor> {
    let NormalisedConvolution { gamma, beta, epsilon, .. } = *layer;
    let some = images.dims().first().is_some_and(|&batch| batch > 0);
    if let Some(geometry) = fused_geometry(operation, images, layer)?
        && some
        && [&running.mean, &running.variance].iter().all(|own| own.dims() == [geometry.outputs])
    {
        let numbers = |tensor: &Tensor| tensor.to_dtype(DType::F64)?.to_vec1::<f64>();
        let frozen = [numbers(&running.mean)?, numbers(&running.variance)?];
        return Ok(apply(operation, images, layer, geometry, Some(frozen))?.0);
    }
    let convolved = convolved(operation, images, layer)?;
    let normalised =
        channels_last_batch_norm_evaluation(&convolved, gamma, beta, epsilon, running)?;
    finished(operation, normalised, layer)
}

/// The sizes, where the op can take them.
fn fused_geometry(
    (name, _): Called,
    images: &Tensor,
    layer: &NormalisedConvolution<'_>,
) -> Result<Option<Geometry>> {
    let NormalisedConvolution { weight, bias, gamma, beta, config, max_pool, .. } = *layer;
    let then = if max_pool { Then::ReluMaxPool } else { Then::Relu };
    let geometry = geometry(name, images, (weight, bias, config), then)?;
    let fits = [gamma, beta].iter().all(|tensor| tensor.dims() == [geometry.outputs]);
    Ok((fits && has_kernels(images.device())).then_some(geometry))
}

/// What batch norm gets.
fn convolved(
    (name, order): Called,
    images: &Tensor,
    layer: &NormalisedConvolution<'_>,
) -> Result<Tensor> {
    let NormalisedConvolution { weight, bias, config, .. } = *layer;
    channels_last_convolution(name, images, (weight, bias, config), order.before())
}

/// What follows batch norm.
fn finished(
    (_, order): Called,
    normalised: Tensor,
    layer: &NormalisedConvolution<'_>,
) -> Result<Tensor> {
    let result = match order {
        Order::ReluBatchNorm | Order::BatchNorm => normalised,
        Order::BatchNormRelu => reference::relu(&normalised)?,
    };
    if layer.max_pool {
        channels_last_max_pool("max_pool2d_nhwc", &result, (2, 2), (2, 2))
    } else {
        Ok(result)
    }
}

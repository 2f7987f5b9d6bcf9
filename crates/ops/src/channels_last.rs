//! The image ops for tensors of shape (n, height, width, channels), each with the suffix `_nhwc`.
//!
//! Results, gradients and errors are those of the functions without the suffix. Channels last is how the
//! kernels read and write: chains of these ops copy nothing. The others permute, so that candle's own ops between
//! them, and images that come with channels second, are copied.

use candle_core::{Result, Tensor, ToUsize2};
use candle_nn::Conv2dConfig;

use crate::batch_norm::{channels_last_batch_norm, channels_last_batch_norm_evaluation};
use crate::convolution::channels_last_convolution;
use crate::kernels::convolution::Then;
use crate::pooling::{channels_last_avg_pool, channels_last_max_pool};
use crate::statistics::{BatchStatistics, RunningStatistics};

pub use crate::normalised_convolution::{
    NormalisedConvolution, conv2d_batch_norm_evaluation_nhwc, conv2d_batch_norm_nhwc,
    conv2d_batch_norm_relu_evaluation_nhwc, conv2d_batch_norm_relu_nhwc,
    conv2d_relu_batch_norm_evaluation_nhwc, conv2d_relu_batch_norm_nhwc,
};

/// As [`crate::conv2d`]; the weight keeps PyTorch's shape (outputs, channels / groups,
/// kernel height, kernel width).
///
/// # Errors
///
/// As [`crate::conv2d`].
pub fn conv2d_nhwc(
    images: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    config: Conv2dConfig,
) -> Result<Tensor> {
    channels_last_convolution("conv2d_nhwc", images, (weight, bias, config), Then::Nothing)
}

/// As [`crate::conv2d_relu`].
///
/// # Errors
///
/// As [`crate::conv2d_relu`].
pub fn conv2d_relu_nhwc(
    images: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    config: Conv2dConfig,
) -> Result<Tensor> {
    channels_last_convolution("conv2d_relu_nhwc", images, (weight, bias, config), Then::Relu)
}

/// As [`crate::conv2d_relu_max_pool`].
///
/// # Errors
///
/// As [`crate::conv2d_relu_max_pool`].
pub fn conv2d_relu_max_pool_nhwc(
    images: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    config: Conv2dConfig,
) -> Result<Tensor> {
    channels_last_convolution(
        "conv2d_relu_max_pool_nhwc",
        images,
        (weight, bias, config),
        Then::ReluMaxPool,
    )
}

/// As [`crate::max_pool2d`].
///
/// # Errors
///
/// As [`crate::max_pool2d`].
pub fn max_pool2d_nhwc(
    images: &Tensor,
    size: impl ToUsize2,
    stride: impl ToUsize2,
) -> Result<Tensor> {
    channels_last_max_pool("max_pool2d_nhwc", images, size.to_usize2(), stride.to_usize2())
}

/// As [`crate::avg_pool2d`].
///
/// # Errors
///
/// As [`crate::avg_pool2d`].
pub fn avg_pool2d_nhwc(
    images: &Tensor,
    size: impl ToUsize2,
    stride: impl ToUsize2,
) -> Result<Tensor> {
    channels_last_avg_pool("avg_pool2d_nhwc", images, size.to_usize2(), stride.to_usize2())
}

/// As [`crate::batch_norm()`].
///
/// # Errors
///
/// As [`crate::batch_norm()`].
pub fn batch_norm_nhwc(
    input: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    epsilon: f64,
) -> Result<(Tensor, BatchStatistics)> {
    channels_last_batch_norm(input, gamma, beta, epsilon)
}

/// As [`crate::batch_norm_evaluation`].
///
/// # Errors
///
/// As [`crate::batch_norm_evaluation`].
pub fn batch_norm_evaluation_nhwc(
    input: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    epsilon: f64,
    running: &RunningStatistics,
) -> Result<Tensor> {
    channels_last_batch_norm_evaluation(input, gamma, beta, epsilon, running)
}

//! The image ops for tensors of shape (n, height, width, channels).
//!
//! Results, gradients and errors are those of the functions of the same name outside this module.
//! Channels last is how the kernels read and write: chains of these ops copy nothing, where the
//! others permute, and candle's backward pass makes every permuted gradient a copy.

use candle_core::{Result, Tensor};

use crate::batch_norm::{channels_last_batch_norm, channels_last_batch_norm_evaluation};
use crate::convolution::channels_last_convolution;
use crate::kernels::convolution::Then;
use crate::pooling::channels_last_max_pool;
use crate::statistics::{BatchStatistics, RunningStatistics};

pub use crate::normalised_convolution::{
    NormalisedConvolution, conv2d_relu_batch_norm, conv2d_relu_batch_norm_evaluation,
};

/// As [`crate::conv2d`]; the weight keeps PyTorch's shape (outputs, channels, kernel height, kernel
/// width).
///
/// # Errors
///
/// As [`crate::conv2d`].
pub fn conv2d(images: &Tensor, weight: &Tensor, bias: &Tensor, padding: usize) -> Result<Tensor> {
    channels_last_convolution(images, weight, bias, padding, Then::Nothing)
}

/// As [`crate::conv2d_relu`].
///
/// # Errors
///
/// As [`crate::conv2d_relu`].
pub fn conv2d_relu(
    images: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    padding: usize,
) -> Result<Tensor> {
    channels_last_convolution(images, weight, bias, padding, Then::Relu)
}

/// As [`crate::conv2d_relu_max_pool`].
///
/// # Errors
///
/// As [`crate::conv2d_relu_max_pool`].
pub fn conv2d_relu_max_pool(
    images: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    padding: usize,
) -> Result<Tensor> {
    channels_last_convolution(images, weight, bias, padding, Then::ReluMaxPool)
}

/// As [`crate::max_pool2d`].
///
/// # Errors
///
/// As [`crate::max_pool2d`].
pub fn max_pool2d(images: &Tensor, size: usize, stride: usize) -> Result<Tensor> {
    channels_last_max_pool(images, size, stride)
}

/// As [`crate::batch_norm()`].
///
/// # Errors
///
/// As [`crate::batch_norm()`].
pub fn batch_norm(
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
pub fn batch_norm_evaluation(
    input: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    epsilon: f64,
    running: &RunningStatistics,
) -> Result<Tensor> {
    channels_last_batch_norm_evaluation(input, gamma, beta, epsilon, running)
}

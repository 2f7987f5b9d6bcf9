//! The two-dimensional convolution.

use candle_core::{Module, Result, Tensor};
use candle_nn::VarBuilder;

pub use candle_nn::conv::*;

use crate::nn::BatchNorm;

/// [`candle_nn::Conv2d`] by [`crate::conv2d`]: (n, channels, height, width) → (n, outputs, …).
#[derive(Clone, Debug)]
pub struct Conv2d(candle_nn::Conv2d);

impl Conv2d {
    /// `weight` (outputs, channels / groups, kernel height, kernel width) and `bias` (outputs).
    pub fn new(weight: Tensor, bias: Option<Tensor>, config: Conv2dConfig) -> Self {
        Self(candle_nn::Conv2d::new(weight, bias, config))
    }

    /// Padding, stride, dilation and groups.
    pub fn config(&self) -> &Conv2dConfig {
        self.0.config()
    }

    /// (outputs, channels / groups, kernel height, kernel width).
    pub fn weight(&self) -> &Tensor {
        self.0.weight()
    }

    /// (outputs).
    pub fn bias(&self) -> Option<&Tensor> {
        self.0.bias()
    }

    /// This convolution and the batch norm that follows it as one convolution, for evaluation.
    ///
    /// # Errors
    ///
    /// Where `bn` has no weight and bias, or other channels than this has outputs.
    pub fn absorb_bn(&self, bn: &BatchNorm) -> Result<Self> {
        self.0.absorb_bn(&bn.to_candle()?).map(Self)
    }
}

impl Module for Conv2d {
    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        crate::conv2d(images, self.weight(), self.bias(), *self.config())
    }
}

/// As [`candle_nn::conv2d`]: variables `weight` and `bias`, and their initial values.
///
/// # Errors
///
/// As there, and where the channels do not fit the groups.
pub fn conv2d(
    channels: usize,
    outputs: usize,
    kernel_size: usize,
    config: Conv2dConfig,
    vb: VarBuilder,
) -> Result<Conv2d> {
    check_groups(channels, outputs, config.groups)?;
    candle_nn::conv2d(channels, outputs, kernel_size, config, vb).map(Conv2d)
}

/// [`conv2d`] without a bias.
///
/// # Errors
///
/// As [`conv2d`].
pub fn conv2d_no_bias(
    channels: usize,
    outputs: usize,
    kernel_size: usize,
    config: Conv2dConfig,
    vb: VarBuilder,
) -> Result<Conv2d> {
    check_groups(channels, outputs, config.groups)?;
    candle_nn::conv2d_no_bias(channels, outputs, kernel_size, config, vb).map(Conv2d)
}

/// candle-nn divides by the groups, and rounds down.
fn check_groups(channels: usize, outputs: usize, groups: usize) -> Result<()> {
    if groups == 0 || !channels.is_multiple_of(groups) || !outputs.is_multiple_of(groups) {
        candle_core::bail!(
            "conv2d: {groups} groups do not divide {channels} channels and {outputs} outputs"
        );
    }
    Ok(())
}

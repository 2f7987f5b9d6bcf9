//! Pooling as layers; in candle it is a method of tensors.

use candle_core::{Module, Result, Tensor, ToUsize2};

/// [`crate::max_pool2d`] as a layer.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use pairnet_ops::nn::{MaxPool2d, Module};
///
/// # fn main() -> candle_core::Result<()> {
/// let images = Tensor::zeros((8, 3, 28, 28), DType::F32, &Device::Cpu)?;
/// assert_eq!(MaxPool2d::new(2).forward(&images)?.dims(), [8, 3, 14, 14]);
/// assert_eq!(MaxPool2d::with_stride((3, 3), 2).forward(&images)?.dims(), [8, 3, 13, 13]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool2d(Windows);

/// [`crate::avg_pool2d`] as a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPool2d(Windows);

/// Height and width of windows, and how far they are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Windows {
    size: (usize, usize),
    stride: (usize, usize),
}

impl MaxPool2d {
    /// Windows of this size, side by side.
    pub fn new(size: impl ToUsize2) -> Self {
        let size = size.to_usize2();
        Self(Windows { size, stride: size })
    }

    /// Windows of this size, `stride` apart.
    pub fn with_stride(size: impl ToUsize2, stride: impl ToUsize2) -> Self {
        Self(Windows { size: size.to_usize2(), stride: stride.to_usize2() })
    }
}

impl AvgPool2d {
    /// Windows of this size, side by side.
    pub fn new(size: impl ToUsize2) -> Self {
        let size = size.to_usize2();
        Self(Windows { size, stride: size })
    }

    /// Windows of this size, `stride` apart.
    pub fn with_stride(size: impl ToUsize2, stride: impl ToUsize2) -> Self {
        Self(Windows { size: size.to_usize2(), stride: stride.to_usize2() })
    }
}

impl Module for MaxPool2d {
    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        crate::max_pool2d(images, self.0.size, self.0.stride)
    }
}

impl Module for AvgPool2d {
    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        crate::avg_pool2d(images, self.0.size, self.0.stride)
    }
}

//! Two-dimensional convolution, alone or with ReLU and max pooling.

use std::sync::OnceLock;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use candle_nn::Conv2dConfig;

use crate::convolution_sizes::{Trained, geometry};
use crate::element::{self, Element, composed, slice, values, with_float};
use crate::kernels::convolution::{
    Geometry, Pass, Then, backward, channels_first_weights, channels_last_weights, forward,
};
use crate::layout::{bias_or_zeros, channels_first, channels_last};
use crate::reference;
use crate::tape::apply3;

/// Two-dimensional convolution.
///
/// `images` (n, channels, height, width), `weight` (outputs, channels / groups, kernel height, kernel
/// width), `bias` (outputs) or none, `config.padding` zeros on each of the four sides → (n, outputs,
/// (height + 2·padding − dilation·(kernel height − 1) − 1)/stride + 1, and the width likewise), rounded
/// down. As
/// [`torch.nn.functional.conv2d`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html).
/// `config.cudnn_fwd_algo` plays a part on a GPU alone.
///
/// [`crate::channels_last::conv2d_nhwc`] is faster where one convolution follows another.
///
/// # Errors
///
/// Where the shapes do not fit each other, there are no channels or outputs, stride, dilation or
/// groups are 0, the kernel is larger than the padded image, or the dtype is neither F32 nor F64.
pub fn conv2d(
    images: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    config: Conv2dConfig,
) -> Result<Tensor> {
    convolution("conv2d", images, (weight, bias, config), Then::Nothing)
}

/// [`conv2d`] and ReLU in one pass.
///
/// # Errors
///
/// As [`conv2d`].
pub fn conv2d_relu(
    images: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    config: Conv2dConfig,
) -> Result<Tensor> {
    convolution("conv2d_relu", images, (weight, bias, config), Then::Relu)
}

/// [`conv2d`], ReLU and the maximum of each 2×2 window at stride 2, in one pass.
///
/// A row or column that fills no window is dropped. The gradient of a window goes to its first
/// maximum, and costs no arithmetic for the other three places.
///
/// # Errors
///
/// As [`conv2d`], and where the convolution's result is smaller than one window.
pub fn conv2d_relu_max_pool(
    images: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    config: Conv2dConfig,
) -> Result<Tensor> {
    convolution("conv2d_relu_max_pool", images, (weight, bias, config), Then::ReluMaxPool)
}

fn convolution(
    operation: &'static str,
    images: &Tensor,
    trained: Trained<'_>,
    then: Then,
) -> Result<Tensor> {
    let images = channels_last(operation, images)?;
    channels_first(&channels_last_convolution(operation, &images, trained, then)?)
}

pub(crate) fn channels_last_convolution(
    operation: &'static str,
    images: &Tensor,
    (weight, bias, config): Trained<'_>,
    then: Then,
) -> Result<Tensor> {
    let geometry = geometry(operation, images, (weight, bias, config), then)?;
    let bias = &bias_or_zeros(operation, bias, weight)?;
    if composed(operation, images)? {
        let images = channels_first(images)?;
        let convolved = reference::conv2d(&images, weight, Some(bias), config)?;
        let result = match then {
            Then::Nothing => convolved,
            Then::Relu => reference::relu(&convolved)?,
            Then::ReluMaxPool => reference::max_pool2d(&reference::relu(&convolved)?, 2, 2)?,
        };
        return channels_last(operation, &result);
    }
    let images = images.contiguous()?;
    let operation = Convolution { operation, geometry, then, kept: OnceLock::new() };
    apply3(&images, &weight.contiguous()?, bias, operation)
}

/// Channels-last images, PyTorch's weight and bias → channels-last result.
struct Convolution {
    /// The name that the caller knows.
    operation: &'static str,
    geometry: Geometry,
    then: Then,
    /// What the backward pass needs.
    kept: OnceLock<Kept>,
}

struct Kept {
    /// Channels-last.
    weights: CpuStorage,
    /// Where each window's maximum was.
    places: Vec<u8>,
}

impl Convolution {
    fn compute<T: Element>(
        &self,
        images: (&CpuStorage, &Layout),
        weight: (&CpuStorage, &Layout),
        bias: (&CpuStorage, &Layout),
    ) -> Result<(CpuStorage, Shape)> {
        let geometry = &self.geometry;
        let weights = channels_last_weights::<T>(slice(weight.0, weight.1)?, geometry);
        let (result, places) = forward(
            slice(images.0, images.1)?,
            (&weights, slice(bias.0, bias.1)?),
            geometry,
            self.then,
        );
        let weights = T::to_cpu_storage_owned(weights);
        self.kept.get_or_init(|| Kept { weights, places });
        let (height, width) = geometry.result(self.then);
        let shape = (images.1.dims()[0], height, width, geometry.outputs);
        Ok((T::to_cpu_storage_owned(result), shape.into()))
    }

    fn gradients<T: Element>(
        &self,
        images: &Tensor,
        (weight, bias): (&Tensor, &Tensor),
        result: &Tensor,
        result_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let Some(kept) = self.kept.get() else {
            bail!("{}: there was no forward pass", self.operation);
        };
        let geometry = &self.geometry;
        let result_gradient = result_gradient.contiguous()?;
        let image_values = images.storage_and_layout();
        let (result_values, gradient_values) =
            (result.storage_and_layout(), result_gradient.storage_and_layout());
        let pass = Pass {
            images: values(&image_values)?,
            weights: kept.weights.as_slice::<T>()?,
            result: values(&result_values)?,
            places: &kept.places,
            then: self.then,
        };
        let result_gradient = values::<T, _>(&gradient_values)?;
        let gradients = backward(&pass, &result_gradient, geometry, images.track_op());
        let image_gradient = if images.track_op() {
            Some(element::tensor(gradients.images, images.shape(), images)?)
        } else {
            None
        };
        let bias_gradient = if bias.track_op() {
            Some(element::tensor(gradients.bias, geometry.outputs, images)?)
        } else {
            None
        };
        let weight_gradient = channels_first_weights(&gradients.weights, geometry);
        Ok((
            image_gradient,
            Some(element::tensor(weight_gradient, weight.shape(), images)?),
            bias_gradient,
        ))
    }
}

impl CustomOp3 for Convolution {
    fn name(&self) -> &'static str {
        self.operation
    }

    fn cpu_fwd(
        &self,
        images: &CpuStorage,
        images_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        with_float!(self.name(), images.dtype(), T => self.compute::<T>(
            (images, images_layout),
            (weight, weight_layout),
            (bias, bias_layout),
        ))
    }

    fn bwd(
        &self,
        images: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        result: &Tensor,
        result_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        with_float!(self.name(), images.dtype(), T => {
            self.gradients::<T>(images, (weight, bias), result, result_gradient)
        })
    }
}

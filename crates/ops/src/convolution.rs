//! Two-dimensional convolution, alone or with ReLU and max pooling.

use std::sync::OnceLock;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};

use crate::element::{self, Element, composed, slice, values, with_float};
use crate::kernels::convolution::{
    Geometry, Pass, Then, backward, channels_first_weights, channels_last_weights, forward,
};
use crate::reference;
use crate::tape::apply3;

/// Convolution at stride 1 with a bias.
///
/// `images` (n, channels, height, width), `weight` (outputs, channels, kernel height, kernel
/// width), `bias` (outputs), `padding` zeros on each of the four sides → (n, outputs, height +
/// 2·padding − kernel height + 1, width + 2·padding − kernel width + 1). As
/// [`torch.nn.functional.conv2d`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html).
///
/// [`crate::channels_last::conv2d`] is faster where one convolution follows another.
///
/// # Errors
///
/// Where the shapes do not fit each other, there are no channels or outputs, the kernel is larger
/// than the padded image, or the dtype is neither F32 nor F64.
pub fn conv2d(images: &Tensor, weight: &Tensor, bias: &Tensor, padding: usize) -> Result<Tensor> {
    convolution(images, weight, bias, padding, Then::Nothing)
}

/// [`conv2d`] and ReLU in one pass.
///
/// # Errors
///
/// As [`conv2d`].
pub fn conv2d_relu(
    images: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    padding: usize,
) -> Result<Tensor> {
    convolution(images, weight, bias, padding, Then::Relu)
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
    bias: &Tensor,
    padding: usize,
) -> Result<Tensor> {
    convolution(images, weight, bias, padding, Then::ReluMaxPool)
}

fn convolution(
    images: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    padding: usize,
    then: Then,
) -> Result<Tensor> {
    let images = images.permute((0, 2, 3, 1))?;
    channels_last_convolution(&images, weight, bias, padding, then)?.permute((0, 3, 1, 2))
}

pub(crate) fn channels_last_convolution(
    images: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    padding: usize,
    then: Then,
) -> Result<Tensor> {
    let geometry = geometry(images, weight, bias, padding, then)?;
    if composed("conv2d", images)? {
        let images = images.permute((0, 3, 1, 2))?;
        let convolved = reference::conv2d(&images, weight, bias, padding)?;
        let result = match then {
            Then::Nothing => convolved,
            Then::Relu => reference::relu(&convolved)?,
            Then::ReluMaxPool => reference::max_pool2d(&reference::relu(&convolved)?, 2, 2)?,
        };
        return result.permute((0, 2, 3, 1));
    }
    let images = pad(images, padding)?.contiguous()?;
    let operation = Convolution { geometry, then, kept: OnceLock::new() };
    apply3(&images, &weight.contiguous()?, &bias.contiguous()?, operation)
}

pub(crate) fn pad(images: &Tensor, padding: usize) -> Result<Tensor> {
    if padding == 0 {
        return Ok(images.clone());
    }
    images.pad_with_zeros(1, padding, padding)?.pad_with_zeros(2, padding, padding)
}

pub(crate) fn geometry(
    images: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    padding: usize,
    then: Then,
) -> Result<Geometry> {
    let (_, height, width, channels) = images.dims4()?;
    let (outputs, weight_channels, kernel_height, kernel_width) = weight.dims4()?;
    if weight_channels != channels {
        bail!(
            "conv2d: images have {channels} channels, the weight {:?} has {weight_channels}",
            weight.shape()
        );
    }
    if bias.dims() != [outputs] {
        bail!("conv2d: bias has shape {:?}, {outputs} outputs need ({outputs},)", bias.shape());
    }
    if channels == 0 || outputs == 0 {
        bail!("conv2d: {channels} channels and {outputs} outputs, one of each is needed");
    }
    let (height, width) = (height + 2 * padding, width + 2 * padding);
    if kernel_height == 0 || kernel_width == 0 || kernel_height > height || kernel_width > width {
        bail!(
            "conv2d: a kernel of {kernel_height}×{kernel_width} does not fit a padded image of {height}×{width}"
        );
    }
    let geometry = Geometry { height, width, channels, outputs, kernel_height, kernel_width };
    let (rows, columns) = geometry.result(then);
    if rows == 0 || columns == 0 {
        bail!("conv2d: {:?} is smaller than a pooling window of 2×2", geometry.convolved());
    }
    Ok(geometry)
}

/// Channels-last images, PyTorch's weight and bias → channels-last result.
struct Convolution {
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
        weight: &Tensor,
        result: &Tensor,
        result_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let Some(kept) = self.kept.get() else {
            bail!("conv2d: there was no forward pass");
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
        let weight_gradient = channels_first_weights(&gradients.weights, geometry);
        Ok((
            image_gradient,
            Some(element::tensor(weight_gradient, weight.shape(), images)?),
            Some(element::tensor(gradients.bias, geometry.outputs, images)?),
        ))
    }
}

impl CustomOp3 for Convolution {
    fn name(&self) -> &'static str {
        "conv2d"
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
        _bias: &Tensor,
        result: &Tensor,
        result_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        with_float!(self.name(), images.dtype(), T => {
            self.gradients::<T>(images, weight, result, result_gradient)
        })
    }
}

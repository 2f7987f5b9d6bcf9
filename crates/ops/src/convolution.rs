//! Two-dimensional convolution, alone or with ReLU and max pooling.

use std::borrow::Cow;
use std::sync::OnceLock;

use candle_core::{CpuStorage, Result, Shape, Tensor};
use candle_nn::Conv2dConfig;

use crate::convolution_sizes::{Trained, geometry};
use crate::element::{Element, composed};
use crate::kernels::convolution::{
    Geometry, Saved, Then, arranged_weights, backward, forward, given_weights,
};
use crate::layout::{bias_or_zeros, channels_first, channels_last};
use crate::op::{Argument, Op, apply, kept};
use crate::reference;

/// Two-dimensional convolution.
///
/// `images` (n, channels, height, width), `weight` (outputs, channels / groups, kernel height, kernel
/// width), `bias` (outputs) or none, `config.padding` zeros on each of the four sides → (n, outputs,
/// (height + 2·padding − dilation·(kernel height − 1) − 1)/stride + 1, and the width likewise), rounded
/// down. As
/// [`torch.nn.functional.conv2d`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html).
///
/// [`crate::channels_last::conv2d_nhwc`] is faster where one convolution follows another.
///
/// 3×3 filters at stride 1 may be applied by minimal filtering (Winograd, 1980), which takes 2×2 or 4×4 results
/// together, and groups may be taken together: a pixel, or on the way back a gradient, that is infinite or NaN may
/// spoil all of these. With `Some(CudnnFwdAlgo::Direct)` as `config.cudnn_fwd_algo` all sums are direct; any other value
/// plays a part on a GPU alone.
///
/// # Errors
///
/// Where the shapes do not fit each other, images have no pixels, there are no channels or outputs, stride, dilation or
/// groups are 0, the kernel size is larger than the padded image, or the dtype is neither F32 nor F64.
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
/// maximum, and costs no arithmetic for the other three places but where filters are many.
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
    let convolution = Convolution { name: operation, geometry, then, kept: OnceLock::new() };
    apply(convolution, [&images, &weight.contiguous()?, bias])
}

/// Channels-last images, PyTorch's weight and bias → channels-last result.
struct Convolution {
    name: &'static str,
    geometry: Geometry,
    then: Then,
    /// What the backward pass needs.
    kept: OnceLock<Kept>,
}

struct Kept {
    weights: KeptWeights,
    /// Where each window's maximum was.
    places: Vec<u8>,
}

/// Weights as the kernels read them, where these are not the weights as they were given: else the gradients are those of
/// the weights as they are then, as with linear layers.
pub(crate) struct KeptWeights(Option<CpuStorage>);

impl KeptWeights {
    pub(crate) fn new<T: Element>(weights: Cow<'_, [T]>) -> Self {
        match weights {
            Cow::Borrowed(_) => Self(None),
            Cow::Owned(arranged) => Self(Some(T::to_cpu_storage_owned(arranged))),
        }
    }

    pub(crate) fn get<'a, T: Element>(&'a self, given: &'a [T]) -> Result<&'a [T]> {
        self.0.as_ref().map_or(Ok(given), CpuStorage::as_slice)
    }
}

impl Op<3> for Convolution {
    fn name(&self) -> &'static str {
        self.name
    }

    fn forward<T: Element>(
        &self,
        [images, weight, bias]: [Argument<'_, T>; 3],
    ) -> Result<(Vec<T>, Shape)> {
        let geometry = &self.geometry;
        let weights = arranged_weights(weight.values, geometry);
        let (result, places) = forward(images.values, (&weights, bias.values), geometry, self.then);
        let weights = KeptWeights::new(weights);
        self.kept.get_or_init(|| Kept { weights, places });
        let (height, width) = geometry.result(self.then);
        Ok((result, (images.dims[0], height, width, geometry.outputs).into()))
    }

    fn backward<T: Element>(
        &self,
        [images, weight, ..]: [Argument<'_, T>; 3],
        [of_images, _, of_bias]: [bool; 3],
        result: &[T],
        gradient: &[T],
    ) -> Result<[Option<Vec<T>>; 3]> {
        let kept = kept(self.name, &self.kept)?;
        let saved = Saved {
            images: images.values,
            weights: kept.weights.get(weight.values)?,
            result,
            places: &kept.places,
            then: self.then,
        };
        let gradients = backward(&saved, &gradient, &self.geometry, of_images);
        let of_weight = given_weights(gradients.weights, &self.geometry);
        Ok([
            of_images.then_some(gradients.images),
            Some(of_weight),
            of_bias.then_some(gradients.bias),
        ])
    }
}

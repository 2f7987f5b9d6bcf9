//! Whether images, weight and settings of a convolution fit each other.

use candle_core::conv::CudnnFwdAlgo;
use candle_core::{Result, Tensor, bail};
use candle_nn::Conv2dConfig;

use crate::kernels::convolution::{BAND, Geometry, Then};
use crate::layout::{CHANNELS_LAST, sizes};

/// A convolution's weight, bias and settings.
pub(crate) type Trained<'a> = (&'a Tensor, Option<&'a Tensor>, Conv2dConfig);

/// The sizes, of channels-last images.
///
/// # Errors
///
/// Where something does not fit, or is larger than can be counted.
pub(crate) fn geometry(
    operation: &str,
    images: &Tensor,
    (weight, bias, config): Trained<'_>,
    then: Then,
) -> Result<Geometry> {
    let (count, height, width, channels) = sizes(operation, images, CHANNELS_LAST)?;
    let &[outputs, weight_channels, kernel_height, kernel_width] = weight.dims() else {
        bail!(
            "{operation}: weight has shape {:?}, (outputs, channels, kernel height, kernel width) is needed",
            weight.shape()
        );
    };
    let Conv2dConfig { padding, stride, dilation, groups, .. } = config;
    if stride == 0 || dilation == 0 || groups == 0 {
        bail!(
            "{operation}: stride {stride}, dilation {dilation} and {groups} groups: 1 is the least"
        );
    }
    if channels == 0 || outputs == 0 {
        bail!("{operation}: {channels} channels and {outputs} outputs, one of each is needed");
    }
    if height == 0 || width == 0 {
        bail!("{operation}: images of {height}×{width} have no pixels");
    }
    if channels % groups != 0 || outputs % groups != 0 {
        bail!(
            "{operation}: {groups} groups do not divide both {channels} channels and {outputs} outputs"
        );
    }
    if weight_channels != channels / groups {
        let of_each = if groups == 1 { "" } else { " of each group" };
        bail!(
            "{operation}: images have {} channels{of_each}, the weight {:?} has {weight_channels}",
            channels / groups,
            weight.shape()
        );
    }
    if let Some(bias) = bias
        && bias.dims() != [outputs]
    {
        bail!(
            "{operation}: bias has shape {:?}, {outputs} outputs need ({outputs},)",
            bias.shape()
        );
    }
    let padded = |size: usize| padding.checked_mul(2).and_then(|both| both.checked_add(size));
    let (Some(padded_height), Some(padded_width)) = (padded(height), padded(width)) else {
        bail!("{operation}: a padding of {padding} makes images too large");
    };
    // Whether a filter fits that way.
    let fits = |size: usize, padded: usize| {
        let gaps = size.checked_sub(1).and_then(|steps| steps.checked_mul(dilation));
        gaps.is_some_and(|gaps| gaps < padded)
    };
    if !fits(kernel_height, padded_height) || !fits(kernel_width, padded_width) {
        let dilated =
            if dilation == 1 { String::new() } else { format!(", dilated by {dilation},") };
        bail!(
            "{operation}: a kernel size of {kernel_height}×{kernel_width}{dilated} does not fit a padded image of {padded_height}×{padded_width}"
        );
    }
    let geometry = Geometry {
        height,
        width,
        channels,
        outputs,
        kernel_height,
        kernel_width,
        padding,
        stride,
        dilation,
        groups,
        direct: config.cudnn_fwd_algo == Some(CudnnFwdAlgo::Direct),
        im2col: false,
        band: BAND,
    };
    let (rows, columns) = geometry.convolved();
    if then == Then::ReluMaxPool && (rows < 2 || columns < 2) {
        bail!("{operation}: {:?} is smaller than a pooling window of 2×2", (rows, columns));
    }
    let product =
        |sizes: &[usize]| sizes.iter().try_fold(1usize, |all, &size| all.checked_mul(size));
    // The kernels count the values of one image and of the weight in 32 bits.
    let countable = |sizes: &[usize]| product(sizes).is_some_and(|all| u32::try_from(all).is_ok());
    let bytes = product(&[count, rows, columns, outputs, size_of::<f64>()]);
    if !countable(&[padded_height, padded_width, channels])
        || !countable(&[padded_height, columns, kernel_width, channels])
        || !countable(&[rows, columns, outputs])
        || !countable(&[outputs, kernel_height, kernel_width, channels])
        || bytes.is_none_or(|bytes| isize::try_from(bytes).is_err())
    {
        bail!(
            "{operation}: images of {padded_height}×{padded_width} with padding, {channels} channels and {outputs} outputs are too large"
        );
    }
    Ok(geometry.for_batch(count))
}

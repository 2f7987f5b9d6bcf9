//! The same ops composed of candle's own: slower, on any device.
//!
//! They are what other devices than the CPU run, what the tests compare the kernels with, and what
//! a benchmark calls stock candle. Gradients come from candle's graph and are exact, pooling's
//! too.

use candle_core::{D, Error, Result, Tensor, ToUsize2, bail};
use candle_nn::Conv2dConfig;

use crate::statistics::BatchStatistics;

/// As [`crate::linear()`].
///
/// # Errors
///
/// Where the shapes do not fit.
pub fn linear(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (outputs, inputs) = weight.dims2()?;
    let mut shape = input.dims().to_vec();
    let rows = input.elem_count() / shape.pop().unwrap_or(1).max(1);
    let rows = if inputs == 0 { shape.iter().product() } else { rows };
    shape.push(outputs);
    // A GPU multiplies no matrices that lie in other ways.
    let input = input.contiguous()?.reshape((rows, inputs))?;
    let result = input.matmul(&weight.contiguous()?.t()?)?.reshape(shape)?;
    match bias {
        Some(bias) => result.broadcast_add(bias),
        None => Ok(result),
    }
}

/// As [`crate::conv2d`].
///
/// The image is padded and what no patch covers is cut off first: candle 0.11.1 finds no gradient of an
/// image that a stride leaves different rests of in height and width.
///
/// # Errors
///
/// Where the shapes do not fit, or stride, dilation or groups are 0.
pub fn conv2d(
    images: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    config: Conv2dConfig,
) -> Result<Tensor> {
    let Conv2dConfig { padding, stride, dilation, groups, cudnn_fwd_algo } = config;
    let (_, _, kernel_height, kernel_width) = weight.dims4()?;
    if stride == 0 || dilation == 0 || groups == 0 {
        bail!(
            "conv2d: stride {stride}, dilation {dilation} and groups {groups} have to be above 0"
        );
    }
    for (dimension, size) in [(2, kernel_height), (3, kernel_width)] {
        let padded = images.dim(dimension)?.saturating_add(padding.saturating_mul(2));
        let covered = dilation.saturating_mul(size.saturating_sub(1)).saturating_add(1);
        if covered > padded {
            bail!("conv2d: a filter that covers {covered} does not fit {padded} padded pixels");
        }
    }
    let mut images = images.contiguous()?;
    if stride > 1 {
        images = images.pad_with_zeros(2, padding, padding)?.pad_with_zeros(3, padding, padding)?;
        for (dimension, size) in [(2, kernel_height), (3, kernel_width)] {
            let covered = dilation * size.saturating_sub(1) + 1;
            let used = (images.dim(dimension)? - covered) / stride * stride + covered;
            images = images.narrow(dimension, 0, used)?.contiguous()?;
        }
    }
    let padding = if stride > 1 { 0 } else { padding };
    let weight = weight.contiguous()?;
    let convolved =
        images.conv2d_with_algo(&weight, padding, stride, dilation, groups, cudnn_fwd_algo)?;
    match bias {
        Some(bias) => convolved.broadcast_add(&bias.reshape((1, (), 1, 1))?),
        None => Ok(convolved),
    }
}

/// max(x, 0), whose gradient is 0 at 0 as in PyTorch, and which keeps NaN.
///
/// candle 0.11.1's own `relu` lets the gradient through at 0.
///
/// # Errors
///
/// Where the device has no memory left.
pub fn relu(values: &Tensor) -> Result<Tensor> {
    values.le(0.0)?.where_cond(&values.zeros_like()?, values)
}

/// As [`crate::max_pool2d`].
///
/// The maximum is taken place by place over shifted copies of the image, so that the graph sends
/// each gradient to the first maximum.
///
/// # Errors
///
/// Where the window does not fit the image, or a window or stride is 0.
pub fn max_pool2d(images: &Tensor, size: impl ToUsize2, stride: impl ToUsize2) -> Result<Tensor> {
    let larger = |largest: Tensor, values: Tensor| {
        let larger = (values.gt(&largest)? + values.ne(&values)?)?;
        larger.where_cond(&values, &largest)
    };
    place_by_place("max_pool2d", images, (size.to_usize2(), stride.to_usize2()), larger)
}

/// As [`crate::avg_pool2d`].
///
/// # Errors
///
/// Where the window does not fit the image, or a window or stride is 0.
pub fn avg_pool2d(images: &Tensor, size: impl ToUsize2, stride: impl ToUsize2) -> Result<Tensor> {
    let size = size.to_usize2();
    let windows = (size, stride.to_usize2());
    let sum = place_by_place("avg_pool2d", images, windows, |sum, values| sum + values)?;
    sum / (size.0 * size.1) as f64
}

/// What `add` makes of the values at the first place of all windows, then of those at the next, row by
/// row.
fn place_by_place(
    operation: &str,
    images: &Tensor,
    (size, stride): ((usize, usize), (usize, usize)),
    add: impl Fn(Tensor, Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let (_, _, height, width) = images.dims4()?;
    if size.0 > height || size.1 > width {
        bail!("{operation}: windows of {size:?} do not fit images of {:?}", (height, width));
    }
    if stride.0 == 0 || stride.1 == 0 {
        bail!("{operation}: a stride of {stride:?}");
    }
    let mut result: Option<Tensor> = None;
    for y in 0..size.0 {
        let rows = at_each_window(images, 2, y, (size.0, stride.0))?;
        for x in 0..size.1 {
            let values = at_each_window(&rows, 3, x, (size.1, stride.1))?;
            result = Some(match result {
                None => values,
                Some(result) => add(result, values)?,
            });
        }
    }
    result.ok_or_else(|| Error::Msg(format!("{operation}: a window of no size")))
}

/// What lies at one place of each window along a dimension: every `stride`-th value. By views, since
/// indices would have to come from the host.
fn at_each_window(
    images: &Tensor,
    dimension: usize,
    place: usize,
    (size, stride): (usize, usize),
) -> Result<Tensor> {
    let length = images.dim(dimension)?;
    let count = (length - size) / stride + 1;
    if count == 1 {
        return images.narrow(dimension, place, 1)?.contiguous();
    }
    // In rows as long as a stride, a place of all windows is a column, which begins in the row of the first.
    let (first, column) = (place / stride * stride, place % stride);
    let missing = (first + count * stride).saturating_sub(length);
    let images = images.pad_with_zeros(dimension, 0, missing)?;
    let rows = images.narrow(dimension, first, count * stride)?;
    let mut shape = rows.dims().to_vec();
    shape.splice(dimension..=dimension, [count, stride]);
    rows.reshape(shape)?.narrow(dimension + 1, column, 1)?.squeeze(dimension + 1)?.contiguous()
}

/// As [`crate::batch_norm()`].
///
/// # Errors
///
/// Where the shapes do not fit.
pub fn batch_norm(
    input: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    epsilon: f64,
) -> Result<(Tensor, BatchStatistics)> {
    let rows = match input.rank() {
        2 => input.clone(),
        _ => input.transpose(0, 1)?.flatten_from(1)?.t()?,
    };
    let mean = rows.mean(0)?;
    let variance = rows.broadcast_sub(&mean)?.sqr()?.mean(0)?;
    let result = normalise(input, gamma, beta, epsilon, &mean, &variance)?;
    let statistics =
        BatchStatistics { mean: mean.detach(), variance: variance.detach(), count: rows.dims()[0] };
    Ok((result, statistics))
}

/// γ · (x − mean)/√(variance + ε) + β, with the given statistics of each channel.
///
/// # Errors
///
/// Where the shapes do not fit.
pub fn normalise(
    input: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    epsilon: f64,
    mean: &Tensor,
    variance: &Tensor,
) -> Result<Tensor> {
    let mut channels_second = vec![1; input.rank()];
    channels_second[1] = input.dim(1)?;
    let over_channels = |tensor: &Tensor| tensor.reshape(&channels_second[..]);
    let slope = (gamma / variance.affine(1.0, epsilon)?.sqrt()?)?;
    input
        .broadcast_sub(&over_channels(mean)?)?
        .broadcast_mul(&over_channels(&slope)?)?
        .broadcast_add(&over_channels(beta)?)
}

/// As [`crate::softmax`].
///
/// # Errors
///
/// Where `logits` has no dimensions.
pub fn softmax(logits: &Tensor) -> Result<Tensor> {
    candle_nn::ops::softmax(logits, D::Minus1)
}

/// As [`crate::log_softmax`].
///
/// # Errors
///
/// Where `logits` has no dimensions.
pub fn log_softmax(logits: &Tensor) -> Result<Tensor> {
    candle_nn::ops::log_softmax(logits, D::Minus1)
}

/// As [`crate::nll`]; a class that is out of range is an error on the CPU alone.
///
/// # Errors
///
/// Where the shapes do not fit.
pub fn nll(log_probabilities: &Tensor, classes: &Tensor) -> Result<Tensor> {
    log_probabilities.gather(&classes.contiguous()?.unsqueeze(1)?, 1)?.mean_all()?.neg()
}

/// As [`crate::cross_entropy`]; a class that is out of range is an error on the CPU alone.
///
/// # Errors
///
/// Where the shapes do not fit.
pub fn cross_entropy(logits: &Tensor, classes: &Tensor) -> Result<Tensor> {
    nll(&log_softmax(logits)?, classes)
}

/// As [`crate::binary_cross_entropy_with_logits`].
///
/// # Errors
///
/// Where the shapes differ.
pub fn binary_cross_entropy_with_logits(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    let softplus = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
    ((logits.relu()? - (logits * targets)?)? + softplus)?.mean_all()
}

/// As [`crate::mean_squared_error`].
///
/// # Errors
///
/// Where the shapes differ.
pub fn mean_squared_error(predictions: &Tensor, targets: &Tensor) -> Result<Tensor> {
    (predictions - targets)?.sqr()?.mean_all()
}

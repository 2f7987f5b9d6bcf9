//! The same ops composed of candle's own: slower, on any device.
//!
//! They are what other devices than the CPU run, what the tests compare the kernels with, and what
//! a benchmark calls stock candle. Gradients come from candle's graph and are exact, pooling's
//! too.

use candle_core::{D, Result, Tensor};

use crate::statistics::BatchStatistics;

/// As [`crate::linear()`].
///
/// # Errors
///
/// Where the shapes do not fit.
pub fn linear(input: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    // A GPU multiplies no matrices that lie in other ways.
    input.contiguous()?.matmul(&weight.contiguous()?.t()?)?.broadcast_add(bias)
}

/// As [`crate::conv2d`].
///
/// # Errors
///
/// Where the shapes do not fit.
pub fn conv2d(images: &Tensor, weight: &Tensor, bias: &Tensor, padding: usize) -> Result<Tensor> {
    images.contiguous()?.conv2d(weight, padding, 1, 1, 1)?.broadcast_add(&bias.reshape((
        1,
        (),
        1,
        1,
    ))?)
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
/// Where the window does not fit the image.
pub fn max_pool2d(images: &Tensor, size: usize, stride: usize) -> Result<Tensor> {
    let (_, _, height, width) = images.dims4()?;
    let every = |first: usize, length: usize| -> Result<Tensor> {
        let places = (length - size) / stride + 1;
        let places: Vec<u32> = (0..places).map(|place| (first + place * stride) as u32).collect();
        Tensor::new(places, images.device())
    };
    let mut largest: Option<Tensor> = None;
    for y in 0..size {
        let rows = images.contiguous()?.index_select(&every(y, height)?, 2)?;
        for x in 0..size {
            let values = rows.index_select(&every(x, width)?, 3)?;
            largest = Some(match largest {
                None => values,
                Some(largest) => {
                    let larger = (values.gt(&largest)? + values.ne(&values)?)?;
                    larger.where_cond(&values, &largest)?
                }
            });
        }
    }
    largest.ok_or_else(|| candle_core::Error::Msg("max_pool2d: a window of no size".into()))
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

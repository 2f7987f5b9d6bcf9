//! Batch normalisation, with the statistics of the batch or with running ones.

use candle_core::{Result, Shape, Tensor, bail};

use crate::element::{self, Element, composed, values, with_float};
use crate::kernels::batch_norm::{Normaliser, backward, forward};
use crate::kernels::moments::moments;
use crate::op::{Argument, Op, apply};
use crate::reference;
use crate::statistics::{BatchStatistics, RunningStatistics};

/// Batch normalisation with the batch's own statistics: γ · (x − mean)/√(variance + ε) + β.
///
/// `input` (n, channels), (n, channels, length), (n, channels, height, width) or of more dimensions,
/// `gamma` and `beta` (channels) → the same shape as `input`, and the batch's statistics. As
/// [`torch.nn.functional.batch_norm`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.batch_norm.html)
/// with `training=True`; the gradient passes through the statistics.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use pairnet_ops::batch_norm;
///
/// # fn main() -> candle_core::Result<()> {
/// let device = Device::Cpu;
/// let input = Tensor::new(&[[1f64], [3.0]], &device)?;
/// let (gamma, beta) = (Tensor::new(&[2f64], &device)?, Tensor::new(&[5f64], &device)?);
/// let (result, statistics) = batch_norm(&input, &gamma, &beta, 0.0)?;
/// assert_eq!(result.to_vec2::<f64>()?, [[3.0], [7.0]]);
/// assert_eq!(statistics.mean.to_vec1::<f64>()?, [2.0]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Where the shapes do not fit, a channel has fewer than two values, `epsilon` is negative or not
/// finite, or the dtype is neither F32 nor F64.
pub fn batch_norm(
    input: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    epsilon: f64,
) -> Result<(Tensor, BatchStatistics)> {
    let (result, statistics) =
        channels_last_batch_norm(&channels_last(input)?, gamma, beta, epsilon)?;
    Ok((channels_first(result)?, statistics))
}

pub(crate) fn channels_last_batch_norm(
    rows: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    epsilon: f64,
) -> Result<(Tensor, BatchStatistics)> {
    check(rows, gamma, beta, epsilon)?;
    let channels = gamma.elem_count();
    let count = rows.elem_count() / channels.max(1);
    if count < 2 {
        bail!("batch_norm: {count} value a channel has no variance, two or more are needed");
    }
    if composed("batch_norm", rows)? {
        let input = channels_first(rows.clone())?;
        let (result, statistics) = reference::batch_norm(&input, gamma, beta, epsilon)?;
        return Ok((channels_last(&result)?, statistics));
    }
    let rows = rows.contiguous()?;
    let (statistics, normaliser) =
        with_float!("batch_norm", rows.dtype(), T => describe::<T>(&rows, channels, epsilon))?;
    let batch_norm = BatchNorm { normaliser, frozen: false };
    let result = apply(batch_norm, [&rows, &gamma.contiguous()?, &beta.contiguous()?])?;
    Ok((result, statistics))
}

/// Batch normalisation with running statistics, for evaluation.
///
/// Shapes as [`batch_norm`]; no gradient passes through the statistics.
///
/// # Errors
///
/// Where the shapes do not fit, `epsilon` is negative or not finite, or the dtype is neither F32 nor
/// F64, or not that of the statistics.
pub fn batch_norm_evaluation(
    input: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    epsilon: f64,
    running: &RunningStatistics,
) -> Result<Tensor> {
    let result =
        channels_last_batch_norm_evaluation(&channels_last(input)?, gamma, beta, epsilon, running)?;
    channels_first(result)
}

pub(crate) fn channels_last_batch_norm_evaluation(
    rows: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    epsilon: f64,
    running: &RunningStatistics,
) -> Result<Tensor> {
    check(rows, gamma, beta, epsilon)?;
    for (name, tensor) in [("mean", &running.mean), ("variance", &running.variance)] {
        if tensor.dims() != gamma.dims() || tensor.dtype() != rows.dtype() {
            bail!(
                "batch_norm: the running {name} has shape {:?} and dtype {:?}, {:?} and {:?} are needed",
                tensor.shape(),
                tensor.dtype(),
                gamma.shape(),
                rows.dtype()
            );
        }
    }
    if composed("batch_norm", rows)? {
        let slope = (gamma / running.variance.affine(1.0, epsilon)?.sqrt()?)?;
        return rows.broadcast_sub(&running.mean)?.broadcast_mul(&slope)?.broadcast_add(beta);
    }
    let normaliser = with_float!("batch_norm", rows.dtype(), T => {
        let (mean, variance) = (running.mean.to_vec1::<T>()?, running.variance.to_vec1::<T>()?);
        Ok(Normaliser::new(&mean, &variance, epsilon).to_f64())
    })?;
    let batch_norm = BatchNorm { normaliser, frozen: true };
    apply(batch_norm, [&rows.contiguous()?, &gamma.contiguous()?, &beta.contiguous()?])
}

/// `input` has its channels last.
fn check(input: &Tensor, gamma: &Tensor, beta: &Tensor, epsilon: f64) -> Result<()> {
    let channels = match input.dims() {
        [_, .., channels] => *channels,
        _ => bail!(
            "batch_norm: input has shape {:?}, (n, channels) or more dimensions are needed",
            input.shape()
        ),
    };
    for (name, tensor) in [("gamma", gamma), ("beta", beta)] {
        if tensor.dims() != [channels] {
            bail!(
                "batch_norm: {name} has shape {:?}, {channels} channels need ({channels},)",
                tensor.shape()
            );
        }
    }
    if !(epsilon.is_finite() && epsilon >= 0.0) {
        bail!("batch_norm: epsilon {epsilon} is not a finite number of 0 or more");
    }
    Ok(())
}

/// With the channels, which are second, behind all others.
fn channels_last(input: &Tensor) -> Result<Tensor> {
    match input.rank() {
        0..=2 => input.contiguous(),
        rank => {
            let dims: Vec<usize> = std::iter::once(0).chain(2..rank).chain([1]).collect();
            input.permute(dims)?.contiguous()
        }
    }
}

/// The inverse of [`channels_last`].
fn channels_first(result: Tensor) -> Result<Tensor> {
    match result.rank() {
        0..=2 => Ok(result),
        rank => {
            let dims: Vec<usize> = [0, rank - 1].into_iter().chain(1..rank - 1).collect();
            result.permute(dims)
        }
    }
}

/// The batch's statistics, and what normalises it in f64 so that one type serves both dtypes.
fn describe<T: Element>(
    rows: &Tensor,
    channels: usize,
    epsilon: f64,
) -> Result<(BatchStatistics, Normaliser<f64>)> {
    let guard = rows.storage_and_layout();
    let all: &[T] = values(&guard)?;
    let (mean, variance) = moments(all, channels);
    let normaliser = Normaliser::new(&mean, &variance, epsilon).to_f64();
    let statistics = BatchStatistics {
        mean: element::tensor(mean, channels, rows)?,
        variance: element::tensor(variance, channels, rows)?,
        count: all.len() / channels,
    };
    Ok((statistics, normaliser))
}

/// Channels-last input, γ, β → channels-last result.
struct BatchNorm {
    normaliser: Normaliser<f64>,
    /// Whether the statistics are given, and no gradient passes through them.
    frozen: bool,
}

impl Op<3> for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn forward<T: Element>(
        &self,
        [input, gamma, beta]: [Argument<'_, T>; 3],
    ) -> Result<(Vec<T>, Shape)> {
        let result =
            forward(input.values, (gamma.values, beta.values), &self.normaliser.to(), false);
        Ok((result, input.dims.into()))
    }

    fn backward<T: Element>(
        &self,
        [input, gamma, _]: [Argument<'_, T>; 3],
        _wanted: [bool; 3],
        _result: &[T],
        gradient: &[T],
    ) -> Result<[Option<Vec<T>>; 3]> {
        let channels = gamma.values.len();
        if input.values.is_empty() {
            return Ok([Vec::new(), vec![T::ZERO; channels], vec![T::ZERO; channels]].map(Some));
        }
        let normalised = (gamma.values, &self.normaliser.to(), self.frozen);
        let (of_input, of_gamma, of_beta) = backward(input.values, normalised, gradient);
        Ok([of_input, of_gamma, of_beta].map(Some))
    }
}

//! Batch normalisation, with the statistics of the batch or with running ones.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp3, DType, Layout, Result, Shape, Tensor, WithDType, bail};

use crate::element::{self, Element, composed, slice, values, with_float};
use crate::kernels::batch_norm::{Normaliser, backward, forward};
use crate::kernels::moments::moments;
use crate::reference;
use crate::tape::apply3;

/// Mean and biased variance of each channel over one batch, each of shape (channels,).
#[derive(Clone, Debug)]
pub struct BatchStatistics {
    /// Mean of each channel.
    pub mean: Tensor,
    /// Biased variance of each channel: the sum of squared deviations over the count.
    pub variance: Tensor,
    /// How many values each channel had.
    pub count: usize,
}

/// Means and variances gathered over the batches seen in training, for evaluation.
#[derive(Clone, Debug)]
pub struct RunningStatistics {
    /// Mean of each channel, (channels,).
    pub mean: Tensor,
    /// Unbiased variance of each channel, (channels,).
    pub variance: Tensor,
}

impl RunningStatistics {
    /// Mean 0 and variance 1, as PyTorch starts.
    ///
    /// # Errors
    ///
    /// Where the device has no memory left.
    pub fn new(channels: usize, dtype: DType, device: &candle_core::Device) -> Result<Self> {
        Ok(Self {
            mean: Tensor::zeros(channels, dtype, device)?,
            variance: Tensor::ones(channels, dtype, device)?,
        })
    }

    /// (1 − momentum) · running + momentum · batch, the variance unbiased first, as
    /// [`torch.nn.BatchNorm1d`](https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html).
    ///
    /// # Errors
    ///
    /// Where the channels differ.
    pub fn update(&mut self, batch: &BatchStatistics, momentum: f64) -> Result<()> {
        let count = batch.count as f64;
        self.mean = mixed(&self.mean, &batch.mean, (1.0 - momentum, momentum))?;
        let unbiased = momentum * count / (count - 1.0);
        self.variance = mixed(&self.variance, &batch.variance, (1.0 - momentum, unbiased))?;
        Ok(())
    }
}

/// Both, each times its share.
fn mixed(one: &Tensor, other: &Tensor, shares: (f64, f64)) -> Result<Tensor> {
    let alike = one.shape() == other.shape() && one.dtype() == other.dtype();
    if !one.device().is_cpu() || !alike {
        return Ok((one.affine(shares.0, 0.0)? + other.affine(shares.1, 0.0)?)?.detach());
    }
    // In one pass: a step of a training does this for each layer, and a tensor costs more than its
    // arithmetic here.
    with_float!("batch_norm", one.dtype(), T => {
        let (first, second) = (one.storage_and_layout(), other.storage_and_layout());
        let pairs = values::<T, _>(&first)?.iter().zip(values::<T, _>(&second)?);
        let shares = (T::from_f64(shares.0), T::from_f64(shares.1));
        let mixed = pairs.map(|(&one, &other)| one * shares.0 + other * shares.1).collect();
        element::tensor::<T>(mixed, one.shape(), one)
    })
}

/// Batch normalisation with the batch's own statistics: γ · (x − mean)/√(variance + ε) + β.
///
/// `input` (n, channels) or (n, channels, height, width), `gamma` and `beta` (channels) → the
/// same shape as `input`, and the batch's statistics. As
/// [`torch.nn.functional.batch_norm`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.batch_norm.html)
/// with `training=True`; the gradient passes through the statistics.
///
/// # Errors
///
/// Where the shapes do not fit, a channel has fewer than two values, or the dtype is neither F32
/// nor F64.
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
    check(rows, gamma, beta)?;
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
    let operation = BatchNorm { normaliser, frozen: false };
    let result = apply3(&rows, &gamma.contiguous()?, &beta.contiguous()?, operation)?;
    Ok((result, statistics))
}

/// Batch normalisation with running statistics, for evaluation.
///
/// Shapes as [`batch_norm`]; no gradient passes through the statistics.
///
/// # Errors
///
/// Where the shapes do not fit, or the dtype is neither F32 nor F64.
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
    check(rows, gamma, beta)?;
    for (name, tensor) in [("mean", &running.mean), ("variance", &running.variance)] {
        if tensor.dims() != gamma.dims() {
            bail!(
                "batch_norm: the running {name} has shape {:?}, that of gamma is {:?}",
                tensor.shape(),
                gamma.shape()
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
    let operation = BatchNorm { normaliser, frozen: true };
    apply3(&rows.contiguous()?, &gamma.contiguous()?, &beta.contiguous()?, operation)
}

/// `input` has its channels last.
fn check(input: &Tensor, gamma: &Tensor, beta: &Tensor) -> Result<()> {
    let channels = match input.dims() {
        [_, channels] | [_, _, _, channels] => *channels,
        _ => bail!(
            "batch_norm: input has shape {:?}, (n, channels) or (n, channels, height, width) is needed",
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
    Ok(())
}

fn channels_last(input: &Tensor) -> Result<Tensor> {
    match input.rank() {
        4 => input.permute((0, 2, 3, 1))?.contiguous(),
        _ => input.contiguous(),
    }
}

fn channels_first(result: Tensor) -> Result<Tensor> {
    match result.rank() {
        4 => result.permute((0, 3, 1, 2)),
        _ => Ok(result),
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

impl BatchNorm {
    fn compute<T: Element>(
        &self,
        (input, input_layout): (&CpuStorage, &Layout),
        gamma: &[T],
        beta: &[T],
    ) -> Result<(CpuStorage, Shape)> {
        let input: &[T] = slice(input, input_layout)?;
        let result = forward(input, gamma, beta, &self.normaliser.to());
        Ok((T::to_cpu_storage_owned(result), input_layout.shape().clone()))
    }

    fn gradients<T: Element>(
        &self,
        input: &Tensor,
        gamma: &Tensor,
        result_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let channels = gamma.elem_count();
        let result_gradient = result_gradient.contiguous()?;
        let (input_values, gamma_values) = (input.storage_and_layout(), gamma.storage_and_layout());
        let gradient_values = result_gradient.storage_and_layout();
        let (all, gamma_slice): (&[T], &[T]) = (values(&input_values)?, values(&gamma_values)?);
        let gradient: &[T] = values(&gradient_values)?;
        let (input_gradient, gamma_gradient, beta_gradient) = if all.is_empty() {
            (Vec::new(), vec![T::ZERO; channels], vec![T::ZERO; channels])
        } else {
            backward(all, (gamma_slice, &self.normaliser.to(), self.frozen), gradient)
        };
        Ok((
            Some(element::tensor(input_gradient, input.shape(), input)?),
            Some(element::tensor(gamma_gradient, channels, input)?),
            Some(element::tensor(beta_gradient, channels, input)?),
        ))
    }
}

impl CustomOp3 for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        gamma: &CpuStorage,
        gamma_layout: &Layout,
        beta: &CpuStorage,
        beta_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        with_float!(self.name(), input.dtype(), T => self.compute::<T>(
            (input, input_layout),
            slice(gamma, gamma_layout)?,
            slice(beta, beta_layout)?,
        ))
    }

    fn bwd(
        &self,
        input: &Tensor,
        gamma: &Tensor,
        _beta: &Tensor,
        _result: &Tensor,
        result_gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        with_float!(self.name(), input.dtype(), T => {
            self.gradients::<T>(input, gamma, result_gradient)
        })
    }
}

//! What batch normalisation knows of each channel, of one batch or gathered over many.

use candle_core::{DType, Device, Result, Tensor, WithDType, bail};

use crate::element::{self, has_kernels, values, with_float};

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
    pub fn new(channels: usize, dtype: DType, device: &Device) -> Result<Self> {
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
    /// Where the channels or dtypes differ, a channel of the batch has fewer than two values, or
    /// `momentum` is not in \[0, 1\]. What is refused changes nothing.
    pub fn update(&mut self, batch: &BatchStatistics, momentum: f64) -> Result<()> {
        if !(0.0..=1.0).contains(&momentum) {
            bail!("batch_norm: momentum {momentum} is not in [0, 1]");
        }
        if batch.count < 2 {
            bail!(
                "batch_norm: {} value a channel has no unbiased variance, two or more are needed",
                batch.count
            );
        }
        let count = batch.count as f64;
        let unbiased = momentum * count / (count - 1.0);
        let mean = mixed(&self.mean, &batch.mean, (1.0 - momentum, momentum))?;
        self.variance = mixed(&self.variance, &batch.variance, (1.0 - momentum, unbiased))?;
        self.mean = mean;
        Ok(())
    }
}

/// Running and batch statistics, each times its share.
fn mixed(running: &Tensor, batch: &Tensor, shares: (f64, f64)) -> Result<Tensor> {
    if running.shape() != batch.shape() || running.dtype() != batch.dtype() {
        bail!(
            "batch_norm: running statistics of shape {:?} and dtype {:?}, the batch's of {:?} and {:?}",
            running.shape(),
            running.dtype(),
            batch.shape(),
            batch.dtype()
        );
    }
    if !has_kernels(running.device()) {
        return Ok((running.affine(shares.0, 0.0)? + batch.affine(shares.1, 0.0)?)?.detach());
    }
    // In one pass: a step of a training does this for each layer, and a tensor costs more than its
    // arithmetic here.
    with_float!("batch_norm", running.dtype(), T => {
        let (running_values, batch_values) = (running.contiguous()?, batch.contiguous()?);
        let (first, second) =
            (running_values.storage_and_layout(), batch_values.storage_and_layout());
        let pairs = values::<T, _>(&first)?.iter().zip(values::<T, _>(&second)?);
        let shares = (T::from_f64(shares.0), T::from_f64(shares.1));
        let mixed = pairs.map(|(&one, &other)| one * shares.0 + other * shares.1).collect();
        element::tensor::<T>(mixed, running.shape(), running)
    })
}

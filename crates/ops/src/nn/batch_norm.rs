//! Batch normalisation with its running statistics.

use candle_core::{ModuleT, Result, Tensor, Var, bail};
use candle_nn::{Init, VarBuilder};

pub use candle_nn::batch_norm::BatchNormConfig;

use crate::{RunningStatistics, batch_norm_evaluation};

/// [`candle_nn::BatchNorm`] by [`crate::batch_norm()`], for (n, channels, …).
///
/// The running statistics are variables named `running_mean` and `running_var`, as candle-nn's and
/// PyTorch's: a `VarMap` saves and loads them with the weights. In training each batch moves them.
#[derive(Clone, Debug)]
pub struct BatchNorm {
    running_mean: Var,
    running_var: Var,
    weight: Tensor,
    bias: Tensor,
    /// Whether weight and bias are trained; else they are 1 and 0.
    affine: bool,
    eps: f64,
    momentum: f64,
}

impl BatchNorm {
    /// A layer of these tensors, each (channels); momentum 0.1.
    ///
    /// # Errors
    ///
    /// Where a shape is not (`channels`), or `eps` is negative or NaN.
    pub fn new(
        channels: usize,
        running_mean: Tensor,
        running_var: Tensor,
        weight: Tensor,
        bias: Tensor,
        eps: f64,
    ) -> Result<Self> {
        Self::new_with_momentum(channels, running_mean, running_var, weight, bias, eps, 0.1)
    }

    /// [`BatchNorm::new`] with the share of a batch in the running statistics.
    ///
    /// # Errors
    ///
    /// As [`BatchNorm::new`], and where `momentum` is not in [0, 1].
    pub fn new_with_momentum(
        channels: usize,
        running_mean: Tensor,
        running_var: Tensor,
        weight: Tensor,
        bias: Tensor,
        eps: f64,
        momentum: f64,
    ) -> Result<Self> {
        let running_mean = Var::from_tensor(&running_mean)?;
        let running_var = Var::from_tensor(&running_var)?;
        let affine = true;
        Self { running_mean, running_var, weight, bias, affine, eps, momentum }.checked(channels)
    }

    /// [`BatchNorm::new`] where nothing is trained: weight 1, bias 0.
    ///
    /// # Errors
    ///
    /// As [`BatchNorm::new`].
    pub fn new_no_bias(
        channels: usize,
        running_mean: Tensor,
        running_var: Tensor,
        eps: f64,
    ) -> Result<Self> {
        Self::new_no_bias_with_momentum(channels, running_mean, running_var, eps, 0.1)
    }

    /// [`BatchNorm::new_with_momentum`] where nothing is trained: weight 1, bias 0.
    ///
    /// # Errors
    ///
    /// As [`BatchNorm::new_with_momentum`].
    pub fn new_no_bias_with_momentum(
        channels: usize,
        running_mean: Tensor,
        running_var: Tensor,
        eps: f64,
        momentum: f64,
    ) -> Result<Self> {
        let (weight, bias) = (running_var.ones_like()?, running_mean.zeros_like()?);
        let layer = Self::new_with_momentum(
            channels,
            running_mean,
            running_var,
            weight,
            bias,
            eps,
            momentum,
        )?;
        Ok(Self { affine: false, ..layer })
    }

    fn checked(self, channels: usize) -> Result<Self> {
        if self.eps.is_nan() || self.eps < 0.0 {
            bail!("BatchNorm: eps {} is not 0 or more", self.eps);
        }
        if !(0.0..=1.0).contains(&self.momentum) {
            bail!("BatchNorm: momentum {} is not in [0, 1]", self.momentum);
        }
        let parts = [
            ("running_mean", self.running_mean.as_tensor()),
            ("running_var", &self.running_var),
            ("weight", &self.weight),
            ("bias", &self.bias),
        ];
        for (name, tensor) in parts {
            if tensor.dims() != [channels] {
                bail!(
                    "BatchNorm: {name} has shape {:?}, {channels} channels need [{channels}]",
                    tensor.shape()
                );
            }
        }
        Ok(self)
    }

    /// Mean of each channel over the batches seen in training.
    pub fn running_mean(&self) -> &Tensor {
        &self.running_mean
    }

    /// Unbiased variance of each channel over the batches seen in training.
    pub fn running_var(&self) -> &Tensor {
        &self.running_var
    }

    /// Added to the variance.
    pub fn eps(&self) -> f64 {
        self.eps
    }

    /// The share of a batch in the running statistics.
    pub fn momentum(&self) -> f64 {
        self.momentum
    }

    /// Scale and shift, where they are trained.
    pub fn weight_and_bias(&self) -> Option<(&Tensor, &Tensor)> {
        self.affine.then_some((&self.weight, &self.bias))
    }

    /// With the statistics of this batch, which move the running ones.
    ///
    /// # Errors
    ///
    /// As [`crate::batch_norm()`].
    pub fn forward_train(&self, input: &Tensor) -> Result<Tensor> {
        let (result, batch) = crate::batch_norm(input, &self.weight, &self.bias, self.eps)?;
        let mut running = self.running();
        running.update(&batch, self.momentum)?;
        self.running_mean.set(&running.mean)?;
        self.running_var.set(&running.variance)?;
        Ok(result)
    }

    fn running(&self) -> RunningStatistics {
        RunningStatistics {
            mean: self.running_mean.as_detached_tensor(),
            variance: self.running_var.as_detached_tensor(),
        }
    }

    /// The same layer in candle-nn.
    pub(crate) fn to_candle(&self) -> Result<candle_nn::BatchNorm> {
        let Self { running_mean, running_var, weight, bias, affine, eps, momentum } = self;
        let channels = running_mean.elem_count();
        let (mean, var) = (running_mean.as_tensor().clone(), running_var.as_tensor().clone());
        if *affine {
            let (weight, bias) = (weight.clone(), bias.clone());
            candle_nn::BatchNorm::new_with_momentum(
                channels, mean, var, weight, bias, *eps, *momentum,
            )
        } else {
            candle_nn::BatchNorm::new_no_bias_with_momentum(channels, mean, var, *eps, *momentum)
        }
    }
}

impl ModuleT for BatchNorm {
    fn forward_t(&self, input: &Tensor, train: bool) -> Result<Tensor> {
        if train {
            return self.forward_train(input);
        }
        batch_norm_evaluation(input, &self.weight, &self.bias, self.eps, &self.running())
    }
}

/// As [`candle_nn::batch_norm()`]: variables `running_mean`, `running_var` and, unless `config` says
/// otherwise, `weight` and `bias`.
///
/// # Errors
///
/// As there, and where `config` does not remove the mean.
pub fn batch_norm<C: Into<BatchNormConfig>>(
    channels: usize,
    config: C,
    vb: VarBuilder,
) -> Result<BatchNorm> {
    let BatchNormConfig { eps, remove_mean, affine, momentum } = config.into();
    if !remove_mean {
        bail!("BatchNorm: remove_mean = false is not supported, candle_nn::batch_norm has it");
    }
    let get = |name, value| vb.get_with_hints(channels, name, Init::Const(value));
    let (mean, var) = (get("running_mean", 0.0)?, get("running_var", 1.0)?);
    if affine {
        let (weight, bias) = (get("weight", 1.0)?, get("bias", 0.0)?);
        BatchNorm::new_with_momentum(channels, mean, var, weight, bias, eps, momentum)
    } else {
        BatchNorm::new_no_bias_with_momentum(channels, mean, var, eps, momentum)
    }
}

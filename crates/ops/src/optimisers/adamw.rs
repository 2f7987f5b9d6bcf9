//! AdamW.

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var};
use candle_nn::{Optimizer, ParamsAdamW};

use super::moments::{Moments, Rule};
use super::state::{OptimiserState, StatefulOptimizer};
use super::variables::numbered;
use crate::backward::backward;

/// Adam with decoupled weight decay (Loshchilov and Hutter, 2019), in the place of
/// [`candle_nn::AdamW`], as
/// [`torch.optim.AdamW`](https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html) without
/// `amsgrad`.
///
/// A step first takes θ ← θ − learning rate · weight decay · θ, then that of [`crate::Adam`] without
/// weight decay, which also tells what counts as zero.
///
/// ```
/// use candle_core::{Device, Var};
/// use candle_nn::{Optimizer, ParamsAdamW};
/// use pairnet_ops::AdamW;
///
/// # fn main() -> candle_core::Result<()> {
/// let weight = Var::new(&[1f64], &Device::Cpu)?;
/// let params = ParamsAdamW { lr: 0.1, weight_decay: 0.5, ..Default::default() };
/// let mut adamw = AdamW::new(vec![weight.clone()], params)?;
/// adamw.backward_step(&weight.sqr()?.sum_all()?)?;
/// assert!((weight.to_vec1::<f64>()?[0] - 0.85).abs() < 1e-8); // 1 − 0.05 − 0.1
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AdamW {
    params: ParamsAdamW,
    moments: Moments,
}

fn rule(params: &ParamsAdamW) -> Rule {
    Rule {
        optimiser: "AdamW",
        learning_rate: params.lr,
        beta1: params.beta1,
        beta2: params.beta2,
        epsilon: params.eps,
        weight_decay: params.weight_decay,
        decoupled: true,
    }
}

impl AdamW {
    /// AdamW with the defaults of [`ParamsAdamW`] but for the learning rate.
    ///
    /// # Errors
    ///
    /// As [`Optimizer::new`].
    pub fn new_lr(variables: Vec<Var>, learning_rate: f64) -> Result<Self> {
        Self::new(variables, ParamsAdamW { lr: learning_rate, ..ParamsAdamW::default() })
    }

    /// The settings.
    pub fn params(&self) -> &ParamsAdamW {
        &self.params
    }

    /// Sets all settings for the next steps, which are errors where one is out of its range.
    pub fn set_params(&mut self, params: ParamsAdamW) {
        self.params = params;
    }

    /// First and second moment of each variable, in the order in which they were given. They share
    /// memory with the optimiser's own, and change with the next step.
    pub fn moments(&self) -> impl Iterator<Item = (&Tensor, &Tensor)> {
        self.moments.iter()
    }
}

impl Optimizer for AdamW {
    type Config = ParamsAdamW;

    /// AdamW that has taken no step yet.
    ///
    /// # Errors
    ///
    /// As [`crate::Adam`]'s. [`candle_nn::AdamW`] leaves out variables that are no floats; here they are
    /// an error too.
    fn new(variables: Vec<Var>, params: ParamsAdamW) -> Result<Self> {
        Self::named(numbered(variables), params)
    }

    /// Moves every variable that has a gradient by one step.
    ///
    /// # Errors
    ///
    /// As [`crate::Adam`]'s.
    fn step(&mut self, gradients: &GradStore) -> Result<()> {
        self.moments.step(&rule(&self.params), gradients)
    }

    /// Goes back by [`crate::backward()`], and steps.
    ///
    /// # Errors
    ///
    /// As there, and as [`Self::step`].
    fn backward_step(&mut self, loss: &Tensor) -> Result<()> {
        self.step(&backward(loss)?)
    }

    fn learning_rate(&self) -> f64 {
        self.params.lr
    }

    /// Sets the rate of the next steps, which are errors where it is negative or not finite.
    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.params.lr = learning_rate;
    }
}

impl StatefulOptimizer for AdamW {
    fn named(variables: Vec<(String, Var)>, params: ParamsAdamW) -> Result<Self> {
        Ok(Self { moments: Moments::new(variables, &rule(&params))?, params })
    }

    fn steps(&self) -> usize {
        self.moments.steps()
    }

    fn reset(&mut self) -> Result<()> {
        self.moments.reset()
    }

    fn state(&self) -> Result<OptimiserState> {
        self.moments.state(self.params.lr)
    }

    fn load_state(&mut self, state: &OptimiserState) -> Result<()> {
        let params = ParamsAdamW { lr: state.learning_rate, ..self.params.clone() };
        self.moments.load_state(&rule(&params), state)?;
        self.params = params;
        Ok(())
    }
}

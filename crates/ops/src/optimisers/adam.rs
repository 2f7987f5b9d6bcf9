//! Adam.

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var};
use candle_nn::Optimizer;

use super::moments::{Moments, Rule};
use super::state::{OptimiserState, StatefulOptimizer};
use super::variables::numbered;
use crate::backward::backward;

/// The constants of Adam (Kingma and Ba, 2015, algorithm 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamSettings {
    /// Learning rate, 0 or more.
    pub learning_rate: f64,
    /// Decay of the mean of gradients, in \[0, 1).
    pub beta1: f64,
    /// Decay of the mean of squared gradients, in \[0, 1).
    pub beta2: f64,
    /// Added to the root of the second moment, 0 or more.
    pub epsilon: f64,
    /// Factor of the parameter that is added to its gradient (L2), 0 or more. [`crate::AdamW`]'s is
    /// another.
    pub weight_decay: f64,
}

impl AdamSettings {
    /// The defaults of
    /// [`torch.optim.Adam`](https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html):
    /// β 0.9 and 0.999, ε 1e-8, no weight decay.
    pub fn pytorch(learning_rate: f64) -> Self {
        Self { learning_rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }
}

/// Adam over some variables, as
/// [`torch.optim.Adam`](https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html) without
/// `amsgrad`.
///
/// Step t, with gradient g of parameter θ and all moments 0 at first:
/// g ← g + weight decay · θ; m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²;
/// θ ← θ − learning rate · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε).
///
/// ```
/// use candle_core::{Device, Var};
/// use pairnet_ops::{Adam, AdamSettings, Optimizer};
///
/// # fn main() -> candle_core::Result<()> {
/// let weight = Var::new(&[1f64, -2.0], &Device::Cpu)?;
/// let mut adam = Adam::new(vec![weight.clone()], AdamSettings::pytorch(0.1))?;
/// adam.backward_step(&weight.sqr()?.sum_all()?)?;
/// let moved = weight.to_vec1::<f64>()?;
/// assert!((moved[0] - 0.9).abs() < 1e-8 && (moved[1] + 1.9).abs() < 1e-8);
/// # Ok(())
/// # }
/// ```
///
/// A variable without a gradient stays as it is, and so do its moments.
///
/// On a CPU, where ε is 1e-8 or more, what is close to zero counts as zero: gradients, their squares and first moments of
/// less than 10⁶ times the smallest normal number, and second moments of less than that number itself. In f32 such a
/// first moment moves a parameter by 10⁻²⁴ learning rates. Arithmetic with subnormal numbers takes many times as long.
#[derive(Debug)]
pub struct Adam {
    settings: AdamSettings,
    moments: Moments,
}

fn rule(settings: &AdamSettings) -> Rule {
    let AdamSettings { learning_rate, beta1, beta2, epsilon, weight_decay } = *settings;
    let (optimiser, decoupled) = ("Adam", false);
    Rule { optimiser, learning_rate, beta1, beta2, epsilon, weight_decay, decoupled }
}

impl Adam {
    /// First and second moment of each variable, in the order in which they were given. They share
    /// memory with the optimiser's own, and change with the next step.
    pub fn moments(&self) -> impl Iterator<Item = (&Tensor, &Tensor)> {
        self.moments.iter()
    }
}

impl Optimizer for Adam {
    type Config = AdamSettings;

    /// Adam that has taken no step yet.
    ///
    /// # Errors
    ///
    /// Where a setting is out of its range, a variable is neither F32 nor F64, is not contiguous, is
    /// there twice or shares memory with another, or the device has no memory left.
    fn new(variables: Vec<Var>, settings: AdamSettings) -> Result<Self> {
        Self::named(numbered(variables), settings)
    }

    /// Moves every variable that has a gradient by one step.
    ///
    /// # Errors
    ///
    /// Where no variable has a gradient, a gradient's shape, dtype or device is not its variable's, or
    /// the learning rate that was set is negative or not finite. What is refused changes nothing.
    fn step(&mut self, gradients: &GradStore) -> Result<()> {
        self.moments.step(&rule(&self.settings), gradients)
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
        self.settings.learning_rate
    }

    /// Sets the rate of the next steps, which are errors where it is negative or not finite.
    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.settings.learning_rate = learning_rate;
    }
}

impl StatefulOptimizer for Adam {
    fn named(variables: Vec<(String, Var)>, settings: AdamSettings) -> Result<Self> {
        Ok(Self { settings, moments: Moments::new(variables, &rule(&settings))? })
    }

    fn steps(&self) -> usize {
        self.moments.steps()
    }

    fn reset(&mut self) -> Result<()> {
        self.moments.reset()
    }

    fn state(&self) -> Result<OptimiserState> {
        self.moments.state(self.settings.learning_rate)
    }

    fn load_state(&mut self, state: &OptimiserState) -> Result<()> {
        let settings = AdamSettings { learning_rate: state.learning_rate, ..self.settings };
        self.moments.load_state(&rule(&settings), state)?;
        self.settings = settings;
        Ok(())
    }
}

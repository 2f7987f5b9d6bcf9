//! Stochastic gradient descent with momentum.

use std::collections::BTreeMap;

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var, bail};
use candle_nn::Optimizer;

use super::in_place::{change, replace};
use super::state::{OptimiserState, StatefulOptimizer, Taken};
use super::variables::{Bounds, Slot, all_have_kernels, check, gradients, numbered, slots};
use crate::backward::backward;
use crate::element::{Element, has_kernels, values, with_float};
use crate::kernels::parts;
use crate::kernels::sgd::{Rule, descend, descend_with_momentum};

/// The constants of SGD.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdSettings {
    /// Learning rate, 0 or more.
    pub learning_rate: f64,
    /// Factor of what the steps before leave, 0 or more.
    pub momentum: f64,
    /// What the gradient's share in the momentum lacks of 1; the first gradient has all of it.
    pub dampening: f64,
    /// Factor of the parameter that is added to its gradient (L2), 0 or more.
    pub weight_decay: f64,
    /// Whether the momentum is Nesterov's, which needs some momentum and no dampening.
    pub nesterov: bool,
}

impl SgdSettings {
    /// The defaults of
    /// [`torch.optim.SGD`](https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html): no
    /// momentum, dampening or weight decay.
    pub fn pytorch(learning_rate: f64) -> Self {
        let (momentum, dampening, weight_decay) = (0.0, 0.0, 0.0);
        Self { learning_rate, momentum, dampening, weight_decay, nesterov: false }
    }

    fn check(&self) -> Result<()> {
        let Self { learning_rate, momentum, dampening, weight_decay, nesterov } = *self;
        check(
            "Sgd",
            [
                ("learning rate", learning_rate, Bounds::NotNegative),
                ("momentum", momentum, Bounds::NotNegative),
                ("dampening", dampening, Bounds::Finite),
                ("weight decay", weight_decay, Bounds::NotNegative),
            ],
        )?;
        if nesterov && (momentum == 0.0 || dampening != 0.0) {
            bail!(
                "Sgd: Nesterov's momentum needs momentum and no dampening, \
                 they are {momentum} and {dampening}"
            );
        }
        Ok(())
    }
}

/// Stochastic gradient descent over some variables, as
/// [`torch.optim.SGD`](https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html).
///
/// A step, with gradient g of parameter θ: g ← g + weight decay · θ; with momentum b ← momentum · b +
/// (1 − dampening) · g, at first b ← g; then g ← g + momentum · b where it is Nesterov's, else g ← b;
/// θ ← θ − learning rate · g.
///
/// ```
/// use candle_core::{Device, Var};
/// use pairnet_ops::{Optimizer, Sgd, SgdSettings};
///
/// # fn main() -> candle_core::Result<()> {
/// let weight = Var::new(&[1f64], &Device::Cpu)?;
/// let settings = SgdSettings { momentum: 0.5, ..SgdSettings::pytorch(0.125) };
/// let mut sgd = Sgd::new(vec![weight.clone()], settings)?;
/// sgd.backward_step(&weight.sqr()?.sum_all()?)?; // 1 − 0.125 · 2
/// sgd.backward_step(&weight.sqr()?.sum_all()?)?; // 0.75 − 0.125 · (0.5 · 2 + 1.5)
/// assert_eq!(weight.to_vec1::<f64>()?, [0.4375]);
/// # Ok(())
/// # }
/// ```
///
/// A variable without a gradient stays as it is, and so does its momentum.
///
/// On a CPU, gradients and momenta of less than 10⁶ times the smallest normal number count as zero: arithmetic with
/// subnormal numbers takes many times as long.
#[derive(Debug)]
pub struct Sgd {
    settings: SgdSettings,
    steps: usize,
    /// With each variable's momentum, where it has some yet.
    slots: Vec<Slot<Option<Tensor>>>,
}

fn state_name(variable: &str) -> String {
    format!("momentum.{variable}")
}

impl Optimizer for Sgd {
    type Config = SgdSettings;

    /// SGD that has taken no step yet.
    ///
    /// # Errors
    ///
    /// Where a setting is out of its range, a variable is neither F32 nor F64, is not contiguous, is
    /// there twice or shares memory with another.
    fn new(variables: Vec<Var>, settings: SgdSettings) -> Result<Self> {
        Self::named(numbered(variables), settings)
    }

    /// Moves every variable that has a gradient by one step.
    ///
    /// # Errors
    ///
    /// Where no variable has a gradient, a gradient's shape, dtype or device is not its variable's, or
    /// the learning rate that was set is negative or not finite. What is refused changes nothing.
    fn step(&mut self, store: &GradStore) -> Result<()> {
        self.settings.check()?;
        let gradients = gradients("Sgd", &self.slots, |momentum| momentum.iter().collect(), store)?;
        let settings = &self.settings;
        let update = |(slot, gradient): (&mut Slot<_>, &Option<Tensor>)| match gradient {
            None => Ok(()),
            Some(gradient) => slot.update(gradient, settings),
        };
        if all_have_kernels(&self.slots) {
            parts::map(self.slots.iter_mut().zip(&gradients), update)
                .into_iter()
                .collect::<Result<()>>()?;
        } else {
            self.slots.iter_mut().zip(&gradients).try_for_each(update)?;
        }
        self.steps += 1;
        Ok(())
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

impl StatefulOptimizer for Sgd {
    fn named(variables: Vec<(String, Var)>, settings: SgdSettings) -> Result<Self> {
        settings.check()?;
        Ok(Self { settings, steps: 0, slots: slots("Sgd", variables, |_| Ok(None))? })
    }

    fn steps(&self) -> usize {
        self.steps
    }

    fn reset(&mut self) -> Result<()> {
        self.steps = 0;
        self.slots.iter_mut().for_each(|slot| slot.memory = None);
        Ok(())
    }

    fn state(&self) -> Result<OptimiserState> {
        let mut tensors = BTreeMap::new();
        for Slot { name, memory, .. } in &self.slots {
            if let Some(momentum) = memory {
                tensors.insert(state_name(name), momentum.copy()?);
            }
        }
        let learning_rate = self.settings.learning_rate;
        Ok(OptimiserState { steps: self.steps, learning_rate, tensors })
    }

    fn load_state(&mut self, state: &OptimiserState) -> Result<()> {
        let settings = SgdSettings { learning_rate: state.learning_rate, ..self.settings };
        settings.check()?;
        let mut taken = Taken::new("Sgd", state);
        let mut memories = Vec::with_capacity(self.slots.len());
        if settings.momentum > 0.0 {
            for Slot { name, variable, .. } in &self.slots {
                memories.push(taken.optional(state_name(name), variable)?);
            }
        }
        taken.end()?;
        for (slot, memory) in self.slots.iter_mut().zip(memories) {
            slot.memory = memory;
        }
        (self.settings, self.steps) = (settings, state.steps);
        Ok(())
    }
}

impl Slot<Option<Tensor>> {
    fn update(&mut self, gradient: &Tensor, settings: &SgdSettings) -> Result<()> {
        if has_kernels(self.variable.device()) {
            with_float!("Sgd", gradient.dtype(), T => self.update_in_place::<T>(gradient, settings))
        } else {
            self.update_composed(gradient, settings)
        }
    }

    fn update_in_place<T: Element>(
        &mut self,
        gradient: &Tensor,
        settings: &SgdSettings,
    ) -> Result<()> {
        let gradient_values = gradient.storage_and_layout();
        let gradient: &[T] = values(&gradient_values)?;
        if settings.momentum == 0.0 {
            let rule = Rule::new(settings.learning_rate, settings.weight_decay);
            return change(&self.variable, |parameter: &mut [T]| {
                descend(parameter, gradient, &rule);
                Ok(())
            });
        }
        let rule = Rule {
            momentum: settings.momentum,
            share: 1.0 - settings.dampening,
            nesterov: settings.nesterov,
            ..Rule::new(settings.learning_rate, settings.weight_decay)
        };
        // The first gradient is not dampened: of zeros, the momentum is its whole.
        let (rule, momentum) = match &self.memory {
            Some(momentum) => (rule, momentum.clone()),
            None => (Rule { share: 1.0, ..rule }, self.variable.zeros_like()?),
        };
        change(&self.variable, |parameter: &mut [T]| {
            change(&momentum, |momentum: &mut [T]| {
                descend_with_momentum(&mut *parameter, momentum, gradient, &rule);
                Ok(())
            })
        })?;
        self.memory = Some(momentum);
        Ok(())
    }

    fn update_composed(&mut self, gradient: &Tensor, settings: &SgdSettings) -> Result<()> {
        let SgdSettings { learning_rate, momentum, dampening, weight_decay, nesterov } = *settings;
        let parameter = self.variable.as_detached_tensor();
        let mut direction = gradient.clone();
        if weight_decay != 0.0 {
            direction = (direction + parameter.affine(weight_decay, 0.0)?)?;
        }
        if momentum != 0.0 {
            let kept = match &self.memory {
                None => direction.copy()?,
                Some(kept) => {
                    let mixed =
                        (kept.affine(momentum, 0.0)? + direction.affine(1.0 - dampening, 0.0)?)?;
                    replace(kept, &mixed)?;
                    kept.clone()
                }
            };
            direction =
                if nesterov { (direction + kept.affine(momentum, 0.0)?)? } else { kept.clone() };
            self.memory = Some(kept);
        }
        replace(&self.variable, &(parameter - direction.affine(learning_rate, 0.0)?)?)
    }
}

//! The two moments of Adam and AdamW.

use std::collections::BTreeMap;

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var};

use super::in_place::{change, replace};
use super::state::{OptimiserState, Taken};
use super::variables::{Bounds, Slot, all_have_kernels, check, gradients, slots};
use crate::element::{Element, has_kernels, values, with_float};
use crate::kernels::adam::{Decay, Factors, Update, update};
use crate::kernels::parts;

/// What both optimisers are told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) optimiser: &'static str,
    pub(super) learning_rate: f64,
    pub(super) beta1: f64,
    pub(super) beta2: f64,
    pub(super) epsilon: f64,
    pub(super) weight_decay: f64,
    /// Whether weight decay is apart from the gradient, as AdamW has it.
    pub(super) decoupled: bool,
}

impl Rule {
    pub(super) fn check(&self) -> Result<()> {
        let Self { learning_rate, beta1, beta2, epsilon, weight_decay, .. } = *self;
        check(
            self.optimiser,
            [
                ("learning rate", learning_rate, Bounds::NotNegative),
                ("beta1", beta1, Bounds::BelowOne),
                ("beta2", beta2, Bounds::BelowOne),
                ("epsilon", epsilon, Bounds::NotNegative),
                ("weight decay", weight_decay, Bounds::NotNegative),
            ],
        )
    }

    /// The factors of the step of that number, counted from 1.
    fn factors(&self, step: usize) -> Factors {
        let step = i32::try_from(step).unwrap_or(i32::MAX);
        let correction = |beta: f64| 1.0 - beta.powi(step);
        let decay = match (self.weight_decay, self.decoupled) {
            (0.0, _) => Decay::Nothing,
            (decay, false) => Decay::OfGradient(decay),
            (decay, true) => Decay::Decoupled(1.0 - self.learning_rate * decay),
        };
        Factors {
            beta1: self.beta1,
            beta2: self.beta2,
            epsilon: self.epsilon,
            step_size: self.learning_rate / correction(self.beta1),
            deviation_scale: 1.0 / correction(self.beta2).sqrt(),
            decay,
        }
    }
}

/// The variables with their moments, and the steps taken.
#[derive(Debug)]
pub(super) struct Moments {
    steps: usize,
    slots: Vec<Slot<[Tensor; 2]>>,
}

const NAMES: [&str; 2] = ["first_moment", "second_moment"];

fn zeros(variable: &Var) -> Result<[Tensor; 2]> {
    Ok([variable.zeros_like()?, variable.zeros_like()?])
}

impl Moments {
    pub(super) fn new(variables: Vec<(String, Var)>, rule: &Rule) -> Result<Self> {
        rule.check()?;
        Ok(Self { steps: 0, slots: slots(rule.optimiser, variables, zeros)? })
    }

    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Tensor, &Tensor)> {
        self.slots.iter().map(|slot| (&slot.memory[0], &slot.memory[1]))
    }

    pub(super) fn step(&mut self, rule: &Rule, store: &GradStore) -> Result<()> {
        rule.check()?;
        let gradients =
            gradients(rule.optimiser, &self.slots, |memory| memory.iter().collect(), store)?;
        let factors = &rule.factors(self.steps + 1);
        let update = |(slot, gradient): (&Slot<_>, &Option<Tensor>)| match gradient {
            None => Ok(()),
            Some(gradient) if has_kernels(slot.variable.device()) => {
                with_float!(rule.optimiser, gradient.dtype(), T => {
                    slot.update_in_place::<T>(gradient, factors)
                })
            }
            Some(gradient) => slot.update_composed(gradient, factors),
        };
        if all_have_kernels(&self.slots) {
            parts::map(self.slots.iter().zip(&gradients), update)
                .into_iter()
                .collect::<Result<()>>()?;
        } else {
            self.slots.iter().zip(&gradients).try_for_each(update)?;
        }
        self.steps += 1;
        Ok(())
    }

    pub(super) fn reset(&mut self) -> Result<()> {
        let new =
            self.slots.iter().map(|slot| zeros(&slot.variable)).collect::<Result<Vec<_>>>()?;
        self.go_on(0, new);
        Ok(())
    }

    fn go_on(&mut self, steps: usize, memories: Vec<[Tensor; 2]>) {
        self.steps = steps;
        for (slot, memory) in self.slots.iter_mut().zip(memories) {
            slot.memory = memory;
        }
    }

    pub(super) fn state(&self, learning_rate: f64) -> Result<OptimiserState> {
        let mut tensors = BTreeMap::new();
        for slot in &self.slots {
            for (what, moment) in NAMES.iter().zip(&slot.memory) {
                tensors.insert(format!("{what}.{}", slot.name), moment.copy()?);
            }
        }
        Ok(OptimiserState { steps: self.steps, learning_rate, tensors })
    }

    /// `rule` has the learning rate of the state.
    pub(super) fn load_state(&mut self, rule: &Rule, state: &OptimiserState) -> Result<()> {
        rule.check()?;
        let mut taken = Taken::new(rule.optimiser, state);
        let mut memories = Vec::with_capacity(self.slots.len());
        for Slot { name, variable, .. } in &self.slots {
            let [first, second] = NAMES.map(|what| format!("{what}.{name}"));
            memories.push([taken.required(first, variable)?, taken.required(second, variable)?]);
        }
        taken.end()?;
        self.go_on(state.steps, memories);
        Ok(())
    }
}

impl Slot<[Tensor; 2]> {
    fn update_in_place<T: Element>(&self, gradient: &Tensor, factors: &Factors) -> Result<()> {
        let gradient_values = gradient.storage_and_layout();
        let gradient: &[T] = values(&gradient_values)?;
        let [first_moment, second_moment] = &self.memory;
        change(&self.variable, |parameter: &mut [T]| {
            change(first_moment, |first_moment: &mut [T]| {
                change(second_moment, |second_moment: &mut [T]| {
                    let tensors = Update {
                        parameter: &mut *parameter,
                        first_moment: &mut *first_moment,
                        second_moment,
                        gradient,
                    };
                    update(tensors, factors);
                    Ok(())
                })
            })
        })
    }

    fn update_composed(&self, gradient: &Tensor, factors: &Factors) -> Result<()> {
        let mix = |moment: &Tensor, term: &Tensor, beta: f64| -> Result<Tensor> {
            moment.affine(beta, 0.0)? + term.affine(1.0 - beta, 0.0)?
        };
        let parameter = self.variable.as_detached_tensor();
        let (parameter, gradient) = match factors.decay {
            Decay::Nothing => (parameter, gradient.clone()),
            Decay::OfGradient(decay) => {
                let decayed = (gradient + parameter.affine(decay, 0.0)?)?;
                (parameter, decayed)
            }
            Decay::Decoupled(kept) => (parameter.affine(kept, 0.0)?, gradient.clone()),
        };
        let first_moment = mix(&self.memory[0], &gradient, factors.beta1)?;
        let second_moment = mix(&self.memory[1], &gradient.sqr()?, factors.beta2)?;
        let deviation = second_moment.sqrt()?.affine(factors.deviation_scale, factors.epsilon)?;
        let step = (first_moment.affine(factors.step_size, 0.0)? / deviation)?;
        let parameter = (parameter - step)?;
        // Where they lie, as the kernel does: who was told the moments sees them change.
        replace(&self.memory[0], &first_moment)?;
        replace(&self.memory[1], &second_moment)?;
        replace(&self.variable, &parameter)
    }
}

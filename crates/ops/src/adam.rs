//! Adam, whose state can be saved, put back and cleared.

use std::cell::RefCell;
use std::collections::HashSet;

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Tensor, Var, bail};
use rayon::prelude::*;

use crate::element::{Element, composed, values, with_float};
use crate::kernels::adam::{Factors, Slot, update};

/// The constants of Adam (Kingma and Ba, 2015, algorithm 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamSettings {
    /// Learning rate.
    pub learning_rate: f64,
    /// Decay of the mean of gradients.
    pub beta1: f64,
    /// Decay of the mean of squared gradients.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
}

impl AdamSettings {
    /// The defaults of
    /// [`torch.optim.Adam`](https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html):
    /// β 0.9 and 0.999, ε 1e-8, no weight decay.
    pub fn pytorch(learning_rate: f64) -> Self {
        Self { learning_rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

/// Adam over some variables.
#[derive(Debug)]
pub struct Adam {
    settings: AdamSettings,
    steps: usize,
    slots: Vec<Parameter>,
}

#[derive(Debug)]
struct Parameter {
    variable: Var,
    first_moment: Tensor,
    second_moment: Tensor,
}

impl Adam {
    /// Adam that has taken no step yet.
    ///
    /// # Errors
    ///
    /// Where a variable is not contiguous or is there twice, or the device has no memory left.
    pub fn new(variables: Vec<Var>, settings: AdamSettings) -> Result<Self> {
        let mut seen = HashSet::new();
        if let Some(twice) = variables.iter().find(|variable| !seen.insert(variable.id())) {
            bail!("Adam: a variable of shape {:?} is there twice", twice.shape());
        }
        let slots = variables
            .into_iter()
            .map(|variable| {
                if !variable.is_contiguous() {
                    bail!("Adam: a variable of shape {:?} is not contiguous", variable.shape());
                }
                let (first_moment, second_moment) =
                    (variable.zeros_like()?, variable.zeros_like()?);
                Ok(Parameter { variable, first_moment, second_moment })
            })
            .collect::<Result<_>>()?;
        Ok(Self { settings, steps: 0, slots })
    }

    /// Moves every variable that has a gradient by one step.
    ///
    /// # Errors
    ///
    /// Where no variable has a gradient, or a gradient's shape or dtype is not its variable's.
    pub fn step(&mut self, gradients: &GradStore) -> Result<()> {
        let mut found = self.slots.is_empty();
        for Parameter { variable, .. } in &self.slots {
            let Some(gradient) = gradients.get(variable) else { continue };
            found = true;
            if gradient.shape() != variable.shape() || gradient.dtype() != variable.dtype() {
                bail!(
                    "Adam: a gradient of shape {:?} and dtype {:?} for a variable of {:?} and {:?}",
                    gradient.shape(),
                    gradient.dtype(),
                    variable.shape(),
                    variable.dtype()
                );
            }
        }
        if !found {
            bail!(
                "Adam: none of {} variables has a gradient: the loss was not computed from them, \
                 or the backward pass stopped before it came to them",
                self.slots.len()
            );
        }
        self.steps += 1;
        let AdamSettings { learning_rate, beta1, beta2, epsilon } = self.settings;
        let correction = |beta: f64| 1.0 - beta.powi(self.steps as i32);
        let factors = Factors {
            beta1,
            beta2,
            epsilon,
            step_size: learning_rate / correction(beta1),
            deviation_scale: 1.0 / correction(beta2).sqrt(),
        };
        let update = |slot: &Parameter| match gradients.get(&slot.variable) {
            Some(gradient) if composed("Adam", &slot.variable)? => {
                slot.update_composed(gradient, &factors)
            }
            Some(gradient) => slot.update_in_place(gradient, &factors),
            None => Ok(()),
        };
        if self.slots.iter().all(|slot| slot.variable.device().is_cpu()) {
            self.slots.par_iter().try_for_each(update)
        } else {
            self.slots.iter().try_for_each(update)
        }
    }

    /// Forgets all steps and moments, as if made anew.
    ///
    /// # Errors
    ///
    /// Where the device has no memory left.
    pub fn reset(&mut self) -> Result<()> {
        self.steps = 0;
        for slot in &mut self.slots {
            slot.first_moment = slot.variable.zeros_like()?;
            slot.second_moment = slot.variable.zeros_like()?;
        }
        Ok(())
    }

    /// How many steps were taken.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// First and second moment of each variable, in the order in which they were given.
    pub fn moments(&self) -> impl Iterator<Item = (&Tensor, &Tensor)> {
        self.slots.iter().map(|slot| (&slot.first_moment, &slot.second_moment))
    }

    /// Goes on from a state that [`Adam::steps`] and [`Adam::moments`] told.
    ///
    /// # Errors
    ///
    /// Where there are not as many moments as variables, or a shape or dtype differs.
    pub fn restore(&mut self, steps: usize, moments: Vec<(Tensor, Tensor)>) -> Result<()> {
        if moments.len() != self.slots.len() {
            bail!("Adam: moments of {} variables, {} are needed", moments.len(), self.slots.len());
        }
        for (slot, (first, second)) in self.slots.iter().zip(&moments) {
            let shape = slot.variable.shape();
            if first.shape() != shape || second.shape() != shape {
                bail!(
                    "Adam: moments of shapes {:?} and {:?} for a variable of {shape:?}",
                    first.shape(),
                    second.shape()
                );
            }
            let dtype = slot.variable.dtype();
            if first.dtype() != dtype || second.dtype() != dtype {
                bail!(
                    "Adam: moments of dtypes {:?} and {:?} for a variable of {dtype:?}",
                    first.dtype(),
                    second.dtype()
                );
            }
        }
        self.steps = steps;
        for (slot, (first, second)) in self.slots.iter_mut().zip(moments) {
            // Copies: an update in place must not reach the caller's tensors.
            slot.first_moment = first.copy()?;
            slot.second_moment = second.copy()?;
        }
        Ok(())
    }
}

impl Parameter {
    fn update_in_place(&self, gradient: &Tensor, factors: &Factors) -> Result<()> {
        with_float!("Adam", self.variable.dtype(), T => self.update_values::<T>(gradient, factors))
    }

    fn update_values<T: Element>(&self, gradient: &Tensor, factors: &Factors) -> Result<()> {
        let gradient = gradient.contiguous()?;
        let gradient_values = gradient.storage_and_layout();
        let gradient: &[T] = values(&gradient_values)?;
        change(&self.variable, |parameter: &mut [T]| {
            change(&self.first_moment, |first_moment: &mut [T]| {
                change(&self.second_moment, |second_moment: &mut [T]| {
                    let slot = Slot {
                        parameter: &mut *parameter,
                        first_moment: &mut *first_moment,
                        second_moment,
                    };
                    update(slot, gradient, factors);
                    Ok(())
                })
            })
        })
    }

    fn update_composed(&self, gradient: &Tensor, factors: &Factors) -> Result<()> {
        let mix = |moment: &Tensor, term: &Tensor, beta: f64| -> Result<Tensor> {
            moment.affine(beta, 0.0)? + term.affine(1.0 - beta, 0.0)?
        };
        let gradient = gradient.detach();
        let first_moment = mix(&self.first_moment, &gradient, factors.beta1)?;
        let second_moment = mix(&self.second_moment, &gradient.sqr()?, factors.beta2)?;
        let deviation = second_moment.sqrt()?.affine(factors.deviation_scale, factors.epsilon)?;
        let step = (first_moment.affine(factors.step_size, 0.0)? / deviation)?;
        // Where they lie, as the kernel does: who was told the moments sees them change.
        replace(&self.first_moment, &first_moment)?;
        replace(&self.second_moment, &second_moment)?;
        self.variable.set(&(self.variable.as_tensor().detach() - step)?)
    }
}

/// Gives `tensor` the values of another one of its shape.
fn replace(tensor: &Tensor, values: &Tensor) -> Result<()> {
    tensor.flatten_all()?.slice_set(&values.flatten_all()?, 0, 0)
}

/// Lets `f` change the values of a contiguous tensor where they lie.
fn change<T: Element>(tensor: &Tensor, f: impl FnMut(&mut [T]) -> Result<()>) -> Result<()> {
    tensor.inplace_op1(&Change { f: RefCell::new(f), element: std::marker::PhantomData::<T> })
}

struct Change<T, F> {
    f: RefCell<F>,
    element: std::marker::PhantomData<T>,
}

impl<T: Element, F: FnMut(&mut [T]) -> Result<()>> InplaceOp1 for Change<T, F> {
    fn name(&self) -> &'static str {
        "change"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let all = T::values_mut(storage)?;
        match layout.contiguous_offsets() {
            Some((start, end)) => (self.f.borrow_mut())(&mut all[start..end]),
            None => bail!("a contiguous tensor is needed, got strides {:?}", layout.stride()),
        }
    }
}

//! What a network says, and the way back from it to the gradients.

use std::sync::Arc;

use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor, Var};
use pairnet_ops::{Tape, add_gradients, side_by_side};

use crate::error::{ModelError, Result};
use crate::handed::AtWork;

/// What a network says of a batch of n pairs.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// The logit of first ≤ second, (n).
    pub logits: Tensor,
    /// The digit logits, (2, n, 10), first digits before second ones; `None` for a network without
    /// them.
    pub digit_logits: Option<Tensor>,
    /// The way back through the network; `None` where it was left behind.
    pub(crate) subnetworks: Option<Arc<Subnetworks>>,
}

/// What a forward pass went through.
#[derive(Debug)]
pub(crate) struct Subnetworks {
    pub(crate) comparator: Subnetwork,
    /// One a digit, where there are branches.
    pub(crate) branches: Vec<Subnetwork>,
    /// What lets gradients through what was handed out.
    pub(crate) at_work: AtWork,
}

impl Outputs {
    /// The gradient of `loss`, a scalar made from these outputs, for every parameter.
    ///
    /// This takes the place of `loss.backward()`, which is an error here: comparator and branches
    /// have a [`Tape`] each, and the two branches are gone back through side by side. What comes out
    /// does not depend on how many threads there are.
    ///
    /// # Errors
    ///
    /// Where `loss` does not depend on these outputs, or on those of another pass as well; where
    /// these were detached; where the device has no memory left.
    pub fn backward(&self, loss: &Tensor) -> Result<GradStore, ModelError> {
        let Some(subnetworks) = &self.subnetworks else { return Err(ModelError::Detached) };
        let Subnetworks { comparator, branches, at_work } = &**subnetworks;
        let mut gradients = at_work.backward(loss)?;
        if !branches.iter().chain([comparator]).any(|one| one.is_in(&gradients)) {
            return Err(ModelError::Independent);
        }
        let through_comparator = comparator.backward(&gradients)?;
        add_gradients(&mut gradients, through_comparator)?;
        if let [first, second] = &branches[..] {
            let (first, second) =
                both(loss.device(), || first.backward(&gradients), || second.backward(&gradients))?;
            for branch in [first, second] {
                // They add up where both digits have the same weights.
                add_gradients(&mut gradients, branch)?;
            }
        }
        Ok(gradients)
    }

    /// The same values, without what they were computed from.
    pub fn detach(&self) -> Self {
        Self {
            logits: self.logits.detach(),
            digit_logits: self.digit_logits.as_ref().map(Tensor::detach),
            subnetworks: None,
        }
    }
}

/// A part of a network on a tape of its own, whose result the rest begins with as if it were given.
#[derive(Debug)]
pub(crate) struct Subnetwork {
    tape: Tape,
    result: Tensor,
    given: Var,
}

impl Subnetwork {
    pub(crate) fn new(result: Tensor, tape: Tape) -> Result<Self> {
        Ok(Self { tape, given: Var::from_tensor(&result)?, result })
    }

    /// The result, for the rest of the network.
    pub(crate) fn given(&self) -> Tensor {
        self.given.as_tensor().clone()
    }

    /// Whether there is a gradient of the result.
    fn is_in(&self, gradients: &GradStore) -> bool {
        gradients.get(&self.given).is_some()
    }

    /// Its share of the gradients, given those of the rest; nothing where the loss does not
    /// depend on it.
    fn backward(&self, rest: &GradStore) -> Result<GradStore> {
        match rest.get(&self.given) {
            Some(gradient) => self.tape.backward(&self.result, gradient),
            None => Ok(GradStore::default()),
        }
    }
}

/// Both results, side by side where the device is the CPU.
pub(crate) fn both<T: Send>(
    device: &Device,
    first: impl FnOnce() -> Result<T> + Send,
    second: impl FnOnce() -> Result<T> + Send,
) -> Result<(T, T)> {
    if !device.is_cpu() {
        return Ok((first()?, second()?));
    }
    let (first, second) = side_by_side(first, second);
    Ok((first?, second?))
}

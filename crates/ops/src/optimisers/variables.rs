//! What an optimiser asks of its variables and of their gradients.

use std::collections::HashSet;

use candle_core::backprop::GradStore;
use candle_core::{DType, Result, Tensor, Var, bail};

use crate::element::has_kernels;

/// A variable, what the state calls it, and what the optimiser remembers of it.
#[derive(Debug)]
pub(super) struct Slot<M> {
    pub(super) name: String,
    pub(super) variable: Var,
    pub(super) memory: M,
}

/// The numbers of the variables' places, for those that have no names.
pub(super) fn numbered(variables: Vec<Var>) -> Vec<(String, Var)> {
    variables.into_iter().enumerate().map(|(index, var)| (index.to_string(), var)).collect()
}

/// Slots of the variables that an optimiser can take.
///
/// # Errors
///
/// Where a variable or a name is there twice, two variables share memory, or a variable is neither F32
/// nor F64 or is not contiguous.
pub(super) fn slots<M>(
    optimiser: &str,
    variables: Vec<(String, Var)>,
    memory: impl Fn(&Var) -> Result<M>,
) -> Result<Vec<Slot<M>>> {
    let (mut ids, mut names, mut places) = (HashSet::new(), HashSet::new(), HashSet::new());
    for (name, variable) in &variables {
        let shape = variable.shape();
        if !ids.insert(variable.id()) {
            bail!("{optimiser}: a variable of shape {shape:?} is there twice ({name})");
        }
        if !names.insert(name) {
            bail!("{optimiser}: two variables have the name {name}");
        }
        if !matches!(variable.dtype(), DType::F32 | DType::F64) {
            bail!(
                "{optimiser}: variable {name} has dtype {:?}, which is not supported, only F32 and F64",
                variable.dtype()
            );
        }
        if !variable.is_contiguous() {
            bail!("{optimiser}: variable {name} of shape {shape:?} is not contiguous");
        }
        if !places.insert(memory_of(variable)) {
            bail!("{optimiser}: variable {name} of shape {shape:?} shares another one's memory");
        }
    }
    let slot =
        |(name, variable): (String, Var)| Ok(Slot { name, memory: memory(&variable)?, variable });
    variables.into_iter().map(slot).collect()
}

/// The gradient of each slot's variable, where it has one, fit to be read while variables and `own`
/// tensors of the optimiser change.
///
/// # Errors
///
/// Where no variable has a gradient, or a gradient's shape, dtype or device is not its variable's.
pub(super) fn gradients<M>(
    optimiser: &str,
    slots: &[Slot<M>],
    own: impl Fn(&M) -> Vec<&Tensor>,
    store: &GradStore,
) -> Result<Vec<Option<Tensor>>> {
    let given: Vec<_> = slots.iter().map(|slot| store.get(&slot.variable)).collect();
    if !slots.is_empty() && given.iter().all(Option::is_none) {
        bail!(
            "{optimiser}: none of {} variables has a gradient: the loss was not computed from them, \
             or the backward pass stopped before it came to them",
            slots.len()
        );
    }
    for (slot, gradient) in slots.iter().zip(&given) {
        let (Some(gradient), variable) = (gradient, &slot.variable) else { continue };
        if gradient.shape() != variable.shape() || gradient.dtype() != variable.dtype() {
            bail!(
                "{optimiser}: a gradient of shape {:?} and dtype {:?} for a variable of {:?} and {:?}",
                gradient.shape(),
                gradient.dtype(),
                variable.shape(),
                variable.dtype()
            );
        }
        if !gradient.device().same_device(variable.device()) {
            bail!("{optimiser}: the gradient of variable {} is on another device", slot.name);
        }
    }
    let changing: HashSet<usize> = slots
        .iter()
        .flat_map(|slot| own(&slot.memory).into_iter().chain([slot.variable.as_tensor()]))
        .map(memory_of)
        .collect();
    let fit = |gradient: &Tensor| {
        // It would change with what shares its memory, or wait for a lock that this thread holds.
        let shared = changing.contains(&memory_of(gradient));
        let own = if shared { gradient.copy()? } else { gradient.clone() };
        own.contiguous()
    };
    given
        .into_iter()
        .map(|gradient| gradient.map(|gradient| fit(&gradient.detach())).transpose())
        .collect()
}

/// Where a tensor's values lie.
fn memory_of(tensor: &Tensor) -> usize {
    std::ptr::from_ref(&*tensor.storage_and_layout().0).addr()
}

/// Whether kernels change all variables; then threads can take some each.
pub(super) fn all_have_kernels<M>(slots: &[Slot<M>]) -> bool {
    slots.iter().all(|slot| has_kernels(slot.variable.device()))
}

/// An error where a setting is not within its bounds.
pub(super) fn check(
    optimiser: &str,
    settings: impl IntoIterator<Item = (&'static str, f64, Bounds)>,
) -> Result<()> {
    for (name, value, bounds) in settings {
        let (within, told) = match bounds {
            Bounds::NotNegative => {
                (value >= 0.0 && value.is_finite(), "a finite number of 0 or more")
            }
            Bounds::BelowOne => ((0.0..1.0).contains(&value), "in [0, 1)"),
            Bounds::Finite => (value.is_finite(), "a finite number"),
        };
        if !within {
            bail!("{optimiser}: {name} {value} is not {told}");
        }
    }
    Ok(())
}

/// What a setting may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bounds {
    /// 0 or more.
    NotNegative,
    /// In [0, 1).
    BelowOne,
    /// Any number.
    Finite,
}

//! What the tests of optimisers need.

use candle_core::backprop::GradStore;
use candle_core::{DType, Result, Var};
use pairnet_ops::{Optimizer, SgdSettings};

use crate::support::{has_empty_variables, tensor, values, variable};

/// Variables of more values than a thread takes at once, of few, and of none where there can be.
pub(crate) fn variables(dtype: DType) -> Vec<(String, Var)> {
    let named = |name: &str, length, seed| (name.to_owned(), variable(&[length], dtype, seed));
    let mut variables = vec![named("weight", 9000, 1), named("bias", 3, 2)];
    if has_empty_variables() {
        variables.push(named("none", 0, 3));
    }
    variables
}

/// A step with gradients that differ from step to step.
pub(crate) fn step<O: Optimizer>(
    optimiser: &mut O,
    variables: &[(String, Var)],
    seed: u64,
) -> Result<()> {
    let mut gradients = GradStore::default();
    for (_, variable) in variables {
        gradients.insert(variable, tensor(variable.dims(), variable.dtype(), seed));
    }
    optimiser.step(&gradients)
}

pub(crate) fn bits(variables: &[(String, Var)]) -> Vec<u64> {
    variables.iter().flat_map(|(_, variable)| values(variable)).map(f64::to_bits).collect()
}

pub(crate) fn sgd() -> SgdSettings {
    SgdSettings { momentum: 0.9, dampening: 0.1, weight_decay: 0.01, ..SgdSettings::pytorch(0.1) }
}

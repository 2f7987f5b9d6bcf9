//! A step of stochastic gradient descent for one parameter tensor, in one pass.

use crate::element::{Element, flushed};
use crate::kernels::{parts, vectorised};

/// Values that a thread updates at a time, some microseconds' work.
const PART: usize = 8192;

/// How a step is taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) learning_rate: f64,
    pub(crate) weight_decay: f64,
    pub(crate) momentum: f64,
    /// The gradient's share in the momentum.
    pub(crate) share: f64,
    pub(crate) nesterov: bool,
}

impl Rule {
    /// Without momentum.
    pub(crate) fn new(learning_rate: f64, weight_decay: f64) -> Self {
        Self { learning_rate, weight_decay, momentum: 0.0, share: 1.0, nesterov: false }
    }
}

/// A step without momentum.
pub(crate) fn descend<T: Element>(parameter: &mut [T], gradient: &[T], rule: &Rule) {
    let all = parameter.chunks_mut(PART).zip(gradient.chunks(PART));
    parts::for_each(all, |(parameter, gradient)| {
        vectorised!(descend_part::<T>(parameter, gradient, rule));
    });
}

#[inline(always)]
fn descend_part<T: Element, const FUSED: bool>(parameter: &mut [T], gradient: &[T], rule: &Rule) {
    let rate = T::from_f64(rule.learning_rate);
    let decay = (rule.weight_decay != 0.0).then(|| T::from_f64(rule.weight_decay));
    for (parameter, &gradient) in parameter.iter_mut().zip(gradient) {
        *parameter -= rate * decayed::<T, FUSED>(gradient, *parameter, decay);
    }
}

/// A step with momentum, which changes too.
pub(crate) fn descend_with_momentum<T: Element>(
    parameter: &mut [T],
    momentum: &mut [T],
    gradient: &[T],
    rule: &Rule,
) {
    let all = parameter.chunks_mut(PART).zip(momentum.chunks_mut(PART));
    parts::for_each(all.zip(gradient.chunks(PART)), |((parameter, momentum), gradient)| {
        if rule.nesterov {
            vectorised!(nesterov_part::<T>(parameter, momentum, gradient, rule));
        } else {
            vectorised!(momentum_part::<T>(parameter, momentum, gradient, rule));
        }
    });
}

#[inline(always)]
fn momentum_part<T: Element, const FUSED: bool>(
    parameter: &mut [T],
    momentum: &mut [T],
    gradient: &[T],
    rule: &Rule,
) {
    let step = |_gradient, momentum, _factor| momentum;
    with_momentum::<T, FUSED>(parameter, momentum, gradient, rule, step);
}

#[inline(always)]
fn nesterov_part<T: Element, const FUSED: bool>(
    parameter: &mut [T],
    momentum: &mut [T],
    gradient: &[T],
    rule: &Rule,
) {
    let step = |gradient, momentum, factor| T::mul_add::<FUSED>(momentum, factor, gradient);
    with_momentum::<T, FUSED>(parameter, momentum, gradient, rule, step);
}

#[inline(always)]
fn with_momentum<T: Element, const FUSED: bool>(
    parameter: &mut [T],
    momentum: &mut [T],
    gradient: &[T],
    rule: &Rule,
    step: impl Fn(T, T, T) -> T,
) {
    let (rate, factor) = (T::from_f64(rule.learning_rate), T::from_f64(rule.momentum));
    let share = T::from_f64(rule.share);
    let decay = (rule.weight_decay != 0.0).then(|| T::from_f64(rule.weight_decay));
    for ((parameter, momentum), &gradient) in parameter.iter_mut().zip(momentum).zip(gradient) {
        let gradient = decayed::<T, FUSED>(gradient, *parameter, decay);
        *momentum = T::mul_add::<FUSED>(*momentum, factor, gradient * share);
        *momentum = flushed(*momentum, T::LEAST_SCALABLE);
        *parameter -= rate * step(gradient, *momentum, factor);
    }
}

/// The gradient with that of weight decay.
#[inline(always)]
fn decayed<T: Element, const FUSED: bool>(gradient: T, parameter: T, decay: Option<T>) -> T {
    let gradient = match decay {
        None => gradient,
        Some(decay) => T::mul_add::<FUSED>(parameter, decay, gradient),
    };
    flushed(gradient, T::LEAST_SCALABLE)
}

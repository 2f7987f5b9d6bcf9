//! Adam's update of one parameter tensor, in one pass.

use crate::element::{Element, flushed};
use crate::kernels::{parts, vectorised};

/// Values that a thread updates at a time, some microseconds' work.
const PART: usize = 4096;

/// Values that are updated without a branch: one vector of them or more.
const BLOCK: usize = 16;

/// Bytes ahead at which a cache line is claimed.
const AHEAD: usize = 32 * 64;

/// Epsilon from which on gradients and moments that are nearly subnormal, or whose squares are, do next to nothing to a
/// parameter.
const HIDING: f64 = 1e-8;

/// The factors of one step, worked out once for all parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factors {
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    pub(crate) epsilon: f64,
    /// Learning rate / (1 − β₁ᵗ).
    pub(crate) step_size: f64,
    /// 1 / √(1 − β₂ᵗ).
    pub(crate) deviation_scale: f64,
    pub(crate) decay: Decay,
}

/// What makes weights smaller.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Decay {
    Nothing,
    /// So much of the parameter is added to its gradient.
    OfGradient(f64),
    /// So much of the parameter is left before the step.
    Decoupled(f64),
}

/// One parameter tensor, its state and its gradient.
pub(crate) struct Update<'a, T> {
    pub(crate) parameter: &'a mut [T],
    pub(crate) first_moment: &'a mut [T],
    pub(crate) second_moment: &'a mut [T],
    pub(crate) gradient: &'a [T],
}

pub(crate) fn update<T: Element>(tensors: Update<'_, T>, factors: &Factors) {
    let Update { parameter, first_moment, second_moment, gradient } = tensors;
    let moments = first_moment.chunks_mut(PART).zip(second_moment.chunks_mut(PART));
    let all = parameter.chunks_mut(PART).zip(moments).zip(gradient.chunks(PART));
    parts::for_each(all, |((parameter, (first_moment, second_moment)), gradient)| {
        let part = Update { parameter, first_moment, second_moment, gradient };
        match factors.decay {
            Decay::Nothing => vectorised!(update_plainly::<T>(part, factors)),
            Decay::OfGradient(decay) => {
                vectorised!(update_with_decay_of_gradient::<T>(part, factors, T::from_f64(decay)));
            }
            Decay::Decoupled(kept) => {
                vectorised!(update_with_decay::<T>(part, factors, T::from_f64(kept)));
            }
        }
    });
}

#[inline(always)]
fn update_plainly<T: Element, const FUSED: bool>(part: Update<'_, T>, factors: &Factors) {
    update_part::<T, FUSED>(part, factors, |parameter, gradient| (parameter, gradient));
}

#[inline(always)]
fn update_with_decay_of_gradient<T: Element, const FUSED: bool>(
    part: Update<'_, T>,
    factors: &Factors,
    decay: T,
) {
    update_part::<T, FUSED>(part, factors, |parameter, gradient| {
        (parameter, T::mul_add::<FUSED>(parameter, decay, gradient))
    });
}

#[inline(always)]
fn update_with_decay<T: Element, const FUSED: bool>(
    part: Update<'_, T>,
    factors: &Factors,
    kept: T,
) {
    update_part::<T, FUSED>(part, factors, |parameter, gradient| (parameter * kept, gradient));
}

/// `decay` makes of a parameter and its gradient those that the step begins with.
#[inline(always)]
fn update_part<T: Element, const FUSED: bool>(
    part: Update<'_, T>,
    factors: &Factors,
    decay: impl Fn(T, T) -> (T, T),
) {
    let constant = T::from_f64;
    let (beta1, beta2) = (constant(factors.beta1), constant(factors.beta2));
    let (rest1, rest2) = (constant(1.0 - factors.beta1), constant(1.0 - factors.beta2));
    let (step_size, epsilon) = (constant(factors.step_size), constant(factors.epsilon));
    let deviation_scale = constant(factors.deviation_scale);
    let hidden = |least: T| if factors.epsilon >= HIDING { least } else { T::ZERO };
    let (least_first, least_second) = (hidden(T::LEAST_SCALABLE), hidden(T::LEAST_NORMAL));
    let least_squared = least_first.sqrt();
    let step = |parameter: &mut T, first: &mut T, second: &mut T, gradient: T| {
        let (start, gradient) = decay(*parameter, gradient);
        let gradient = flushed(gradient, least_first);
        *first = T::mul_add::<FUSED>(*first, beta1, gradient * rest1);
        *first = flushed(*first, least_first);
        let squared = flushed(gradient, least_squared);
        *second = T::mul_add::<FUSED>(*second, beta2, squared * squared * rest2);
        *second = flushed(*second, least_second);
        let deviation = T::mul_add::<FUSED>(second.sqrt(), deviation_scale, epsilon);
        *parameter = start - step_size * *first / deviation;
    };
    // Arrays, since the compiler looks at the length of each slice anew for every few values.
    let (parameters, parameters_left) = part.parameter.as_chunks_mut::<BLOCK>();
    let (firsts, firsts_left) = part.first_moment.as_chunks_mut::<BLOCK>();
    let (seconds, seconds_left) = part.second_moment.as_chunks_mut::<BLOCK>();
    let (gradients, gradients_left) = part.gradient.as_chunks::<BLOCK>();
    let moments = firsts.iter_mut().zip(seconds);
    for ((parameter, (first, second)), gradient) in
        parameters.iter_mut().zip(moments).zip(gradients)
    {
        claim_ahead(parameter);
        for index in 0..BLOCK {
            step(&mut parameter[index], &mut first[index], &mut second[index], gradient[index]);
        }
    }
    let moments = firsts_left.iter_mut().zip(seconds_left);
    for ((parameter, (first, second)), &gradient) in
        parameters_left.iter_mut().zip(moments).zip(gradients_left)
    {
        step(parameter, first, second, gradient);
    }
}

/// Claims the cache line some way behind this one, which is to be written to soon.
///
/// Shared weights have been read by both threads. A line that another core holds has to be taken from
/// it first, and stores by themselves wait for only a few such lines at a time.
#[inline(always)]
fn claim_ahead<T>(line: &mut [T]) {
    let ahead = line.as_mut_ptr().cast::<u8>().wrapping_add(AHEAD);
    // SAFETY: the instruction changes no value, and does nothing where there is no memory. Every x86-64
    // processor takes it.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    #[expect(unsafe_code, reason = "no stable function is this instruction")]
    unsafe {
        std::arch::asm!(
            "prefetchw [{}]",
            in(reg) ahead,
            options(nostack, preserves_flags, readonly)
        );
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = ahead;
}

//! Adam's update of one parameter tensor, in one pass.

use rayon::prelude::*;

use crate::element::Element;
use crate::kernels::vectorised;

/// Values that a thread updates at a time, some microseconds' work.
const PART: usize = 4096;

/// Bytes of a cache line, and how many of them ahead a line is claimed.
const LINE: usize = 64;
const AHEAD: usize = 32 * LINE;

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
}

/// One parameter tensor and its state.
pub(crate) struct Slot<'a, T> {
    pub(crate) parameter: &'a mut [T],
    pub(crate) first_moment: &'a mut [T],
    pub(crate) second_moment: &'a mut [T],
}

pub(crate) fn update<T: Element>(slot: Slot<'_, T>, gradient: &[T], factors: &Factors) {
    let Slot { parameter, first_moment, second_moment } = slot;
    let moments = first_moment.par_chunks_mut(PART).zip(second_moment.par_chunks_mut(PART));
    let parts = parameter.par_chunks_mut(PART).zip(moments).zip(gradient.par_chunks(PART));
    parts.for_each(|((parameter, (first_moment, second_moment)), gradient)| {
        let slot = Slot { parameter, first_moment, second_moment };
        vectorised!(update_slot::<T>(slot, gradient, factors));
    });
}

#[inline(always)]
fn update_slot<T: Element, const FUSED: bool>(
    slot: Slot<'_, T>,
    gradient: &[T],
    factors: &Factors,
) {
    let constant = T::from_f64;
    let (beta1, beta2) = (constant(factors.beta1), constant(factors.beta2));
    let (rest1, rest2) = (constant(1.0 - factors.beta1), constant(1.0 - factors.beta2));
    let (step_size, epsilon) = (constant(factors.step_size), constant(factors.epsilon));
    let deviation_scale = constant(factors.deviation_scale);
    let line = LINE / size_of::<T>();
    let moments = slot.first_moment.chunks_mut(line).zip(slot.second_moment.chunks_mut(line));
    let lines = slot.parameter.chunks_mut(line).zip(moments).zip(gradient.chunks(line));
    for ((parameter, (first, second)), gradient) in lines {
        claim_ahead(parameter);
        let moments = first.iter_mut().zip(second);
        for ((parameter, (first, second)), &gradient) in
            parameter.iter_mut().zip(moments).zip(gradient)
        {
            *first = T::mul_add::<FUSED>(*first, beta1, gradient * rest1);
            *second = T::mul_add::<FUSED>(*second, beta2, gradient * gradient * rest2);
            let deviation = T::mul_add::<FUSED>(second.sqrt(), deviation_scale, epsilon);
            *parameter -= step_size * *first / deviation;
        }
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

//! Activation functions and their slopes, value by value.

use std::mem::MaybeUninit;
use std::ops::Range;

use crate::element::Element;
use crate::kernels::{parts, vectorised};

mod pieces;
mod smooth;

pub(crate) use self::pieces::{Elu, HardSigmoid, HardSwish, LeakyRelu, Relu6};
pub(crate) use self::smooth::{Gelu, GeluTanh, Sigmoid, Silu, Tanh};

/// A function of one value that can be trained through.
pub(crate) trait Function: Copy + Send + Sync + 'static {
    /// f(x).
    fn value<T: Element, const FUSED: bool>(self, x: T) -> T;

    /// f′(x), where y = f(x).
    fn slope<T: Element, const FUSED: bool>(self, x: T, y: T) -> T;
}

/// f(x) of each.
pub(crate) fn values_of<T: Element>(function: impl Function, arguments: &[T]) -> Vec<T> {
    let write = |places: &mut [MaybeUninit<T>], range: Range<usize>| {
        vectorised!(write_values::<T>(function, &arguments[range], places));
    };
    // SAFETY: the loop writes as many values as there are places, for its slices have that length.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    unsafe {
        parts::written(arguments.len(), 1, write).0
    }
}

/// The gradient of each argument, given that of each result.
pub(crate) fn gradients_of<T: Element>(
    function: impl Function,
    [arguments, results, gradients]: [&[T]; 3],
) -> Vec<T> {
    assert_eq!(arguments.len(), results.len(), "a result for each argument");
    assert_eq!(arguments.len(), gradients.len(), "a gradient for each result");
    let write = |places: &mut [MaybeUninit<T>], range: Range<usize>| {
        let all = [arguments, results, gradients].map(|values| &values[range.clone()]);
        vectorised!(write_gradients::<T>(function, all, places));
    };
    // SAFETY: the loop writes as many values as there are places, for all its slices have that length.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    unsafe {
        parts::written(arguments.len(), 1, write).0
    }
}

#[inline(always)]
fn write_values<T: Element, const FUSED: bool>(
    function: impl Function,
    arguments: &[T],
    places: &mut [MaybeUninit<T>],
) {
    for (place, &x) in places.iter_mut().zip(arguments) {
        place.write(function.value::<T, FUSED>(x));
    }
}

#[inline(always)]
fn write_gradients<T: Element, const FUSED: bool>(
    function: impl Function,
    [arguments, results, gradients]: [&[T]; 3],
    places: &mut [MaybeUninit<T>],
) {
    let given = arguments.iter().zip(results).zip(gradients);
    for (place, ((&x, &y), &gradient)) in places.iter_mut().zip(given) {
        place.write(gradient * function.slope::<T, FUSED>(x, y));
    }
}

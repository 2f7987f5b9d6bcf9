//! ReLU and sums, value by value.

use std::mem::MaybeUninit;
use std::ops::Range;

use crate::element::{Element, unless_cut};
use crate::kernels::{parts, vectorised};
use crate::memory::unwritten;

/// max(value, 0) of each.
pub(crate) fn rectified<T: Element>(values: &[T]) -> Vec<T> {
    written(values.len(), |places, range| {
        vectorised!(rectify::<T>(&values[range], places));
    })
}

/// max(a + b, 0) of each pair.
pub(crate) fn rectified_sums<T: Element>(a: &[T], b: &[T]) -> Vec<T> {
    assert_eq!(a.len(), b.len(), "pairs of values");
    written(a.len(), |places, range| {
        vectorised!(rectify_sums::<T>(&a[range.clone()], &b[range], places));
    })
}

/// a + b of each pair.
pub(crate) fn sums<T: Element>(a: &[T], b: &[T]) -> Vec<T> {
    assert_eq!(a.len(), b.len(), "pairs of values");
    written(a.len(), |places, range| {
        vectorised!(add_up::<T>(&a[range.clone()], &b[range], places));
    })
}

/// The gradients of what ReLU made `results` of.
pub(crate) fn unrectified<T: Element>(results: &[T], gradients: &[T]) -> Vec<T> {
    assert_eq!(results.len(), gradients.len(), "a gradient for each value");
    written(results.len(), |places, range| {
        vectorised!(unrectify::<T>(&results[range.clone()], &gradients[range], places));
    })
}

/// [`unrectified`] where the threads have other work already.
pub(crate) fn unrectified_here<T: Element>(results: &[T], gradients: &[T]) -> Vec<T> {
    assert_eq!(results.len(), gradients.len(), "a gradient for each value");
    let mut found = unwritten(results.len());
    let places = &mut found[..];
    vectorised!(unrectify::<T>(results, gradients, places));
    // SAFETY: the loop writes as many values as there are places, for all slices have that length.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    unsafe { found.assume_init() }.into_vec()
}

fn written<T: Element>(
    length: usize,
    write: impl Fn(&mut [MaybeUninit<T>], Range<usize>) + Sync,
) -> Vec<T> {
    // SAFETY: the loops below write as many values as there are places, for all their slices have that
    // length.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    unsafe {
        parts::written(length, 1, write).0
    }
}

#[inline(always)]
fn rectify<T: Element, const FUSED: bool>(values: &[T], places: &mut [MaybeUninit<T>]) {
    for (place, &value) in places.iter_mut().zip(values) {
        place.write(unless_cut(value, value));
    }
}

#[inline(always)]
fn rectify_sums<T: Element, const FUSED: bool>(a: &[T], b: &[T], places: &mut [MaybeUninit<T>]) {
    for ((place, &a), &b) in places.iter_mut().zip(a).zip(b) {
        let value = a + b;
        place.write(unless_cut(value, value));
    }
}

#[inline(always)]
fn add_up<T: Element, const FUSED: bool>(a: &[T], b: &[T], places: &mut [MaybeUninit<T>]) {
    for ((place, &a), &b) in places.iter_mut().zip(a).zip(b) {
        place.write(a + b);
    }
}

#[inline(always)]
fn unrectify<T: Element, const FUSED: bool>(
    results: &[T],
    gradients: &[T],
    places: &mut [MaybeUninit<T>],
) {
    for ((place, &result), &gradient) in places.iter_mut().zip(results).zip(gradients) {
        place.write(unless_cut(result, gradient));
    }
}

//! Batch normalisation of a matrix whose columns are the channels.

use std::mem::MaybeUninit;
use std::ops::Range;

use crate::element::{Element, relu};
use crate::kernels::columns::repeated;
use crate::kernels::parts::{self, part};
use crate::kernels::vectorised;

mod gradient;

pub(crate) use self::gradient::{InputGradient, backward, gradient_sums, rectified_gradient};

/// What normalises one channel: (value − mean) · `inverse_deviation`.
#[derive(Clone, Debug)]
pub(crate) struct Normaliser<T> {
    pub(crate) mean: Vec<T>,
    pub(crate) inverse_deviation: Vec<T>,
}

impl<T: Element> Normaliser<T> {
    pub(crate) fn new(mean: &[T], variance: &[T], epsilon: f64) -> Self {
        let inverse = |variance: &T| T::from_f64(1.0 / (variance.to_f64() + epsilon).sqrt());
        Self { mean: mean.to_vec(), inverse_deviation: variance.iter().map(inverse).collect() }
    }
}

impl<T: Element> Normaliser<T> {
    pub(crate) fn to_f64(&self) -> Normaliser<f64> {
        let convert = |values: &[T]| values.iter().map(|value| value.to_f64()).collect();
        Normaliser {
            mean: convert(&self.mean),
            inverse_deviation: convert(&self.inverse_deviation),
        }
    }
}

impl Normaliser<f64> {
    pub(crate) fn to<T: Element>(&self) -> Normaliser<T> {
        let convert = |values: &[f64]| values.iter().map(|&value| T::from_f64(value)).collect();
        Normaliser {
            mean: convert(&self.mean),
            inverse_deviation: convert(&self.inverse_deviation),
        }
    }
}

/// γ · x̂ + β, row by row, and ReLU of that where `rectified`.
pub(crate) fn forward<T: Element>(
    values: &[T],
    (gamma, beta): (&[T], &[T]),
    normaliser: &Normaliser<T>,
    rectified: bool,
) -> Vec<T> {
    let slopes = slopes(gamma, normaliser);
    // A column too few would leave memory unwritten.
    let columns = [slopes.len(), beta.len(), normaliser.mean.len()];
    assert_eq!(columns, [gamma.len(); 3], "slopes, shifts and means of batch norm");
    let write = |places: &mut [MaybeUninit<T>], range: Range<usize>| {
        let lines = (&normaliser.mean[..], &slopes[..], beta);
        if rectified {
            vectorised!(rectified_affine::<T>(&values[range], lines, places));
        } else {
            vectorised!(affine::<T>(&values[range], lines, places));
        }
    };
    // SAFETY: one value is written for each.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    unsafe {
        parts::written(values.len(), gamma.len(), write).0
    }
}

/// γ · inverse deviation of each channel.
pub(crate) fn slopes<T: Element>(gamma: &[T], normaliser: &Normaliser<T>) -> Vec<T> {
    let pairs = gamma.iter().zip(&normaliser.inverse_deviation);
    pairs.map(|(&gamma, &inverse)| gamma * inverse).collect()
}

/// Mean, slope and shift of each column.
type Lines<'a, T> = (&'a [T], &'a [T], &'a [T]);

#[inline(always)]
fn affine<T: Element, const FUSED: bool>(
    values: &[T],
    lines: Lines<'_, T>,
    places: &mut [MaybeUninit<T>],
) {
    each_affine::<T, FUSED>(values, lines, places, |value| value);
}

#[inline(always)]
fn rectified_affine<T: Element, const FUSED: bool>(
    values: &[T],
    lines: Lines<'_, T>,
    places: &mut [MaybeUninit<T>],
) {
    each_affine::<T, FUSED>(values, lines, places, relu);
}

/// What `then` makes of each (value − mean) · slope + shift.
#[inline(always)]
fn each_affine<T: Element, const FUSED: bool>(
    values: &[T],
    (means, slopes, beta): Lines<'_, T>,
    places: &mut [MaybeUninit<T>],
    then: impl Fn(T) -> T,
) {
    let (means, slopes, beta) = (repeated(means), repeated(slopes), repeated(beta));
    let wide = means.len().max(1);
    for (values, places) in values.chunks(wide).zip(places.chunks_mut(wide)) {
        let columns = means.iter().zip(&slopes).zip(&beta);
        for ((&value, place), ((&mean, &slope), &beta)) in values.iter().zip(places).zip(columns) {
            place.write(then(T::mul_add::<FUSED>(value - mean, slope, beta)));
        }
    }
}

/// max(value, 0) of each value, in its place.
pub(crate) fn rectify<T: Element>(values: &mut [T], channels: usize) {
    parts::for_each(values.chunks_mut(part(values.len(), channels)), |values| {
        vectorised!(rectify_part::<T>(values));
    });
}

#[inline(always)]
fn rectify_part<T: Element, const FUSED: bool>(values: &mut [T]) {
    values.iter_mut().for_each(|value| *value = relu(*value));
}

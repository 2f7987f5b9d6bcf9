//! Products of a matrix that is mostly zeros, such as images of digits: what is zero is not multiplied.
//!
//! Two rows of it go together, and of the other matrix the rows are read that one of the two has a factor for: a row
//! that is read for one alone waits for its loads, and in more than two rows fewer places are zero in all. What is
//! left out would add zero, so the sums are those of a dense product that adds from first to last, as `gemm` does in
//! depths of up to 512 for outputs of more than 64 rows or columns: there, with a multiply-add, no bit differs.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use self::rows::{Places, Rows, TOGETHER};
use super::matmul::{ENOUGH, Matrix};
use super::transposed::transpose;
use super::vectorised;
use crate::element::Element;
use crate::threads::threads;

mod rows;

/// Whether so much of `matrix` is zero that to leave it out takes less time than to multiply it, where each of its
/// values is multiplied by so many of another one.
///
/// Sixteen rows speak for all: where they mislead, it takes longer and gives the same within rounding.
pub(crate) fn is_sparse<T: Element>(matrix: Matrix<'_, T>, factors: usize) -> bool {
    /// Rows below which transposing the other matrix takes as long as multiplying by it.
    const LEAST_ROWS: usize = 64;
    /// Factors below which finding what is not zero takes as long as multiplying it.
    const LEAST_FACTORS: usize = 32;
    const LOOKED_AT: usize = 16;
    if matrix.rows() < LEAST_ROWS || factors < LEAST_FACTORS || matrix.columns() == 0 {
        return false;
    }
    let looked_at = (0..matrix.rows()).step_by(matrix.rows() / LOOKED_AT).take(LOOKED_AT);
    let zeros = |row: &[T]| row.iter().filter(|value| **value == T::ZERO).count();
    let zeros: usize = looked_at.map(|row| zeros(matrix.row(row))).sum();
    3 * zeros >= 2 * LOOKED_AT * matrix.columns()
}

/// input · weightᵀ, or nothing where there are no inputs, or the weight has an infinity or a NaN, which times zero is
/// no zero.
pub(crate) fn weighted<T: Element>(input: Matrix<'_, T>, weight: Matrix<'_, T>) -> Option<Vec<T>> {
    if input.columns() == 0 || !finite(weight) {
        return None;
    }
    let (rows, outputs) = (input.rows(), weight.rows());
    let mut result = Box::new_uninit_slice(rows * outputs);
    let part = part(outputs, rows * outputs, input.columns());
    // Of each row the outputs of one part, and of the next.
    let mut parts: Vec<Vec<&mut [MaybeUninit<T>]>> =
        (0..outputs.div_ceil(part)).map(|_| Vec::with_capacity(rows)).collect();
    for row in result.chunks_exact_mut(outputs.max(1)) {
        for (part, own) in parts.iter_mut().zip(row.chunks_mut(part)) {
            part.push(own);
        }
    }
    let weights: Vec<_> = weight.bands(part).collect();
    // A part too few on one side would leave memory unwritten.
    assert_eq!(parts.len(), weights.len(), "parts of outputs and of weights");
    parts.into_par_iter().zip(weights).for_each(|(result, (_, weight))| {
        super::arch().dispatch(Weighted { input, weight: Rows::transposed(weight), result });
    });
    // SAFETY: each part writes its outputs of all rows, and the parts are all there is.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    let result = unsafe { result.assume_init() };
    Some(result.into_vec())
}

/// gradientᵀ · input, or nothing where the gradient has an infinity or a NaN.
pub(crate) fn weight_gradient<T: Element>(
    gradient: Matrix<'_, T>,
    input: Matrix<'_, T>,
) -> Option<Vec<T>> {
    if !finite(gradient) {
        return None;
    }
    let (inputs, outputs) = (input.columns(), gradient.columns());
    let mut result = Box::new_uninit_slice(outputs * inputs);
    let part = part(outputs, outputs * inputs, input.rows());
    result.par_chunks_mut((part * inputs).max(1)).enumerate().for_each(|(index, result)| {
        let first = index * part;
        let gradient = Rows::copied(gradient, first..outputs.min(first + part));
        super::arch().dispatch(WeightGradient { gradient, input, result });
    });
    // SAFETY: each part writes the gradients of all its outputs' weights, and the parts are all there is.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    let result = unsafe { result.assume_init() };
    Some(result.into_vec())
}

/// How many outputs a thread takes: what it multiplies by it copies itself, and so has it in its own cache.
fn part(outputs: usize, results: usize, depth: usize) -> usize {
    const TOGETHER: usize = 16;
    let threads = (results.saturating_mul(depth) / ENOUGH).clamp(1, threads());
    outputs.div_ceil(threads).next_multiple_of(TOGETHER).max(1)
}

/// Whether no value is infinite or NaN.
fn finite<T: Element>(matrix: Matrix<'_, T>) -> bool {
    vectorised!(all_finite::<T>(matrix.values()))
}

#[inline(always)]
fn all_finite<T: Element, const FUSED: bool>(values: &[T]) -> bool {
    // An infinity or NaN times zero is NaN, and equals nothing.
    let finite = |all: bool, value: &T| all & (*value * T::ZERO == T::ZERO);
    values.chunks(1024).all(|values| values.iter().fold(true, finite))
}

/// Some outputs of all rows.
struct Weighted<'a, T> {
    input: Matrix<'a, T>,
    weight: Rows<T>,
    /// Their places in each row.
    result: Vec<&'a mut [MaybeUninit<T>]>,
}

impl<T: Element> WithSimd for Weighted<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { input, weight, mut result } = self;
        let mut places = Places::new(input.columns());
        for (pair, results) in result.chunks_mut(TOGETHER).enumerate() {
            let one = input.row(pair * TOGETHER);
            match results {
                [first, second] => {
                    let rows = [one, input.row(pair * TOGETHER + 1)];
                    weight.combine(simd, rows, places.of(rows), [first, second]);
                }
                [last] => weight.combine(simd, [one; 2], places.of([one; 2]), [last, &mut []]),
                _ => {}
            }
        }
    }
}

/// The gradients of some outputs' weights.
struct WeightGradient<'a, T> {
    /// Of these outputs alone.
    gradient: Rows<T>,
    input: Matrix<'a, T>,
    result: &'a mut [MaybeUninit<T>],
}

impl<T: Element> WithSimd for WeightGradient<'_, T> {
    type Output = ();

    /// A few columns of the input at a time, which stay in the nearest cache as rows, and so do their sums.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        const AT_ONCE: usize = 16;
        let Self { gradient, input, result } = self;
        result.fill(MaybeUninit::new(T::ZERO));
        // SAFETY: each place was filled.
        #[expect(unsafe_code, reason = "new memory is filled by the thread that goes on with it")]
        let result = unsafe { result.assume_init_mut() };
        let (rows, inputs) = (input.rows(), input.columns());
        let outputs = result.len() / inputs;
        let mut columns = vec![T::ZERO; AT_ONCE * rows];
        let mut sums = Box::new_uninit_slice(AT_ONCE * outputs);
        let mut places = Places::new(rows);
        for input_column in (0..inputs).step_by(AT_ONCE) {
            let width = AT_ONCE.min(inputs - input_column);
            let values = &input.values()[input_column..];
            transpose((values, inputs), (rows, width), (&mut columns, rows));
            for (pair, sums) in sums[..width * outputs].chunks_mut(TOGETHER * outputs).enumerate() {
                let left = &columns[pair * TOGETHER * rows..width * rows];
                let one = &left[..rows];
                let rows = [one, left.get(rows..2 * rows).unwrap_or(one)];
                let (first, second) = sums.split_at_mut(outputs);
                gradient.combine(simd, rows, places.of(rows), [first, second]);
            }
            // SAFETY: the outputs' sums of so many columns were written.
            #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
            let sums = unsafe { sums[..width * outputs].assume_init_ref() };
            transpose((sums, outputs), (width, outputs), (&mut result[input_column..], inputs));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::matmul::product;

    /// Quarters, of which one in `some` is not zero: no sum of theirs is rounded.
    fn values<T: Element>(count: usize, some: usize) -> Vec<T> {
        let quarter = |place: usize| (place * 7 % 9) as f64 / 4.0 - 1.0;
        let hashed = |place: usize| place.wrapping_mul(0x9e37_79b9) >> 7;
        let value = |place| if hashed(place) % some == 0 { quarter(hashed(place)) } else { 0.0 };
        (0..count).map(|place| T::from_f64(value(place))).collect()
    }

    fn same_as_dense<T: Element>() {
        // Rows alone and in pairs; all widths of a panel and of the last one; columns that end within a block.
        let sizes = (1..=130).step_by(3).map(|outputs| (7, 33, outputs));
        for (rows, inputs, outputs) in sizes.chain([(1, 1, 1), (64, 16, 32), (65, 17, 200)]) {
            let (input, weight) = (values::<T>(rows * inputs, 4), values::<T>(outputs * inputs, 1));
            let gradient = values::<T>(rows * outputs, 1);
            let input = Matrix::new(&input, rows, inputs);
            let weight = Matrix::new(&weight, outputs, inputs);
            let gradient = Matrix::new(&gradient, rows, outputs);
            let expected = product(input, weight.transposed());
            assert!(weighted(input, weight) == Some(expected), "{rows}×{inputs}×{outputs}");
            let expected = product(gradient.transposed(), input);
            let found = weight_gradient(gradient, input);
            assert!(found == Some(expected), "gradient, {rows}×{inputs}×{outputs}");
        }
    }

    #[test]
    fn gives_what_the_dense_product_gives() {
        same_as_dense::<f32>();
        same_as_dense::<f64>();
    }

    /// Where sums are rounded: with the sizes of the networks' first layers no bit differs.
    #[test]
    fn is_rounded_as_the_dense_product_is() {
        if matches!(crate::kernels::arch(), pulp::Arch::Scalar) {
            return;
        }
        let wave = |count: usize| (0..count).map(|place| (place as f32 * 1.7).sin());
        for (rows, inputs, outputs) in [(200, 392, 200), (1000, 196, 200), (400, 196, 84)] {
            let input: Vec<f32> =
                wave(rows * inputs).map(|x| if x > 0.6 { x } else { 0.0 }).collect();
            let weight: Vec<f32> = wave(outputs * inputs).collect();
            let gradient: Vec<f32> = wave(rows * outputs).collect();
            let input = Matrix::new(&input, rows, inputs);
            let weight = Matrix::new(&weight, outputs, inputs);
            let gradient = Matrix::new(&gradient, rows, outputs);
            assert!(is_sparse(input, outputs));
            let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
            let dense = bits(product(input, weight.transposed()));
            assert!(bits(weighted(input, weight).unwrap()) == dense);
            let (dense, deep) = (product(gradient.transposed(), input), rows > 512);
            let same = bits(weight_gradient(gradient, input).unwrap()) == bits(dense);
            // Beyond that depth `gemm` adds up stretches: so it was not that which was compared with itself.
            assert_eq!(same, !deep, "{rows}×{inputs}×{outputs}");
        }
    }

    #[test]
    fn what_is_zero_counts_where_the_rest_is_finite() {
        for worst in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let zeros = [0.0; 6];
            let mut other = [f32::MAX; 6];
            let input = Matrix::new(&zeros, 2, 3);
            assert_eq!(weighted(input, Matrix::new(&other, 2, 3)), Some(vec![0.0; 4]));
            other[4] = worst;
            assert_eq!(weighted(input, Matrix::new(&other, 2, 3)), None);
            assert_eq!(weight_gradient(Matrix::new(&other, 2, 3), input), None);
        }
        assert_eq!(weighted(Matrix::new(&[0f32; 0], 2, 0), Matrix::new(&[], 3, 0)), None);
    }

    #[test]
    fn is_chosen_where_two_thirds_are_zero() {
        let is = |rows: usize, columns: usize, some: usize, factors: usize| {
            let values: Vec<f32> = (0..rows * columns).map(|i| f32::from(i % some == 0)).collect();
            is_sparse(Matrix::new(&values, rows, columns), factors)
        };
        assert!(is(200, 390, 3, 200) && is(64, 3, 3, 32) && is(1000, 4, 4, 84));
        assert!(!is(200, 392, 2, 200), "half of it is zero");
        assert!(!is(63, 392, 3, 200) && !is(200, 392, 3, 31), "there is little to multiply");
        assert!(!is(0, 392, 3, 200) && !is(200, 0, 3, 200));
    }
}

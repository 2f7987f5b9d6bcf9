//! A safe door to the `gemm` crate.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use crate::element::Element;

/// A matrix of `rows` × `columns` in a slice, at any strides.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a, T> {
    values: &'a [T],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// The row-major matrix that fills `values`.
    pub(crate) fn new(values: &'a [T], rows: usize, columns: usize) -> Self {
        assert_eq!(values.len(), rows * columns, "matrix of {rows} by {columns}");
        Self { values, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// As many rows at a time, the last ones may be fewer.
    fn bands(self, rows: usize) -> Vec<Self> {
        (0..self.rows)
            .step_by(rows)
            .map(|first| Self {
                values: self.values.get(first * self.row_stride..).unwrap_or_default(),
                rows: rows.min(self.rows - first),
                ..self
            })
            .collect()
    }

    pub(crate) fn transposed(self) -> Self {
        Self {
            values: self.values,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}

/// `output` (row-major) = left · right, added to what `output` holds where `accumulate`.
pub(crate) fn matmul<T: Element>(
    output: &mut [T],
    left: Matrix<'_, T>,
    right: Matrix<'_, T>,
    accumulate: bool,
) {
    multiply_in_bands(places(output), left, right, accumulate);
}

/// [`matmul`] without accumulation, where the threads have other work already.
pub(crate) fn matmul_on_this_thread<T: Element>(
    output: &mut [T],
    left: Matrix<'_, T>,
    right: Matrix<'_, T>,
) {
    multiply(places(output), left, right, false);
}

/// left · right, row-major.
pub(crate) fn product<T: Element>(left: Matrix<'_, T>, right: Matrix<'_, T>) -> Vec<T> {
    let length = left.rows * right.columns;
    let mut output = Vec::with_capacity(length);
    multiply_in_bands(&mut output.spare_capacity_mut()[..length], left, right, false);
    // SAFETY: without accumulation `gemm` writes every value, zero where the depth is zero.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    unsafe {
        output.set_len(length);
    }
    output
}

/// Values as places to write to.
fn places<T>(values: &mut [T]) -> &mut [MaybeUninit<T>] {
    // SAFETY: the layouts are the same, and what gets the places writes values alone.
    #[expect(unsafe_code, reason = "a slice of values is one of places that hold some")]
    unsafe {
        &mut *(std::ptr::from_mut(values) as *mut [MaybeUninit<T>])
    }
}

fn multiply_in_bands<T: Element>(
    output: &mut [MaybeUninit<T>],
    left: Matrix<'_, T>,
    right: Matrix<'_, T>,
    accumulate: bool,
) {
    assert_eq!(output.len(), left.rows * right.columns, "output of a matrix product");
    let band = band(left, right);
    let bands = output.par_chunks_mut((band * right.columns).max(1)).zip(left.bands(band));
    bands.for_each(|(output, left)| multiply(output, left, right, accumulate));
}

/// Multiplications with an addition below which a thread is not worth its waking.
const ENOUGH: usize = 500_000;

/// How many rows of the output one thread takes.
///
/// The bytes of the output do not depend on it: `gemm` splits the sum over the depth at places that
/// follow from the depth alone, but for outputs of up to 64×64, or a few dozen values, or one row
/// or column; none of these becomes a band.
fn band<T>(left: Matrix<'_, T>, right: Matrix<'_, T>) -> usize {
    let threads = rayon::current_num_threads();
    let rows = left.rows.div_ceil(threads).next_multiple_of(8);
    let alike = right.columns > 64 || (rows > 64 && right.columns > 16);
    let enough = rows * right.columns * left.columns >= ENOUGH;
    if threads > 1 && alike && enough { rows } else { left.rows.max(1) }
}

/// The output has values already where `accumulate`.
fn multiply<T: Element>(
    output: &mut [MaybeUninit<T>],
    left: Matrix<'_, T>,
    right: Matrix<'_, T>,
    accumulate: bool,
) {
    let (rows, columns, depth) = (left.rows, right.columns, left.columns);
    assert_eq!(depth, right.rows, "inner sizes of a matrix product");
    assert_eq!(output.len(), rows * columns, "output of a matrix product");
    // SAFETY: both matrices lie within their slices, because `Matrix::new` checked rows · columns
    // against the length, transposing only swaps the strides, and a band begins at one of the rows
    // and has no more than are left; the output is row-major and was checked above; it is borrowed
    // mutably, so it overlaps neither input. T is f32 or f64, which `gemm` has kernels for.
    #[expect(unsafe_code, reason = "gemm's interface is raw pointers")]
    unsafe {
        gemm::gemm(
            rows,
            columns,
            depth,
            output.as_mut_ptr().cast::<T>(),
            1,
            columns as isize,
            accumulate,
            left.values.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.values.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            T::ONE,
            T::ONE,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

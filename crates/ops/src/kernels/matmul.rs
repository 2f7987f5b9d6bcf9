//! A safe door to the `gemm` crate.

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
    assert_eq!(output.len(), left.rows * right.columns, "output of a matrix product");
    // SAFETY: the output was checked above; it is borrowed mutably, so it overlaps neither input.
    #[expect(unsafe_code, reason = "the output is a pointer")]
    unsafe {
        multiply(output.as_mut_ptr(), left, right, accumulate, all_threads());
    }
}

/// [`matmul`] without accumulation, where the threads have other work already.
pub(crate) fn matmul_on_this_thread<T: Element>(
    output: &mut [T],
    left: Matrix<'_, T>,
    right: Matrix<'_, T>,
) {
    assert_eq!(output.len(), left.rows * right.columns, "output of a matrix product");
    // SAFETY: as in `matmul`.
    #[expect(unsafe_code, reason = "the output is a pointer")]
    unsafe {
        multiply(output.as_mut_ptr(), left, right, false, gemm::Parallelism::None);
    }
}

/// left · right, row-major.
pub(crate) fn product<T: Element>(left: Matrix<'_, T>, right: Matrix<'_, T>) -> Vec<T> {
    let length = left.rows * right.columns;
    let mut output = Vec::with_capacity(length);
    // SAFETY: the memory is new, and as large as the output; `multiply` writes all of it, since
    // without accumulation `gemm` sets every value, to zero where the depth is zero.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    unsafe {
        multiply(output.as_mut_ptr(), left, right, false, all_threads());
        output.set_len(length);
    }
    output
}

/// Threads share out rows and columns, never the sum over the depth: the bytes stay the same.
fn all_threads() -> gemm::Parallelism {
    match rayon::current_num_threads() {
        1 => gemm::Parallelism::None,
        threads => gemm::Parallelism::Rayon(threads),
    }
}

/// # Safety
///
/// `output` has room for left.rows · right.columns values that overlap neither matrix; where
/// `accumulate`, they are initialised.
#[expect(unsafe_code, reason = "gemm's interface is raw pointers")]
unsafe fn multiply<T: Element>(
    output: *mut T,
    left: Matrix<'_, T>,
    right: Matrix<'_, T>,
    accumulate: bool,
    parallelism: gemm::Parallelism,
) {
    let (rows, columns, depth) = (left.rows, right.columns, left.columns);
    assert_eq!(depth, right.rows, "inner sizes of a matrix product");
    // SAFETY: both matrices lie within their slices, because `Matrix::new` checked rows · columns
    // against the length and transposing only swaps the strides; the output is row-major, and
    // what the caller promises. T is f32 or f64, which `gemm` has kernels for.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            depth,
            output,
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
            parallelism,
        );
    }
}

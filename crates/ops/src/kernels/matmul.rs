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
    // Threads share out rows and columns, never the sum over the depth: the bytes stay the same.
    let parallelism = match rayon::current_num_threads() {
        1 => gemm::Parallelism::None,
        threads => gemm::Parallelism::Rayon(threads),
    };
    multiply(output, left, right, accumulate, parallelism);
}

/// [`matmul`] where the threads have other work already.
pub(crate) fn matmul_on_this_thread<T: Element>(
    output: &mut [T],
    left: Matrix<'_, T>,
    right: Matrix<'_, T>,
    accumulate: bool,
) {
    multiply(output, left, right, accumulate, gemm::Parallelism::None);
}

fn multiply<T: Element>(
    output: &mut [T],
    left: Matrix<'_, T>,
    right: Matrix<'_, T>,
    accumulate: bool,
    parallelism: gemm::Parallelism,
) {
    let (rows, columns, depth) = (left.rows, right.columns, left.columns);
    assert_eq!(depth, right.rows, "inner sizes of a matrix product");
    assert_eq!(output.len(), rows * columns, "output of a matrix product");
    // SAFETY: the three matrices lie within their slices, because `Matrix::new` checked
    // rows · columns against the length and transposing only swaps the strides; the output is
    // row-major and was checked above; it is borrowed mutably, so it overlaps neither input. T is
    // f32 or f64, which `gemm` has kernels for.
    #[expect(unsafe_code, reason = "gemm's interface is raw pointers")]
    unsafe {
        gemm::gemm(
            rows,
            columns,
            depth,
            output.as_mut_ptr(),
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

//! Matrix products: a safe door to the `gemm` crate, and kernels for where that takes longer.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicPtr, Ordering};

pub(crate) use self::matrix::Matrix;
use crate::element::Element;
use crate::kernels::parts;
use crate::kernels::transposed::transposed;
use crate::memory::{places, unwritten};
use crate::threads::threads;

mod dots;
mod matrix;
mod small;
pub(super) mod tile;

/// `output` (row-major) = left · right, where the threads have other work already.
pub(crate) fn matmul_on_this_thread<T: Element>(
    output: &mut [T],
    left: Matrix<'_, T>,
    right: Matrix<'_, T>,
) {
    multiply(places(output), (left, right), (left.rows, right.columns), false);
}

/// As [`matmul_on_this_thread`], added to what `output` holds.
pub(crate) fn add_matmul_on_this_thread<T: Element>(
    output: &mut [T],
    left: Matrix<'_, T>,
    right: Matrix<'_, T>,
) {
    multiply(places(output), (left, right), (left.rows, right.columns), true);
}

/// left · right, row-major.
pub(crate) fn product<T: Element>(left: Matrix<'_, T>, right: Matrix<'_, T>) -> Vec<T> {
    if dots::fits(left, right) {
        return dots::product(left, right);
    }
    if small::fits(left, right) {
        return small::product(left, right);
    }
    if turns(left, right) {
        let (weights, batch) = (right.transposed(), left.transposed());
        let turned = if small::fits(weights, batch) {
            small::product(weights, batch)
        } else {
            in_parts(weights, batch, Split::Rows)
        };
        return transposed(&turned, right.columns, left.rows);
    }
    in_parts(left, right, if left.is_row_major() { Split::Columns } else { Split::Rows })
}

/// Whether the transpose of the output takes less time, and is turned afterwards, with the same bits.
///
/// Where the rows of both lie in memory one after another, as those of a batch and of weights do, `gemm` turns the
/// right one to pack it, which takes longer than to multiply by it where the batch has few rows. Of the transpose it
/// packs those few.
pub(super) fn turns<T: Copy>(left: Matrix<'_, T>, right: Matrix<'_, T>) -> bool {
    let packed = left.is_row_major() && !right.is_row_major();
    packed && left.rows <= right.columns / 2 && summed_alike(left.rows, right.columns)
}

/// left · right, row-major, by threads that share the output's columns or rows.
fn in_parts<T: Element>(left: Matrix<'_, T>, right: Matrix<'_, T>, split: Split) -> Vec<T> {
    let mut output = unwritten(left.rows * right.columns);
    multiply(&mut output, (left, right), part(left, right, split), false);
    // SAFETY: `gemm` writes every value, zero where the depth is zero.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    let output = unsafe { output.assume_init() };
    output.into_vec()
}

/// Multiplications with an addition below which a thread is not worth its waking.
pub(super) const ENOUGH: usize = 150_000;

/// What of the output threads share where both are possible: its columns, since `gemm` packs the right matrix anew
/// for each part, or its rows.
#[derive(Clone, Copy)]
enum Split {
    Columns,
    Rows,
}

/// How many rows and columns of the output one thread takes.
///
/// A product of which any part would not be [`summed_alike`] stays whole, so its bytes do not depend on the threads.
fn part<T: Copy>(left: Matrix<'_, T>, right: Matrix<'_, T>, split: Split) -> (usize, usize) {
    let whole = (left.rows, right.columns);
    let threads = threads();
    if threads == 1 {
        return whole;
    }
    // A thread's share, and what that leaves for the last one.
    let share = |size: usize, step: usize| {
        let share = size.div_ceil(threads).next_multiple_of(step);
        (share, size.saturating_sub(1) % share.max(1) + 1)
    };
    let enough = |(rows, columns): (usize, usize)| {
        rows.saturating_mul(columns).saturating_mul(left.columns) >= ENOUGH
    };
    let (columns, last_columns) = share(right.columns, 16);
    let some_columns = (left.rows, columns);
    let alike = summed_alike(left.rows, columns.min(last_columns));
    if matches!(split, Split::Columns) && enough(some_columns) && alike {
        return some_columns;
    }
    let (rows, last_rows) = share(left.rows, 8);
    let some_rows = (rows, right.columns);
    let alike = summed_alike(rows.min(last_rows), right.columns);
    if enough(some_rows) && alike { some_rows } else { whole }
}

/// Whether `gemm` computes an output of this size in the way whose sums follow from the depth alone.
///
/// Its version 0.19 splits the sum over the depth at places that follow from the depth, and adds up
/// each stretch from first to last. It does so in another order where an output has one row or column
/// or up to 256 values, and at other places where it has up to 64 rows and 64 columns
/// (`gemm_basic_generic` in `gemm-common`). More than 64 by 4 or more is none of these, nor is any
/// output of which that is a part.
fn summed_alike(rows: usize, columns: usize) -> bool {
    rows.min(columns) >= 4 && rows.max(columns) > 64
}

/// Whether [`product`] copies the right matrix first, if it does not turn the output.
pub(super) fn spreads<T: Copy>(left: Matrix<'_, T>, right: Matrix<'_, T>) -> bool {
    is_copied(left, right.transposed())
}

/// Whether the columns of a right matrix, as the rows of `right`, are copied to where they are read faster.
fn is_copied<T: Copy>(left: Matrix<'_, T>, right: Matrix<'_, T>) -> bool {
    if right.is_row_major() {
        // By one row `gemm` multiplies without packing anything.
        left.rows > 1 && right.has_critical_stride(1024)
    } else {
        // By up to 48 rows it reads these again for every few of them, by more it packs them.
        (17..=48).contains(&left.rows) && right.has_critical_stride(4096)
    }
}

/// The columns of a right matrix that are multiplied by at a time, as rows, each with the number of the first:
/// all of them, or where they have to be copied first as many as fill a part of the cache.
///
/// None of these is so few that it would not be [`summed_alike`] where all are.
fn bands<T: Copy>(
    right: Matrix<'_, T>,
    copied: bool,
) -> impl Iterator<Item = (usize, Matrix<'_, T>)> {
    const LEAST: usize = 128;
    let count = if copied { (right.rows / LEAST).max(1) } else { 1 };
    (0..count).map(move |band| {
        let (first, last) = (band * LEAST, band + 1 == count);
        let rows = if last { right.rows - first } else { LEAST };
        let values = right.values.get(first * right.row_stride..).unwrap_or_default();
        (first, Matrix { values, rows, ..right })
    })
}

/// Computes parts of `part` rows and columns side by side; where the product is `added`, to values that
/// all of `output` has.
fn multiply<T: Element>(
    output: &mut [MaybeUninit<T>],
    (left, right): (Matrix<'_, T>, Matrix<'_, T>),
    part: (usize, usize),
    added: bool,
) {
    let (columns, depth) = (right.columns, left.columns);
    assert_eq!(depth, right.rows, "inner sizes of a matrix product");
    assert_eq!(output.len(), left.rows * columns, "output of a matrix product");
    let output = AtomicPtr::new(output.as_mut_ptr().cast::<T>());
    let all = left
        .bands(part.0)
        .flat_map(|rows| right.transposed().bands(part.1).map(move |columns| (rows, columns)));
    parts::for_each(all, |((first_row, left), (first_column, right))| {
        let mut room = Vec::new();
        let copied = is_copied(left, right);
        for (first, right) in bands(right, copied) {
            let right = if copied { right.spread(&mut room) } else { right };
            let right = right.transposed();
            let first = first_row * columns + first_column + first;
            // SAFETY: both matrices lie within their slices, because `Matrix::new` checked rows ·
            // columns against the length, transposing only swaps the strides, a band begins at one
            // of the rows and has no more than are left, and one that is spread has been copied whole.
            // The output is row-major, was checked above and is borrowed mutably, so it overlaps neither
            // input; each band of a part is a rectangle of its own within it. T is f32 or f64, which
            // `gemm` has kernels for.
            #[expect(unsafe_code, reason = "gemm's interface is raw pointers")]
            unsafe {
                gemm::gemm(
                    left.rows,
                    right.columns,
                    depth,
                    output.load(Ordering::Relaxed).add(first),
                    1,
                    columns as isize,
                    added,
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
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those that add in another order than `gemm`.
    #[test]
    fn few_columns_and_a_long_way_are_dot_products() {
        let wave: Vec<f32> = (0..32 * 1024).map(|place| (place as f32 * 1.7).sin()).collect();
        let left = Matrix::new(&wave, 32, 1024);
        let right = Matrix::new(&wave[..10 * 1024], 10, 1024).transposed();
        assert!(product(left, right) == dots::product(left, right));
        assert!(product(left, right) != in_parts(left, right, Split::Columns), "rounded alike");
    }

    /// Turned or not, copied or not, whole or by threads.
    #[test]
    fn each_way_to_a_product_has_the_same_bits() {
        let wave = |count: usize| -> Vec<f32> {
            (0..count).map(|place| (place as f32 * 1.7).sin()).collect()
        };
        let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        for (rows, depth, columns) in [
            (4, 70, 66),
            (33, 600, 70),
            (5, 200, 130),
            (32, 256, 300),
            (20, 512, 1024),
            (17, 40, 1024),
        ] {
            let (left, right) = (wave(rows * depth), wave(depth * columns));
            let left = Matrix::new(&left, rows, depth);
            // As rows it begins elsewhere than a critical stride apart.
            let mut spread = Vec::new();
            let given = Matrix::new(&right, depth, columns);
            let plain = given.spread(&mut spread);
            let stored = transposed(&right, depth, columns);
            let by_columns = Matrix::new(&stored, columns, depth).transposed();
            let mut expected = unwritten(rows * columns);
            multiply(&mut expected, (left, plain), (rows, columns), false);
            // SAFETY: `gemm` writes every value.
            #[expect(unsafe_code, reason = "as the product does")]
            let expected = bits(&unsafe { expected.assume_init() });
            for threads in [1, 2, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let of = |right| pool.install(|| bits(&product(left, right)));
                let sizes = format!("{rows}×{depth}×{columns} on {threads} threads");
                assert!(of(given) == expected, "{sizes}");
                assert!(turns(left, by_columns) == (2 * rows <= columns), "{sizes}");
                assert!(of(by_columns) == expected, "{sizes}, the right one by columns");
            }
        }
    }
}

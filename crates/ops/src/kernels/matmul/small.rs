//! Products of which a few columns of the right matrix lie in the nearest caches at their whole depth.
//!
//! `gemm` packs both matrices, and takes rows or columns 64 at a time: of a batch of 200, eight are left to a kernel
//! that has hardly anything to do between its loads. Here eight rows at a time are read as they lie, and three vectors
//! of the right matrix are copied: 24 sums are enough for no multiply-add to wait, where there are 32 registers.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};

use super::tile::Tile;
use super::{ENOUGH, Matrix, summed_alike};
use crate::element::Element;
use crate::kernels::lines::Lines;
use crate::kernels::panel::copy;
use crate::kernels::{dispatch, parts};
use crate::memory::unwritten;
use crate::threads::threads;

/// Rows that are multiplied together.
const ROWS: usize = 8;
/// Vectors of columns that they are multiplied by.
const VECTORS: usize = 3;

/// Rows for which copying the right matrix is little of the work.
const LEAST_ROWS: usize = 64;

/// Whether [`product`] takes less time than `gemm`, and has the same bits.
pub(super) fn fits<T: Element>(left: Matrix<'_, T>, right: Matrix<'_, T>) -> bool {
    /// Below, writing the products is a good part of it.
    const LEAST_DEPTH: usize = 16;
    /// Up to which `gemm`, too, adds from first to last.
    const MOST_DEPTH: usize = 512;
    /// Of a vector hardly used there would be many.
    const LEAST_COLUMNS: usize = 32;
    /// What the second cache holds of the right matrix beside the rest.
    const MOST_VALUES: usize = 1 << 17;
    has_registers()
        && size_of::<T>() == size_of::<f32>()
        && left.is_row_major()
        && left.rows >= LEAST_ROWS
        && (LEAST_DEPTH..=MOST_DEPTH).contains(&left.columns)
        && right.columns >= LEAST_COLUMNS
        && right.rows * right.columns <= MOST_VALUES
        && summed_alike(left.rows, right.columns)
}

/// Whether there are 32 of sixteen values.
fn has_registers() -> bool {
    #[cfg(target_arch = "x86_64")]
    return matches!(crate::kernels::arch(), pulp::Arch::V4(_));
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// left · right, row-major, by threads that share the rows.
pub(super) fn product<T: Element>(left: Matrix<'_, T>, right: Matrix<'_, T>) -> Vec<T> {
    assert_eq!(left.columns, right.rows, "inner sizes of a matrix product");
    let mut result = unwritten(left.rows * right.columns);
    let work = result.len().saturating_mul(left.columns);
    // Each thread copies the right matrix, for so many rows at least.
    let most = threads().min(left.rows / (LEAST_ROWS / 2)).max(1);
    let share = left.rows.div_ceil((work / ENOUGH).clamp(1, most));
    let part = share.next_multiple_of(ROWS).max(1);
    let all = result.chunks_mut((part * right.columns).max(1)).zip(left.bands(part));
    parts::for_each(all, |(result, (_, left))| {
        dispatch(Part { left, right, result });
    });
    // SAFETY: the parts are all there is, and each is written by all its rows and all panels of columns.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    let result = unsafe { result.assume_init() };
    result.into_vec()
}

/// Some rows of a product.
struct Part<'a, T> {
    left: Matrix<'a, T>,
    right: Matrix<'a, T>,
    result: &'a mut [MaybeUninit<T>],
}

impl<T: Element> WithSimd for Part<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (columns, lanes) = (self.right.columns, T::lanes::<S>());
        let vectors = columns.div_ceil(lanes);
        let panels = vectors.div_ceil(VECTORS);
        let mut lines = Lines::unspecified(self.right.rows * VECTORS * lanes);
        let begin = |panel: usize| vectors * panel / panels * lanes;
        for panel in 0..panels {
            let (first, end) = (begin(panel), begin(panel + 1).min(columns));
            match (end - first).div_ceil(lanes) {
                1 => self.panel::<S, 1>(simd, (first, end), &mut lines),
                2 => self.panel::<S, 2>(simd, (first, end), &mut lines),
                _ => self.panel::<S, VECTORS>(simd, (first, end), &mut lines),
            }
        }
    }
}

impl<T: Element> Part<'_, T> {
    /// The columns from `first` to `end`, which are `COUNT` vectors.
    #[inline(always)]
    fn panel<S: Simd, const COUNT: usize>(
        &mut self,
        simd: S,
        (first, end): (usize, usize),
        lines: &mut [T],
    ) {
        let Self { left, right, .. } = *self;
        copy::<T, S, COUNT>(simd, right, 0..right.rows, first..end, lines);
        let whole = left.rows / ROWS * ROWS;
        for row in (0..whole).step_by(ROWS) {
            self.rows::<S, COUNT, ROWS>(simd, row, (first, end), lines);
        }
        for row in whole..left.rows {
            self.rows::<S, COUNT, 1>(simd, row, (first, end), lines);
        }
    }

    /// So many rows from one on.
    #[inline(always)]
    fn rows<S: Simd, const COUNT: usize, const TOGETHER: usize>(
        &mut self,
        simd: S,
        row: usize,
        (first, end): (usize, usize),
        right: &[T],
    ) {
        let (depth, across) = (self.right.rows, self.right.columns);
        simd.vectorize(Tile::<T, S, COUNT, TOGETHER> {
            simd,
            left: (self.left.row_from(row, 0).0, self.left.row_stride),
            depth,
            right,
            products: (&mut self.result[row * across + first..], across),
            columns: end - first,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Split, in_parts};
    use super::*;

    #[test]
    fn has_the_bits_of_gemm() {
        if matches!(crate::kernels::arch(), pulp::Arch::Scalar) {
            return;
        }
        let wave = |count: usize| -> Vec<f32> {
            (0..count).map(|place| (place as f32 * 1.7).sin()).collect()
        };
        for (rows, depth, columns) in [
            (64, 16, 65),
            (200, 196, 200),
            (201, 200, 84),
            (67, 512, 40),
            (70, 33, 100),
            (207, 20, 48),
        ] {
            let (left, right) = (wave(rows * depth), wave(depth * columns));
            let left = Matrix::new(&left, rows, depth);
            for right in [
                Matrix::new(&right, depth, columns),
                Matrix::new(&right, columns, depth).transposed(),
            ] {
                assert_eq!(fits(left, right), has_registers(), "{rows}×{depth}×{columns}");
                let by_gemm = in_parts(left, right, Split::Columns);
                for threads in [1, 3] {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                    let own = pool.unwrap().install(|| product(left, right));
                    let same = own.iter().zip(&by_gemm).all(|(a, b)| a.to_bits() == b.to_bits());
                    assert!(same, "{rows}×{depth}×{columns} on {threads} threads");
                }
            }
        }
    }

    #[test]
    fn is_for_small_products_alone() {
        let values = vec![1f32; 1 << 18];
        let of = |rows, depth, columns| {
            let left = Matrix::new(&values[..rows * depth], rows, depth);
            fits(left, Matrix::new(&values[..depth * columns], depth, columns))
        };
        assert!(!of(63, 200, 200), "copying the right matrix would take long");
        assert!(!of(200, 15, 200) && !of(200, 200, 31), "there is little to multiply");
        assert!(!of(200, 513, 200), "gemm would add up two stretches");
        assert!(!of(64, 512, 300), "the right matrix is large");
        assert!(!of(64, 64, 64), "gemm adds in another order");
        let left = Matrix::new(&values[..200 * 200], 200, 200);
        assert!(!fits(left.transposed(), left), "columns would be read value by value");
    }
}

//! Rows of a matrix that is mostly zeros times some columns of another one.

use std::mem::MaybeUninit;
use std::ops::Range;

use pulp::Simd;

use super::bits::{BITS, not_zero};
use crate::element::Element;
use crate::kernels::lines::{Lines, prefetch};
use crate::kernels::matmul::Matrix;
use crate::kernels::panel::copy;

/// Rows of the right matrix that are multiplied by before the next ones: a bit of a word for each.
const DEPTH: usize = BITS;

/// Vectors of such a row whose sums the registers hold, of which there are sixteen or more. They are enough for a
/// multiply-add not to wait for the one before it.
const MOST_VECTORS: usize = 14;

/// Vectors of such a row of which `DEPTH` times as many lie in the nearest cache, with 28 KiB.
const fn near_vectors<T: Element, S: Simd>() -> usize {
    const BYTES: usize = 28 << 10;
    let near = BYTES / DEPTH / size_of::<T::Vector<S>>();
    if near < MOST_VECTORS { near } else { MOST_VECTORS }
}

/// Some rows of the left matrix, and which of their values are not zero.
pub(super) struct Left<'a, T> {
    matrix: Matrix<'a, T>,
    /// Of the first `DEPTH` values of each row, then of the next ones.
    taken: Vec<u64>,
}

impl<'a, T: Element> Left<'a, T> {
    pub(super) fn new(matrix: Matrix<'a, T>) -> Self {
        Self { matrix, taken: not_zero(matrix) }
    }

    /// Writes the product with `right` to `rows`, and tells whether `right` is finite. Where it is not, what is zero
    /// would have counted, and the result is of no use.
    #[inline(always)]
    pub(super) fn multiply<S: Simd>(
        &self,
        simd: S,
        right: Matrix<'_, T>,
        rows: &mut [&mut [MaybeUninit<T>]],
    ) -> bool {
        let columns = right.columns();
        let sizes = (self.matrix.columns(), self.matrix.rows());
        assert_eq!((right.rows(), rows.len()), sizes, "a product");
        assert!(rows.iter().all(|row| row.len() == columns), "rows of a product");
        let lanes = T::lanes::<S>();
        let vectors = columns.div_ceil(lanes);
        let panels = vectors.div_ceil(near_vectors::<T, S>());
        let width = vectors.div_ceil(panels.max(1)) * lanes;
        let mut panel = Panel { left: self, lines: Lines::unspecified(DEPTH * width) };
        let begin = |index: usize| vectors * index / panels * lanes;
        let mut finite = true;
        for index in 0..panels {
            let own = begin(index)..begin(index + 1).min(columns);
            // What a set of instructions never has is not compiled for it.
            finite &= match own.len().div_ceil(lanes) {
                1 => panel.multiply::<S, 1>(simd, right, own, rows),
                2 => panel.multiply::<S, 2>(simd, right, own, rows),
                3 => panel.multiply::<S, 3>(simd, right, own, rows),
                4 => panel.multiply::<S, 4>(simd, right, own, rows),
                5 => panel.multiply::<S, 5>(simd, right, own, rows),
                6 => panel.multiply::<S, 6>(simd, right, own, rows),
                _ if const { near_vectors::<T, S>() <= 7 } => {
                    panel.multiply::<S, 7>(simd, right, own, rows)
                }
                7 => panel.multiply::<S, 7>(simd, right, own, rows),
                8 => panel.multiply::<S, 8>(simd, right, own, rows),
                9 => panel.multiply::<S, 9>(simd, right, own, rows),
                10 => panel.multiply::<S, 10>(simd, right, own, rows),
                11 => panel.multiply::<S, 11>(simd, right, own, rows),
                12 => panel.multiply::<S, 12>(simd, right, own, rows),
                13 => panel.multiply::<S, 13>(simd, right, own, rows),
                _ => panel.multiply::<S, MOST_VECTORS>(simd, right, own, rows),
            };
        }
        finite
    }

    /// Adds to `result` what comes of a block of one row; before the first it has no values.
    #[inline(always)]
    fn add<S: Simd, const COUNT: usize>(
        &self,
        simd: S,
        (row, block): (usize, usize),
        lines: &[[T::Vector<S>; COUNT]; DEPTH],
        result: &mut [MaybeUninit<T>],
    ) {
        let Self { matrix, taken } = self;
        let mut places = taken[block * matrix.rows() + row];
        // So it is of pixels that are dark in all images, and of an image's corners.
        if places == 0 && block > 0 {
            return;
        }
        let lanes = T::lanes::<S>();
        let (factors, apart) = matrix.row_from(row, block * DEPTH);
        let mut sums = [T::splat(simd, T::ZERO); COUNT];
        if block > 0 {
            // SAFETY: the block before has written all of it.
            #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
            let result = unsafe { result.assume_init_ref() };
            // Only the last vector may be short.
            let (whole, last) = result.split_at((COUNT - 1) * lanes);
            for vector in 0..COUNT - 1 {
                sums[vector] = T::load(simd, &whole[vector * lanes..][..lanes]);
            }
            sums[COUNT - 1] = T::load(simd, last);
        }
        while places != 0 {
            let place = places.trailing_zeros() as usize;
            places &= places - 1;
            let factor = T::splat(simd, factors[place * apart]);
            for vector in 0..COUNT {
                sums[vector] = T::fma(simd, factor, lines[place][vector], sums[vector]);
            }
        }
        let (whole, last) = result.split_at_mut((COUNT - 1) * lanes);
        for vector in 0..COUNT - 1 {
            T::write(simd, &mut whole[vector * lanes..][..lanes], sums[vector]);
        }
        T::write(simd, last, sums[COUNT - 1]);
    }
}

/// Room to multiply by some columns at a time.
struct Panel<'a, T: Element> {
    left: &'a Left<'a, T>,
    /// Some rows of these columns, each from the beginning of a cache line on.
    lines: Lines<T>,
}

impl<T: Element> Panel<'_, T> {
    /// Writes the product with some columns of `right`, which are `COUNT` vectors, to those of `products`, and tells
    /// whether they are finite.
    #[inline(always)]
    fn multiply<S: Simd, const COUNT: usize>(
        &mut self,
        simd: S,
        right: Matrix<'_, T>,
        columns: Range<usize>,
        products: &mut [&mut [MaybeUninit<T>]],
    ) -> bool {
        let depth = right.rows();
        let mut finite = true;
        for (block, first) in (0..depth).step_by(DEPTH).enumerate() {
            let rows = first..depth.min(first + DEPTH);
            copy::<T, S, COUNT>(simd, right, rows.clone(), columns.clone(), &mut self.lines);
            let width = COUNT * T::lanes::<S>();
            finite &= all_finite::<T>(&self.lines[..rows.len() * width]);
            // A word's bits tell as many places, and none of them is asked whether it is one.
            let lines = T::vectors::<S>(&self.lines).as_chunks::<COUNT>().0;
            let lines = lines.first_chunk::<DEPTH>().expect("room for so many rows");
            let mut next = next_block(right, rows, columns.clone());
            let asked_for = next.len().div_ceil(products.len());
            for (row, result) in products.iter_mut().enumerate() {
                for values in next.by_ref().take(asked_for) {
                    prefetch(values);
                }
                let result = &mut result[columns.clone()];
                self.left.add::<S, COUNT>(simd, (row, block), lines, result);
            }
        }
        finite
    }
}

/// What lies in memory one after another of the rectangle of `matrix` that is copied after this one: the one below, or
/// else the one at the top of the next columns.
#[inline(always)]
fn next_block<'a, T: Element>(
    matrix: Matrix<'a, T>,
    rows: Range<usize>,
    columns: Range<usize>,
) -> impl ExactSizeIterator<Item = &'a [T]> {
    let below = rows.end..matrix.rows().min(rows.end + DEPTH);
    let (rows, columns) = if below.is_empty() {
        let beside = columns.end..matrix.columns().min(columns.end + columns.len());
        (0..matrix.rows().min(DEPTH), beside)
    } else {
        (below, columns)
    };
    let (stored, rows, columns) = if matrix.is_row_major() {
        (matrix, rows, columns)
    } else {
        (matrix.transposed(), columns, rows)
    };
    rows.map(move |row| &stored.row(row)[columns.clone()])
}

/// Whether no value is infinite or NaN.
#[inline(always)]
fn all_finite<T: Element>(values: &[T]) -> bool {
    const TOGETHER: usize = 64;
    // An infinity or NaN times zero is NaN, and so is a sum with it.
    let mut zeros = [T::ZERO; TOGETHER];
    let (all, rest) = values.as_chunks::<TOGETHER>();
    for values in all {
        for place in 0..TOGETHER {
            zeros[place] = T::mul_add::<true>(values[place], T::ZERO, zeros[place]);
        }
    }
    let finite = |value: &T| *value * T::ZERO == T::ZERO;
    zeros.iter().all(finite) && rest.iter().all(finite)
}

//! Products of a matrix of which a good part is zero, such as images of digits or what has come back through a ReLU:
//! what is zero is not multiplied.
//!
//! Of each row of it, bits tell what is to be multiplied, and what of the other matrix it is multiplied by lies in the
//! nearest cache. What is left out would add zero, so the sums are those of a dense product that adds from first to
//! last, as `gemm` does in depths of up to 512 for outputs of more than 64 rows or columns: there, with a
//! multiply-add, no bit differs.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};

pub(super) use self::bits::{BITS, not_zero};
use self::panels::Left;
use super::matmul::{ENOUGH, Matrix, spreads, turns};
use super::{dispatch, parts, vectorised};
use crate::element::Element;
use crate::memory::unwritten;
use crate::threads::threads;

mod bits;
mod panels;

/// Which share of `matrix`, row-major, is zero.
///
/// Sixteen rows speak for all: where they mislead, a product takes longer and gives the same within rounding.
pub(crate) fn zeros<T: Element>(matrix: Matrix<'_, T>) -> f64 {
    const LOOKED_AT: usize = 16;
    let apart = (matrix.rows() / LOOKED_AT).max(1);
    let looked_at = (0..matrix.rows()).step_by(apart).take(LOOKED_AT);
    let of_row = |row: usize| vectorised!(zeros_of::<T>(matrix.row(row)));
    let zeros: usize = looked_at.clone().map(of_row).sum();
    zeros as f64 / (looked_at.len() * matrix.columns()).max(1) as f64
}

#[inline(always)]
fn zeros_of<T: Element, const FUSED: bool>(values: &[T]) -> usize {
    let zeros =
        |values: &[T]| -> u8 { values.iter().map(|&value| u8::from(value == T::ZERO)).sum() };
    values.chunks(128).map(|values| usize::from(zeros(values))).sum()
}

/// Whether to leave out what is zero of `left`, of which that is such a share, takes less time than to multiply it.
pub(crate) fn pays<T: Element>(left: Matrix<'_, T>, zeros: f64, right: Matrix<'_, T>) -> bool {
    /// Rows below which copying the other matrix takes as long as is saved.
    const LEAST_ROWS: usize = 32;
    /// Columns below which finding what is not zero takes as long as multiplying it.
    const LEAST_COLUMNS: usize = 32;
    // A dense product loads a vector for several multiplications, this one for each.
    let longer = match super::arch() {
        // Without a multiply-add it would be rounded otherwise than by `gemm`.
        pulp::Arch::Scalar => return false,
        #[cfg(target_arch = "x86_64")]
        pulp::Arch::V4(_) => 1.8,
        _ => 1.4,
    };
    // Rows that a dense product multiplies while the other matrix is copied, or turned, which `gemm` may have to, too;
    // where a dense product has it copied for its stride, that takes longer.
    let copying = if turns(left, right) {
        15.0
    } else if spreads(left, right) {
        -8.0
    } else {
        5.0
    };
    let (rows, columns) = (left.rows(), right.columns());
    rows >= LEAST_ROWS
        && columns >= LEAST_COLUMNS
        && (1.0 - zeros) * longer + copying / rows as f64 <= 1.0
}

/// left · right, or nothing where the depth is zero, or `right` has an infinity or a NaN, which times zero is no zero,
/// or the processor has no vectors.
///
/// Each of the two, or its transpose, is row-major.
pub(crate) fn product<T: Element>(left: Matrix<'_, T>, right: Matrix<'_, T>) -> Option<Vec<T>> {
    if left.columns() == 0 {
        return None;
    }
    let (rows, columns) = (left.rows(), right.columns());
    let mut result = unwritten(rows * columns);
    if result.is_empty() {
        return Some(Vec::new());
    }
    let all = result.chunks_exact_mut(columns);
    let finite =
        if rows <= FEW_ROWS { by_columns(left, right, all) } else { by_rows(left, right, all) };
    if !finite {
        return None;
    }
    // SAFETY: each part is written, since there is some depth, and the parts are all there is.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    let result = unsafe { result.assume_init() };
    Some(result.into_vec())
}

/// Rows up to which threads share the columns: each that had some of the rows would copy all of the right matrix.
const FEW_ROWS: usize = 64;

/// Writes the products, rows or parts of them, and tells whether the right matrix is finite.
fn by_columns<'a, T: Element>(
    left: Matrix<'_, T>,
    right: Matrix<'_, T>,
    rows: impl Iterator<Item = &'a mut [MaybeUninit<T>]>,
) -> bool {
    /// A panel of f32: a thread that is done first takes such a piece of another's.
    const MOST_COLUMNS: usize = 112;
    let enough = ENOUGH.div_ceil(left.rows().saturating_mul(left.columns()));
    let share = right.columns().div_ceil(threads()).min(MOST_COLUMNS);
    let part = enough.max(share).next_multiple_of(16);
    let bands = right.transposed().bands(part);
    let mut parts: Vec<_> = bands.map(|(_, right)| (right.transposed(), Vec::new())).collect();
    for mut row in rows {
        for (right, rows) in &mut parts {
            let (own, others) = row.split_at_mut(right.columns());
            rows.push(own);
            row = others;
        }
        // A column too few would leave memory unwritten.
        assert!(row.is_empty(), "parts of all columns");
    }
    let left = &Left::new(left);
    let finite =
        parts::map(parts.into_iter(), |(right, rows)| dispatch(Part { left, right, rows }));
    !finite.contains(&false)
}

/// [`by_columns`], but by bands of rows.
fn by_rows<'a, T: Element>(
    left: Matrix<'_, T>,
    right: Matrix<'_, T>,
    mut rows: impl Iterator<Item = &'a mut [MaybeUninit<T>]>,
) -> bool {
    /// Rows whose sums with a panel lie in the second cache while these go on. More copies of the panel take longer.
    const MOST_ROWS: usize = 256;
    let work = left.rows().saturating_mul(left.columns()).saturating_mul(right.columns());
    let part = left.rows().div_ceil((work / ENOUGH).clamp(1, threads())).clamp(1, MOST_ROWS);
    let bands = left.bands(part).map(|(_, left)| {
        let own: Vec<_> = rows.by_ref().take(left.rows()).collect();
        assert_eq!(own.len(), left.rows(), "rows of a band");
        (left, own)
    });
    let finite =
        parts::map(bands, |(left, rows)| dispatch(Part { left: &Left::new(left), right, rows }));
    !finite.contains(&false)
}

/// Some rows or columns of a product.
struct Part<'a, 'b, T> {
    left: &'a Left<'a, T>,
    right: Matrix<'a, T>,
    /// What is written, row by row.
    rows: Vec<&'b mut [MaybeUninit<T>]>,
}

impl<T: Element> WithSimd for Part<'_, '_, T> {
    /// Whether the right matrix is finite, and there are vectors.
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) -> bool {
        if const { S::IS_SCALAR } {
            return false;
        }
        self.left.multiply(simd, self.right, &mut self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::matmul as dense;

    /// Quarters, of which one in `some` is not zero: no sum of theirs is rounded.
    fn values<T: Element>(count: usize, some: usize) -> Vec<T> {
        let quarter = |place: usize| (place * 7 % 9) as f64 / 4.0 - 1.0;
        let hashed = |place: usize| place.wrapping_mul(0x9e37_79b9) >> 7;
        let value = |place| if hashed(place) % some == 0 { quarter(hashed(place)) } else { 0.0 };
        (0..count).map(|place| T::from_f64(value(place))).collect()
    }

    fn has_vectors() -> bool {
        !matches!(crate::kernels::arch(), pulp::Arch::Scalar)
    }

    fn same_as_dense<T: Element>() {
        // All widths of a panel and of its last vector, one panel and several; words of bits that are full, and not.
        let sizes = (1..=230).step_by(3).map(|columns| (7, 33, columns));
        let depths = [1, 63, 64, 65, 130].map(|depth| (35, depth, 20));
        let rows = [1, 31, 32, 33, 257].map(|rows| (rows, 70, 18));
        // Of few rows, whose columns are shared.
        let shared = [(33, 100, 225), (64, 390, 500), (3, 1000, 1200)];
        for (rows, depth, columns) in sizes.chain(depths).chain(rows).chain(shared) {
            let (left, right) = (values::<T>(rows * depth, 3), values::<T>(depth * columns, 1));
            let lefts =
                [Matrix::new(&left, rows, depth), Matrix::new(&left, depth, rows).transposed()];
            let rights = [
                Matrix::new(&right, depth, columns),
                Matrix::new(&right, columns, depth).transposed(),
            ];
            for (left, right) in
                lefts.into_iter().flat_map(|left| rights.map(|right| (left, right)))
            {
                let expected = has_vectors().then(|| dense::product(left, right));
                assert!(product(left, right) == expected, "{rows}×{depth}×{columns}");
            }
        }
    }

    #[test]
    fn gives_what_the_dense_product_gives() {
        same_as_dense::<f32>();
        same_as_dense::<f64>();
    }

    /// Where sums are rounded: with the sizes of the networks' layers no bit differs.
    #[test]
    fn is_rounded_as_the_dense_product_is() {
        if !has_vectors() {
            return;
        }
        let wave = |count: usize| (0..count).map(|place| (place as f32 * 1.7).sin());
        let sizes = [(200, 392, 200), (1000, 196, 200), (392, 200, 200), (84, 200, 120)];
        for (rows, depth, columns) in sizes.into_iter().chain([(200, 600, 100)]) {
            let left: Vec<f32> =
                wave(rows * depth).map(|x| if x > 0.0 { x } else { 0.0 }).collect();
            let right: Vec<f32> = wave(depth * columns).collect();
            let left = Matrix::new(&left, rows, depth);
            let right = Matrix::new(&right, columns, depth).transposed();
            let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
            let same = bits(product(left, right).unwrap()) == bits(dense::product(left, right));
            // Beyond that depth `gemm` adds up stretches: so it was not that which was compared with itself.
            assert_eq!(same, depth <= 512, "{rows}×{depth}×{columns}");
        }
    }

    #[test]
    fn what_is_zero_counts_where_the_rest_is_finite() {
        for worst in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let zeros = [0.0; 6];
            let mut other = [f32::MAX; 6];
            let left = Matrix::new(&zeros, 2, 3);
            let nothing = |values| has_vectors().then(|| vec![0.0; values]);
            assert_eq!(product(left, Matrix::new(&other, 3, 2)), nothing(4));
            other[4] = worst;
            assert_eq!(product(left, Matrix::new(&other, 3, 2)), None);
            assert_eq!(product(left, Matrix::new(&other, 2, 3).transposed()), None);
            // In the last columns of many, which several pieces are made of.
            let (zeros, mut other) = (vec![0.0; 64 * 300], vec![1.0; 300 * 500]);
            let left = Matrix::new(&zeros, 64, 300);
            assert_eq!(product(left, Matrix::new(&other, 300, 500)), nothing(64 * 500));
            other[300 * 500 - 1] = worst;
            assert_eq!(product(left, Matrix::new(&other, 300, 500)), None);
            assert_eq!(product(left, Matrix::new(&other, 500, 300).transposed()), None);
        }
        assert_eq!(product(Matrix::new(&[0f32; 0], 2, 0), Matrix::new(&[], 0, 3)), None);
        assert_eq!(product(Matrix::new(&[0f32; 6], 2, 3), Matrix::new(&[], 3, 0)), Some(vec![]));
        assert_eq!(
            product(Matrix::new(&[0f32; 0], 0, 3), Matrix::new(&[1.0; 3], 3, 1)),
            Some(vec![])
        );
    }

    #[test]
    fn is_chosen_where_it_takes_less_time() {
        if !has_vectors() {
            return;
        }
        /// Where so many tenths of the left matrix are zero.
        fn is(tenths: usize, (rows, depth, columns): (usize, usize, usize), turned: bool) -> bool {
            let values: Vec<f32> = (0..rows * depth).map(|i| f32::from(i % 10 >= tenths)).collect();
            let right = vec![1.0; depth * columns];
            let right = if turned {
                Matrix::new(&right, columns, depth).transposed()
            } else {
                Matrix::new(&right, depth, columns)
            };
            let left = Matrix::new(&values, rows, depth);
            pays(left, zeros(left), right)
        }
        for turned in [false, true] {
            assert!(is(5, (200, 390, 200), turned) && is(9, (32, 390, 200), turned));
            assert!(is(10, (32, 3, 32), turned) && is(6, (1000, 10, 84), turned));
            assert!(!is(2, (200, 390, 200), turned), "most of it is not zero");
            assert!(!is(9, (31, 390, 200), turned), "copying the right matrix would take long");
            assert!(!is(9, (200, 390, 31), turned), "there is little to multiply");
            assert!(!is(9, (0, 390, 200), turned) && !is(0, (200, 0, 200), turned));
        }
        assert!(is(6, (32, 390, 200), false) && !is(6, (32, 390, 200), true), "to turn it is long");
        let wide = matches!(crate::kernels::arch(), pulp::Arch::V4(_));
        assert!(is(4, (32, 64, 1024), false), "for its stride a dense product has it copied, too");
        assert_eq!(is(4, (32, 64, 1008), false), !wide, "it has not");
        assert_eq!(
            is(4, (200, 390, 200), false),
            !wide,
            "vectors twice as long are loaded as slowly"
        );
    }
}

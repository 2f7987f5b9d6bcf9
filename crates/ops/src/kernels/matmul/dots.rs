//! Products of few columns and a long way through, as of a network's last layer: each is the dot product of two rows.
//!
//! `gemm` packs both matrices for a few hundred dot products, and reads the left one across its rows, which may lie a
//! critical stride apart. Here both are read along their rows, as they lie.

use std::mem::MaybeUninit;

use pulp::{NullaryFnOnce, Simd, WithSimd};

use super::{ENOUGH, Matrix};
use crate::element::Element;
use crate::kernels::{dispatch, parts};
use crate::memory::unwritten;

/// Columns that are multiplied by together.
const TOGETHER: usize = 5;

/// Whether [`product`] takes less time than `gemm`. It adds in another order.
pub(super) fn fits<T: Element>(left: Matrix<'_, T>, right: Matrix<'_, T>) -> bool {
    /// Below, `gemm` has one column to multiply by, or hardly more.
    const COLUMNS: std::ops::RangeInclusive<usize> = 3..=15;
    const LEAST_ROWS: usize = 4;
    /// Up to which `gemm` adds from first to last, and so do the products that leave out what is zero.
    const SHORT: usize = 512;
    left.is_row_major()
        && right.transposed().is_row_major()
        && left.rows >= LEAST_ROWS
        && COLUMNS.contains(&right.columns)
        && left.columns > SHORT
}

/// left · right, row-major, by threads that share the rows.
pub(super) fn product<T: Element>(left: Matrix<'_, T>, right: Matrix<'_, T>) -> Vec<T> {
    assert_eq!(left.columns, right.rows, "inner sizes of a matrix product");
    let columns = right.columns;
    let mut result = unwritten(left.rows * columns);
    let part = (ENOUGH / (left.columns * columns).max(1)).max(1).next_multiple_of(4);
    let all = result.chunks_mut((part * columns).max(1)).zip(left.bands(part));
    parts::for_each(all, |(result, (_, left))| dispatch(Part { left, right, result }));
    // SAFETY: the parts are all there is, and each is written by all its rows and all columns.
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
    fn with_simd<S: Simd>(self, simd: S) {
        if const { S::REGISTER_COUNT < 32 } {
            self.by_rows::<S, 2>(simd);
        } else {
            self.by_rows::<S, 4>(simd);
        }
    }
}

impl<T: Element> Part<'_, T> {
    #[inline(always)]
    fn by_rows<S: Simd, const ROWS: usize>(self, simd: S) {
        let Self { left, right, result } = self;
        let (columns, right) = (right.columns, right.transposed());
        for row in (0..left.rows).step_by(ROWS) {
            for column in (0..columns).step_by(TOGETHER) {
                // Where fewer are left, the last one is multiplied again, for nothing.
                let row_of = |at: usize| (row + at).min(left.rows - 1);
                let column_of = |at: usize| (column + at).min(columns - 1);
                let (mut rows, mut others) = ([left.row(row); ROWS], [right.row(column); TOGETHER]);
                for at in 0..ROWS {
                    rows[at] = left.row(row_of(at));
                }
                for at in 0..TOGETHER {
                    others[at] = right.row(column_of(at));
                }
                let products = simd.vectorize(Dots::<T, S, ROWS> { simd, rows, others });
                for at in 0..ROWS {
                    for other in 0..TOGETHER {
                        let place = row_of(at) * columns + column_of(other);
                        result[place].write(products[at][other]);
                    }
                }
            }
        }
    }
}

/// The dot product of each row with each other one, all as long.
struct Dots<'a, T, S, const ROWS: usize> {
    simd: S,
    rows: [&'a [T]; ROWS],
    others: [&'a [T]; TOGETHER],
}

impl<T: Element, S: Simd, const ROWS: usize> NullaryFnOnce for Dots<'_, T, S, ROWS> {
    type Output = [[T; TOGETHER]; ROWS];

    #[inline(always)]
    fn call(self) -> Self::Output {
        let Self { simd, rows, others } = self;
        let (lanes, length) = (T::lanes::<S>(), rows[0].len());
        let rows = rows.map(|row| &row[..length]);
        let others = others.map(|other| &other[..length]);
        let mut sums = [[T::splat(simd, T::ZERO); TOGETHER]; ROWS];
        for first in (0..length).step_by(lanes) {
            let mut by = [T::splat(simd, T::ZERO); TOGETHER];
            for other in 0..TOGETHER {
                by[other] = T::load(simd, &others[other][first..]);
            }
            for row in 0..ROWS {
                let values = T::load(simd, &rows[row][first..]);
                for other in 0..TOGETHER {
                    sums[row][other] = T::fma(simd, values, by[other], sums[row][other]);
                }
            }
        }
        let mut products = [[T::ZERO; TOGETHER]; ROWS];
        for row in 0..ROWS {
            for other in 0..TOGETHER {
                products[row][other] = sum_of_lanes(simd, sums[row][other]);
            }
        }
        products
    }
}

#[inline(always)]
fn sum_of_lanes<T: Element, S: Simd>(simd: S, vector: T::Vector<S>) -> T {
    const WIDEST: usize = 16;
    let mut values = [T::ZERO; WIDEST];
    T::store(simd, &mut values, vector);
    let mut count = WIDEST;
    while count > 1 {
        count /= 2;
        for lane in 0..count {
            values[lane] += values[lane + count];
        }
    }
    values[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave<T: Element>(count: usize) -> Vec<T> {
        (0..count).map(|place| T::from_f64((place as f64 * 1.7).sin())).collect()
    }

    /// Within what any order of the sums rounds at most (Higham, Accuracy and stability of numerical algorithms, section
    /// 4.2), given the distance from 1 to the next number.
    fn sums_are_those_of_each_product<T: Element>(epsilon: f64) {
        for (rows, depth, columns) in [(4, 513, 3), (32, 1024, 10), (65, 700, 15), (7, 1031, 4)] {
            let (left, right) = (wave::<T>(rows * depth), wave::<T>(columns * depth));
            let (left, right) =
                (Matrix::new(&left, rows, depth), Matrix::new(&right, columns, depth));
            assert!(fits(left, right.transposed()));
            let of = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| product(left, right.transposed()))
            };
            let found = of(1);
            assert!(found == of(3), "{rows}×{depth}×{columns} on three threads");
            for (place, found) in found.iter().enumerate() {
                let pairs = left.row(place / columns).iter().zip(right.row(place % columns));
                let products = pairs.map(|(a, b)| a.to_f64() * b.to_f64());
                let (expected, all) = products
                    .fold((0.0, 0.0), |(sum, all), product| (sum + product, all + product.abs()));
                let apart = (found.to_f64() - expected).abs() / all;
                assert!(apart < depth as f64 * epsilon, "{rows}×{depth}×{columns}: {apart}");
            }
        }
    }

    #[test]
    fn of_either_type() {
        sums_are_those_of_each_product::<f32>(f64::from(f32::EPSILON));
        sums_are_those_of_each_product::<f64>(f64::EPSILON);
    }

    #[test]
    fn is_for_few_columns_and_a_long_way_alone() {
        let values = vec![0f32; 1 << 15];
        let of = |rows: usize, depth: usize, columns: usize| {
            let right = Matrix::new(&values[..depth * columns], columns, depth).transposed();
            fits(Matrix::new(&values[..depth * rows], rows, depth), right)
        };
        assert!(of(4, 513, 3) && of(4, 1024, 15));
        assert!(!of(3, 1024, 10) && !of(4, 512, 10) && !of(4, 1024, 2) && !of(4, 1024, 16));
        let wide = Matrix::new(&values[..600 * 10], 600, 10);
        let tall = Matrix::new(&values[..600 * 10], 10, 600);
        assert!(
            fits(tall, tall.transposed()) && !fits(tall, wide) && !fits(wide.transposed(), wide)
        );
    }
}

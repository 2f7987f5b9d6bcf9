//! Some columns of a matrix, copied to whole vectors.

use std::ops::Range;

use pulp::Simd;

use super::matmul::Matrix;
use super::transposed::transpose;
use crate::element::Element;
use crate::memory::places;

/// Copies a rectangle of `matrix` to rows of `COUNT` vectors, filled up with zeros.
#[inline(always)]
pub(super) fn copy<T: Element, S: Simd, const COUNT: usize>(
    simd: S,
    matrix: Matrix<'_, T>,
    rows: Range<usize>,
    columns: Range<usize>,
    target: &mut [T],
) {
    let lanes = T::lanes::<S>();
    let width = COUNT * lanes;
    if matrix.is_row_major() {
        for (row, target) in rows.zip(target.chunks_exact_mut(width)) {
            let (whole, last) = matrix.row(row)[columns.clone()].split_at((COUNT - 1) * lanes);
            for vector in 0..COUNT - 1 {
                let values = T::load(simd, &whole[vector * lanes..][..lanes]);
                T::store(simd, &mut target[vector * lanes..][..lanes], values);
            }
            T::store(simd, &mut target[width - lanes..], T::load(simd, last));
        }
    } else {
        if columns.len() < width {
            for target in target.chunks_exact_mut(width).take(rows.len()) {
                T::store(simd, &mut target[width - lanes..], T::splat(simd, T::ZERO));
            }
        }
        let (values, apart) = matrix.row_from(rows.start, columns.start);
        transpose((values, apart), (columns.len(), rows.len()), (places(target), width));
    }
}

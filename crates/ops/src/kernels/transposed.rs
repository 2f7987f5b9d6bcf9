//! A matrix with its rows as columns.

#[cfg(target_arch = "x86_64")]
use self::squares::Transpose;
use crate::element::Element;
use crate::kernels::parts;
use crate::threads::threads;

#[cfg(target_arch = "x86_64")]
mod squares;

/// Values a side of what is turned at a time: a cache line of f32.
const SIDE: usize = 16;

/// The transpose of `rows` × `columns` values.
pub(crate) fn transposed<T: Element>(values: &[T], rows: usize, columns: usize) -> Vec<T> {
    let part = columns.div_ceil(threads()).next_multiple_of(SIDE);
    let mut result = vec![T::ZERO; rows * columns];
    parts::for_each(result.chunks_mut((part * rows).max(1)).enumerate(), |(index, result)| {
        let (first, count) = (index * part, result.len() / rows);
        transpose((&values[first..], columns), (rows, count), (result, rows));
    });
    result
}

/// Writes the transpose of `rows` × `columns` values of `source` to `target`, both with the distance from one row's
/// first value to the next one's.
///
/// # Panics
///
/// Where either is too short.
#[inline(always)]
pub(crate) fn transpose<T: Element>(
    (source, source_apart): (&[T], usize),
    (rows, columns): (usize, usize),
    (target, target_apart): (&mut [T], usize),
) {
    #[cfg(target_arch = "x86_64")]
    if let (Some(source), Some(target)) = (T::as_f32(source), T::as_f32_mut(target)) {
        let (source, target, size) =
            ((source, source_apart), (&mut *target, target_apart), (rows, columns));
        match super::arch() {
            pulp::Arch::V4(simd) => {
                return simd.vectorize(Transpose { simd, source, size, target });
            }
            pulp::Arch::V3(simd) => {
                return simd.vectorize(Transpose { simd, source, size, target });
            }
            _ => {}
        }
    }
    for first_row in (0..rows).step_by(SIDE) {
        let own = first_row..rows.min(first_row + SIDE);
        for first in (0..columns).step_by(SIDE) {
            for column in first..columns.min(first + SIDE) {
                let target = &mut target[column * target_apart..][own.clone()];
                for (row, place) in own.clone().zip(target) {
                    *place = source[row * source_apart + column];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_value_is_where_it_belongs<T: Element>(number: impl Fn(usize) -> T) {
        for (rows, columns) in
            [(1, 1), (8, 24), (16, 16), (17, 31), (25, 9), (5, 40), (40, 5), (0, 3), (33, 64)]
        {
            let source: Vec<T> = (0..rows * columns).map(&number).collect();
            let apart = rows + 3;
            let untouched = number(1_000_000);
            let mut target = vec![untouched; columns * apart];
            transpose((&source, columns), (rows, columns), (&mut target, apart));
            for column in 0..columns {
                let own = &target[column * apart..][..apart];
                let expected = (0..rows).map(|row| source[row * columns + column]);
                let expected: Vec<T> = expected.chain([untouched; 3]).collect();
                assert!(own == expected, "column {column} of {rows} by {columns}");
            }
        }
    }

    #[test]
    fn values_of_either_type() {
        every_value_is_where_it_belongs(|place| place as f32);
        every_value_is_where_it_belongs(|place| place as f64);
    }
}

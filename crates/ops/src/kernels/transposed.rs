//! A matrix with its rows as columns.

use rayon::prelude::*;

use crate::element::Element;
use crate::threads::threads;

/// Values a side of what is turned at a time: a cache line of f32.
const SIDE: usize = 16;

/// The transpose of `rows` × `columns` values.
pub(crate) fn transposed<T: Element>(values: &[T], rows: usize, columns: usize) -> Vec<T> {
    let part = columns.div_ceil(threads()).next_multiple_of(SIDE);
    let mut result = vec![T::ZERO; rows * columns];
    result.par_chunks_mut((part * rows).max(1)).enumerate().for_each(|(index, result)| {
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
    if let (pulp::Arch::V4(simd), Some(source), Some(target)) =
        (super::arch(), T::as_f32(source), T::as_f32_mut(target))
    {
        let (source, target) = ((source, source_apart), (target, target_apart));
        let size = (rows, columns);
        return simd.vectorize(avx512::Transpose { simd, source, size, target });
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

/// Sixteen vectors at a time, with four stages of shuffles: left to the compiler, each value is moved alone.
#[cfg(target_arch = "x86_64")]
mod avx512 {
    use core::arch::x86_64::__m512;

    use pulp::{NullaryFnOnce, Simd, cast, x86::V4};

    use super::SIDE;

    pub(super) struct Transpose<'a> {
        pub(super) simd: V4,
        pub(super) source: (&'a [f32], usize),
        pub(super) size: (usize, usize),
        pub(super) target: (&'a mut [f32], usize),
    }

    impl NullaryFnOnce for Transpose<'_> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            let Self { simd, source, size: (rows, columns), target } = self;
            for first_row in (0..rows).step_by(SIDE) {
                let height = SIDE.min(rows - first_row);
                for first in (0..columns).step_by(SIDE) {
                    let width = SIDE.min(columns - first);
                    let mut block = [cast(simd.splat_f32x16(0.0)); SIDE];
                    for row in 0..height {
                        let values = &source.0[(first_row + row) * source.1 + first..][..width];
                        block[row] = match V4::as_simd_f32s(values).0 {
                            [vector, ..] => cast(*vector),
                            [] => cast(simd.partial_load_f32s(values)),
                        };
                    }
                    let block = turned(simd, block);
                    for column in 0..width {
                        let target =
                            &mut target.0[(first + column) * target.1 + first_row..][..height];
                        match V4::as_mut_simd_f32s(target).0 {
                            [place, ..] => *place = cast(block[column]),
                            [] => simd.partial_store_f32s(target, cast(block[column])),
                        }
                    }
                }
            }
        }
    }

    /// The transpose of sixteen vectors: of 2×2 values, of pairs of them, and of the four quarters of vectors.
    #[inline(always)]
    fn turned(simd: V4, rows: [__m512; SIDE]) -> [__m512; SIDE] {
        let avx = simd.avx512f;
        let (mut pairs, mut fours, mut columns) = (rows, rows, rows);
        for two in 0..SIDE / 2 {
            let (a, b) = (rows[2 * two], rows[2 * two + 1]);
            pairs[2 * two] = avx._mm512_unpacklo_ps(a, b);
            pairs[2 * two + 1] = avx._mm512_unpackhi_ps(a, b);
        }
        for four in 0..SIDE / 4 {
            for half in 0..2 {
                let (a, b) = (cast(pairs[4 * four + half]), cast(pairs[4 * four + half + 2]));
                fours[4 * four + 2 * half] = cast(avx._mm512_unpacklo_pd(a, b));
                fours[4 * four + 2 * half + 1] = cast(avx._mm512_unpackhi_pd(a, b));
            }
        }
        // Quarter q of fours[4 i + j] has column 4 q + j of the rows from 4 i on.
        for place in 0..SIDE / 4 {
            let [a, b, c, d] = [0, 1, 2, 3].map(|four| fours[4 * four + place]);
            const EVEN: i32 = 0b10_00_10_00;
            const ODD: i32 = 0b11_01_11_01;
            let (upper, lower) =
                (avx._mm512_shuffle_f32x4::<EVEN>(a, b), avx._mm512_shuffle_f32x4::<EVEN>(c, d));
            columns[place] = avx._mm512_shuffle_f32x4::<EVEN>(upper, lower);
            columns[8 + place] = avx._mm512_shuffle_f32x4::<ODD>(upper, lower);
            let (upper, lower) =
                (avx._mm512_shuffle_f32x4::<ODD>(a, b), avx._mm512_shuffle_f32x4::<ODD>(c, d));
            columns[4 + place] = avx._mm512_shuffle_f32x4::<EVEN>(upper, lower);
            columns[12 + place] = avx._mm512_shuffle_f32x4::<ODD>(upper, lower);
        }
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_value_is_where_it_belongs<T: Element>(number: impl Fn(usize) -> T) {
        for (rows, columns) in [(1, 1), (16, 16), (17, 31), (5, 40), (40, 5), (0, 3), (33, 64)] {
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

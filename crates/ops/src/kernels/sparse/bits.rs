//! Which values of a matrix are not zero, a bit each.

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use self::masks::Rows;
use crate::element::Element;
use crate::kernels::matmul::Matrix;
use crate::kernels::vectorised;

#[cfg(target_arch = "x86_64")]
mod masks;

/// Values that a word has bits for.
pub(in crate::kernels) const BITS: usize = u64::BITS as usize;

/// The bits of the first `BITS` values of each row, the first one's lowest, then those of the next ones.
pub(in crate::kernels) fn not_zero<T: Element>(matrix: Matrix<'_, T>) -> Vec<u64> {
    let mut words = vec![0; matrix.rows() * matrix.columns().div_ceil(BITS)];
    if !matrix.is_row_major() {
        vectorised!(of_columns::<T>(matrix.transposed(), &mut words));
        return words;
    }
    #[cfg(target_arch = "x86_64")]
    match (crate::kernels::arch(), matrix.as_f32()) {
        (pulp::Arch::V4(simd), Some(matrix)) => {
            simd.vectorize(Rows { simd, matrix, words: &mut words });
            return words;
        }
        (pulp::Arch::V3(simd), Some(matrix)) => {
            simd.vectorize(Rows { simd, matrix, words: &mut words });
            return words;
        }
        _ => {}
    }
    vectorised!(of_rows::<T>(matrix, &mut words));
    words
}

/// The columns whose bits are the same word of each row, and these words.
fn blocks<'a, T: Copy>(
    matrix: Matrix<'_, T>,
    words: &'a mut [u64],
) -> impl Iterator<Item = (Range<usize>, &'a mut [u64])> {
    let (rows, columns) = (matrix.rows(), matrix.columns());
    let first = (0..columns).step_by(BITS);
    let places = first.map(move |first| first..columns.min(first + BITS));
    places.zip(words.chunks_exact_mut(rows.max(1)))
}

#[inline(always)]
fn of_rows<T: Element, const FUSED: bool>(matrix: Matrix<'_, T>, words: &mut [u64]) {
    for (columns, words) in blocks(matrix, words) {
        for (row, word) in words.iter_mut().enumerate() {
            *word = of_row(&matrix.row(row)[columns.clone()]);
        }
    }
}

/// Of at most `BITS` values.
#[inline(always)]
fn of_row<T: Element>(values: &[T]) -> u64 {
    let mut padded = [T::ZERO; BITS];
    let values = values.as_array::<BITS>().unwrap_or_else(|| {
        padded[..values.len()].copy_from_slice(values);
        &padded
    });
    let mut flags = [0; BITS];
    for place in 0..BITS {
        flags[place] = u8::from(values[place] != T::ZERO);
    }
    // Bit j of byte i is for value i of eight j; its transpose has that for value i of eight j at bit i of byte j.
    let eights = flags.as_chunks::<8>().0.iter().enumerate();
    let turned = eights.map(|(place, eight)| u64::from_le_bytes(*eight) << place);
    turned_bits(turned.fold(0, |bits, eight| bits | eight))
}

/// The transpose of 8×8 bits, a byte a row (Warren, Hacker's Delight, section 7-3).
#[inline(always)]
fn turned_bits(mut bits: u64) -> u64 {
    for (apart, moved) in
        [(7, 0x00aa_00aa_00aa_00aa), (14, 0x0000_cccc_0000_cccc), (28, 0x0000_0000_f0f0_f0f0)]
    {
        let changed = (bits ^ (bits >> apart)) & moved;
        bits ^= changed ^ (changed << apart);
    }
    bits
}

/// Where the values of a column lie in memory one after another: of the transposed matrix, which is row-major.
#[inline(always)]
fn of_columns<T: Element, const FUSED: bool>(turned: Matrix<'_, T>, words: &mut [u64]) {
    const TOGETHER: usize = 64;
    for (rows, words) in blocks(turned.transposed(), words) {
        for (index, words) in words.chunks_mut(TOGETHER).enumerate() {
            let first = index * TOGETHER;
            let mut bits = [0; TOGETHER];
            for (place, row) in rows.clone().enumerate() {
                let values = &turned.row(row)[first..][..words.len()];
                for (bits, value) in bits.iter_mut().zip(values) {
                    *bits |= u64::from(*value != T::ZERO) << place;
                }
            }
            words.copy_from_slice(&bits[..words.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits_are_those_of_what_is_not_zero<T: Element>() {
        for (rows, columns) in
            [(3, 1), (2, 7), (1, 63), (35, 64), (5, 65), (33, 200), (2, 0), (0, 5)]
        {
            // What is neither more nor less than zero is not zero either.
            let kinds = [0.0, 1.0, -0.0, f64::NAN, 0.0, -2.5e-40, 0.0, f64::INFINITY, 0.0];
            let value = |place: usize| T::from_f64(kinds[place * 31 % 97 % kinds.len()]);
            let values: Vec<T> = (0..rows * columns).map(value).collect();
            let turned: Vec<T> = (0..rows * columns)
                .map(|place| values[place % rows * columns + place / rows])
                .collect();
            let mut expected = Vec::new();
            for first in (0..columns).step_by(BITS) {
                for row in 0..rows {
                    let places = first..columns.min(first + BITS);
                    let own = &values[row * columns..][places];
                    let set = own.iter().enumerate().filter(|(_, value)| **value != T::ZERO);
                    expected.push(set.map(|(place, _)| 1 << place).sum::<u64>());
                }
            }
            let turned = Matrix::new(&turned, columns, rows).transposed();
            for matrix in [Matrix::new(&values, rows, columns), turned] {
                assert_eq!(not_zero(matrix), expected, "{rows}×{columns}");
            }
        }
    }

    #[test]
    fn of_either_type() {
        bits_are_those_of_what_is_not_zero::<f32>();
        bits_are_those_of_what_is_not_zero::<f64>();
    }
}

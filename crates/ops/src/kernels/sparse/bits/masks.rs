//! Of f32, by the instructions that make a mask of a comparison: the compiler finds none in a loop over bits.

use std::arch::x86_64::_CMP_NEQ_UQ;

use pulp::x86::{V3, V4};
use pulp::{NullaryFnOnce, Simd, cast};

use super::BITS;
use crate::kernels::matmul::Matrix;
use crate::kernels::vectors::Vectors;

/// [`super::of_rows`] of f32.
pub(super) struct Rows<'a, S> {
    pub(super) simd: S,
    pub(super) matrix: Matrix<'a, f32>,
    pub(super) words: &'a mut [u64],
}

impl<S: Masks> NullaryFnOnce for Rows<'_, S> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, matrix, words } = self;
        let rows = matrix.rows();
        for row in 0..rows {
            let blocks = matrix.row(row).chunks(BITS);
            for (values, word) in blocks.zip(words.iter_mut().skip(row).step_by(rows)) {
                *word = of_row(simd, values);
            }
        }
    }
}

/// Of at most `BITS` values.
#[inline(always)]
fn of_row<S: Masks>(simd: S, values: &[f32]) -> u64 {
    let mut word = 0;
    if let Some(values) = values.as_array::<BITS>() {
        for index in 0..BITS / S::F32_LANES {
            let first = index * S::F32_LANES;
            word |= simd.not_zero(f32::load(simd, &values[first..][..S::F32_LANES])) << first;
        }
    } else {
        for (index, values) in values.chunks(S::F32_LANES).enumerate() {
            word |= simd.not_zero(f32::load(simd, values)) << (index * S::F32_LANES);
        }
    }
    word
}

trait Masks: Simd {
    fn not_zero(self, values: Self::f32s) -> u64;
}

impl Masks for V3 {
    #[inline(always)]
    fn not_zero(self, values: Self::f32s) -> u64 {
        let zero = self.avx._mm256_setzero_ps();
        let unequal = self.avx._mm256_cmp_ps::<_CMP_NEQ_UQ>(cast(values), zero);
        u64::from(self.avx._mm256_movemask_ps(unequal) as u8)
    }
}

impl Masks for V4 {
    #[inline(always)]
    fn not_zero(self, values: Self::f32s) -> u64 {
        let zero = self.avx512f._mm512_setzero_ps();
        u64::from(self.avx512f._mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(cast(values), zero))
    }
}

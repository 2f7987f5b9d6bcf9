//! Squares of as many vectors as a vector has values, turned by shuffles: left to the compiler, each value is moved
//! alone.

use std::mem::MaybeUninit;

use pulp::x86::{V3, V4};
use pulp::{NullaryFnOnce, Simd, cast, f32x8, f32x16};

use crate::kernels::vectors::Vectors;

/// [`super::transpose`] of f32.
pub(super) struct Transpose<'a, S> {
    pub(super) simd: S,
    pub(super) source: (&'a [f32], usize),
    pub(super) size: (usize, usize),
    pub(super) target: (&'a mut [MaybeUninit<f32>], usize),
}

impl NullaryFnOnce for Transpose<'_, V3> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.by_squares::<8>();
    }
}

impl NullaryFnOnce for Transpose<'_, V4> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.by_squares::<16>();
    }
}

impl<S: Simd> Transpose<'_, S> {
    /// Of `SIDE` rows and columns each; less at the end.
    #[inline(always)]
    fn by_squares<const SIDE: usize>(self)
    where
        S: Squares<SIDE>,
    {
        let Self { simd, source, size: (rows, columns), target } = self;
        let whole = rows >= SIDE && columns >= SIDE;
        // A line of the target is written at once, whatever is a side.
        for line in (0..rows).step_by(super::SIDE) {
            for first in (0..columns).step_by(SIDE) {
                for first_row in (line..rows.min(line + super::SIDE)).step_by(SIDE) {
                    if whole {
                        // The last square overlaps the one before it, so that none is cut short. The compiler knows
                        // these lengths, and no load or store asks for one.
                        let (first_row, first) =
                            (first_row.min(rows - SIDE), first.min(columns - SIDE));
                        let source = (&source.0[first_row * source.1 + first..], source.1);
                        let target = (&mut target.0[first * target.1 + first_row..], target.1);
                        turn(simd, source, (SIDE, SIDE), target);
                    } else {
                        let size = ((rows - first_row).min(SIDE), (columns - first).min(SIDE));
                        let source = (&source.0[first_row * source.1 + first..], source.1);
                        let target = (&mut target.0[first * target.1 + first_row..], target.1);
                        turn(simd, source, size, target);
                    }
                }
            }
        }
    }
}

/// Writes the transpose of at most `SIDE` rows and columns; what a vector has past them is zero and not written.
#[inline(always)]
fn turn<S: Squares<SIDE>, const SIDE: usize>(
    simd: S,
    (source, source_apart): (&[f32], usize),
    (height, width): (usize, usize),
    (target, target_apart): (&mut [MaybeUninit<f32>], usize),
) {
    let mut square = [simd.splat_f32s(0.0); SIDE];
    for row in 0..height {
        square[row] = f32::load(simd, &source[row * source_apart..][..width]);
    }
    let square = simd.turned(square);
    for column in 0..width {
        f32::write(simd, &mut target[column * target_apart..][..height], square[column]);
    }
}

/// How a square of so many vectors is turned.
trait Squares<const SIDE: usize>: Simd {
    fn turned(self, rows: [Self::f32s; SIDE]) -> [Self::f32s; SIDE];
}

impl Squares<8> for V3 {
    #[inline(always)]
    fn turned(self, rows: [f32x8; 8]) -> [f32x8; 8] {
        eight(self, rows)
    }
}

impl Squares<16> for V4 {
    #[inline(always)]
    fn turned(self, rows: [f32x16; 16]) -> [f32x16; 16] {
        sixteen(self, rows)
    }
}

/// The transpose of eight vectors: of 2×2 values, of pairs of them, and of the halves of vectors.
#[inline(always)]
fn eight(simd: V3, rows: [f32x8; 8]) -> [f32x8; 8] {
    const LOWER: i32 = 0x20;
    const UPPER: i32 = 0x31;
    let avx = simd.avx;
    let (mut pairs, mut fours, mut columns) = (rows, rows, rows);
    for two in 0..4 {
        let (a, b) = (cast(rows[2 * two]), cast(rows[2 * two + 1]));
        pairs[2 * two] = cast(avx._mm256_unpacklo_ps(a, b));
        pairs[2 * two + 1] = cast(avx._mm256_unpackhi_ps(a, b));
    }
    for four in 0..2 {
        for half in 0..2 {
            let (a, b) = (cast(pairs[4 * four + half]), cast(pairs[4 * four + half + 2]));
            fours[4 * four + 2 * half] = cast(avx._mm256_unpacklo_pd(a, b));
            fours[4 * four + 2 * half + 1] = cast(avx._mm256_unpackhi_pd(a, b));
        }
    }
    // Half h of fours[4 i + j] has column 4 h + j of the rows from 4 i on.
    for place in 0..4 {
        let (a, b) = (cast(fours[place]), cast(fours[4 + place]));
        columns[place] = cast(avx._mm256_permute2f128_ps::<LOWER>(a, b));
        columns[4 + place] = cast(avx._mm256_permute2f128_ps::<UPPER>(a, b));
    }
    columns
}

/// The transpose of sixteen vectors: of 2×2 values, of pairs of them, and of the four quarters of vectors.
#[inline(always)]
fn sixteen(simd: V4, rows: [f32x16; 16]) -> [f32x16; 16] {
    const EVEN: i32 = 0b10_00_10_00;
    const ODD: i32 = 0b11_01_11_01;
    let avx = simd.avx512f;
    let (mut pairs, mut fours, mut columns) = (rows, rows, rows);
    for two in 0..8 {
        let (a, b) = (cast(rows[2 * two]), cast(rows[2 * two + 1]));
        pairs[2 * two] = cast(avx._mm512_unpacklo_ps(a, b));
        pairs[2 * two + 1] = cast(avx._mm512_unpackhi_ps(a, b));
    }
    for four in 0..4 {
        for half in 0..2 {
            let (a, b) = (cast(pairs[4 * four + half]), cast(pairs[4 * four + half + 2]));
            fours[4 * four + 2 * half] = cast(avx._mm512_unpacklo_pd(a, b));
            fours[4 * four + 2 * half + 1] = cast(avx._mm512_unpackhi_pd(a, b));
        }
    }
    // Quarter q of fours[4 i + j] has column 4 q + j of the rows from 4 i on.
    for place in 0..4 {
        let (a, b) = (cast(fours[place]), cast(fours[4 + place]));
        let (c, d) = (cast(fours[8 + place]), cast(fours[12 + place]));
        let (upper, lower) =
            (avx._mm512_shuffle_f32x4::<EVEN>(a, b), avx._mm512_shuffle_f32x4::<EVEN>(c, d));
        columns[place] = cast(avx._mm512_shuffle_f32x4::<EVEN>(upper, lower));
        columns[8 + place] = cast(avx._mm512_shuffle_f32x4::<ODD>(upper, lower));
        let (upper, lower) =
            (avx._mm512_shuffle_f32x4::<ODD>(a, b), avx._mm512_shuffle_f32x4::<ODD>(c, d));
        columns[4 + place] = cast(avx._mm512_shuffle_f32x4::<EVEN>(upper, lower));
        columns[12 + place] = cast(avx._mm512_shuffle_f32x4::<ODD>(upper, lower));
    }
    columns
}

//! A few rows times a few vectors side by side, whose sums the registers hold.

use std::mem::MaybeUninit;

use pulp::{NullaryFnOnce, Simd};

use crate::element::Element;

/// `ROWS` rows times a matrix of `VECTORS` vectors side by side: a function of its own, since within a loop over many
/// the compiler runs out of registers for the rows' places.
pub(in crate::kernels) struct Tile<'a, T, S, const VECTORS: usize, const ROWS: usize> {
    pub(in crate::kernels) simd: S,
    /// The first row's values, and how far the next row's are.
    pub(in crate::kernels) left: (&'a [T], usize),
    pub(in crate::kernels) depth: usize,
    /// As many rows of whole vectors.
    pub(in crate::kernels) right: &'a [T],
    /// What the products are written to, and how far its next row is.
    pub(in crate::kernels) products: (&'a mut [MaybeUninit<T>], usize),
    /// How many values a row of products has; only the last vector may be cut short.
    pub(in crate::kernels) columns: usize,
}

impl<T: Element, S: Simd, const VECTORS: usize, const ROWS: usize> NullaryFnOnce
    for Tile<'_, T, S, VECTORS, ROWS>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, left: (left, apart), depth, right, products: (products, across), columns } =
            self;
        let lanes = T::lanes::<S>();
        let width = VECTORS * lanes;
        let mut rows = [&left[..depth]; ROWS];
        for row in 0..ROWS {
            rows[row] = &left[row * apart..][..depth];
        }
        let mut sums = [[T::splat(simd, T::ZERO); VECTORS]; ROWS];
        for (place, right) in right.chunks_exact(width).take(depth).enumerate() {
            let mut line = [T::splat(simd, T::ZERO); VECTORS];
            for vector in 0..VECTORS {
                line[vector] = T::load(simd, &right[vector * lanes..][..lanes]);
            }
            for row in 0..ROWS {
                let value = T::splat(simd, rows[row][place]);
                for vector in 0..VECTORS {
                    sums[row][vector] = T::fma(simd, value, line[vector], sums[row][vector]);
                }
            }
        }
        for row in 0..ROWS {
            let products = &mut products[row * across..][..columns];
            let (whole, last) = products.split_at_mut((VECTORS - 1) * lanes);
            for vector in 0..VECTORS - 1 {
                T::write(simd, &mut whole[vector * lanes..][..lanes], sums[row][vector]);
            }
            T::write(simd, last, sums[row][VECTORS - 1]);
        }
    }
}

//! F(4×4, 3×3), by polynomials at 0, ±3/4, ±3/2 and infinity.
//!
//! Errors grow with the powers of the points and of their inverses (Barabasz, Anderson, Soodhalter and Gregg,
//! *Error analysis and improving the accuracy of Winograd convolution for deep neural networks*, 2018): the largest
//! is 27/8 here, and 8 at the usual points 0, ±1, ±2 and infinity.

use pulp::Simd;

use super::{FILTER, Filtering, Transform};
use crate::element::Element;

pub(in super::super) struct F4;

/// The points, and their squares.
const A: f64 = 0.75;
const B: f64 = 1.5;
const AA: f64 = A * A;
const BB: f64 = B * B;

/// By what a filter's polynomial at each point is divided: the product of that point's distances to the others.
const AT_ZERO: f64 = AA * BB;
const AT_A: f64 = 2.0 * AA * (AA - BB);
const AT_B: f64 = 2.0 * BB * (BB - AA);

impl Filtering<6, 4> for F4 {
    const BLOCK: usize = 2;

    type Pixels = Pixels;
    type PixelsBack = PixelsBack;
    type Results = Results;
    type ResultsBack = ResultsBack;
    type Filter = Filter;
    type FilterBack = FilterBack;
}

/// Bᵀ d.
pub(in super::super) struct Pixels;

impl Transform<6, 6> for Pixels {
    #[inline(always)]
    fn line<T: Element, S: Simd>(simd: S, d: [T::Vector<S>; 6]) -> [T::Vector<S>; 6] {
        let even_a = combined::<T, S, _>(simd, [(-BB, d[2]), (1.0, d[4])]);
        let even_b = combined::<T, S, _>(simd, [(-AA, d[2]), (1.0, d[4])]);
        let odd_a = combined::<T, S, _>(simd, [(-BB, d[1]), (1.0, d[3])]);
        let odd_b = combined::<T, S, _>(simd, [(-AA, d[1]), (1.0, d[3])]);
        [
            combined::<T, S, _>(simd, [(AA * BB, d[0]), (-AA - BB, d[2]), (1.0, d[4])]),
            combined::<T, S, _>(simd, [(A, odd_a), (1.0, even_a)]),
            combined::<T, S, _>(simd, [(-A, odd_a), (1.0, even_a)]),
            combined::<T, S, _>(simd, [(B, odd_b), (1.0, even_b)]),
            combined::<T, S, _>(simd, [(-B, odd_b), (1.0, even_b)]),
            combined::<T, S, _>(simd, [(AA * BB, d[1]), (-AA - BB, d[3]), (1.0, d[5])]),
        ]
    }
}

/// B v, the transpose of [`Pixels`].
pub(in super::super) struct PixelsBack;

impl Transform<6, 6> for PixelsBack {
    #[inline(always)]
    fn line<T: Element, S: Simd>(simd: S, v: [T::Vector<S>; 6]) -> [T::Vector<S>; 6] {
        let [(sum_a, odd_a), (sum_b, odd_b)] = sums_and_differences::<T, S>(simd, v);
        [
            combined::<T, S, _>(simd, [(AA * BB, v[0])]),
            combined::<T, S, _>(simd, [(-BB * A, odd_a), (-AA * B, odd_b), (AA * BB, v[5])]),
            combined::<T, S, _>(simd, [(-BB, sum_a), (-AA, sum_b), (-AA - BB, v[0])]),
            combined::<T, S, _>(simd, [(A, odd_a), (B, odd_b), (-AA - BB, v[5])]),
            combined::<T, S, _>(simd, [(1.0, v[0]), (1.0, sum_a), (1.0, sum_b)]),
            v[5],
        ]
    }
}

/// Aᵀ m.
pub(in super::super) struct Results;

impl Transform<6, 4> for Results {
    #[inline(always)]
    fn line<T: Element, S: Simd>(simd: S, m: [T::Vector<S>; 6]) -> [T::Vector<S>; 4] {
        let [(sum_a, odd_a), (sum_b, odd_b)] = sums_and_differences::<T, S>(simd, m);
        [
            combined::<T, S, _>(simd, [(1.0, m[0]), (1.0, sum_a), (1.0, sum_b)]),
            combined::<T, S, _>(simd, [(A, odd_a), (B, odd_b)]),
            combined::<T, S, _>(simd, [(AA, sum_a), (BB, sum_b)]),
            combined::<T, S, _>(simd, [(AA * A, odd_a), (BB * B, odd_b), (1.0, m[5])]),
        ]
    }
}

/// A y, the transpose of [`Results`].
pub(in super::super) struct ResultsBack;

impl Transform<4, 6> for ResultsBack {
    #[inline(always)]
    fn line<T: Element, S: Simd>(simd: S, y: [T::Vector<S>; 4]) -> [T::Vector<S>; 6] {
        let even_a = combined::<T, S, _>(simd, [(AA, y[2]), (1.0, y[0])]);
        let even_b = combined::<T, S, _>(simd, [(BB, y[2]), (1.0, y[0])]);
        let odd_a = combined::<T, S, _>(simd, [(AA, y[3]), (1.0, y[1])]);
        let odd_b = combined::<T, S, _>(simd, [(BB, y[3]), (1.0, y[1])]);
        [
            y[0],
            combined::<T, S, _>(simd, [(A, odd_a), (1.0, even_a)]),
            combined::<T, S, _>(simd, [(-A, odd_a), (1.0, even_a)]),
            combined::<T, S, _>(simd, [(B, odd_b), (1.0, even_b)]),
            combined::<T, S, _>(simd, [(-B, odd_b), (1.0, even_b)]),
            y[3],
        ]
    }
}

/// G g.
pub(in super::super) struct Filter;

impl Transform<FILTER, 6> for Filter {
    #[inline(always)]
    fn line<T: Element, S: Simd>(simd: S, g: [T::Vector<S>; FILTER]) -> [T::Vector<S>; 6] {
        let even_a = combined::<T, S, _>(simd, [(AA / AT_A, g[2]), (1.0 / AT_A, g[0])]);
        let even_b = combined::<T, S, _>(simd, [(BB / AT_B, g[2]), (1.0 / AT_B, g[0])]);
        [
            combined::<T, S, _>(simd, [(1.0 / AT_ZERO, g[0])]),
            combined::<T, S, _>(simd, [(A / AT_A, g[1]), (1.0, even_a)]),
            combined::<T, S, _>(simd, [(-A / AT_A, g[1]), (1.0, even_a)]),
            combined::<T, S, _>(simd, [(B / AT_B, g[1]), (1.0, even_b)]),
            combined::<T, S, _>(simd, [(-B / AT_B, g[1]), (1.0, even_b)]),
            g[2],
        ]
    }
}

/// Gᵀ u, the transpose of [`Filter`].
pub(in super::super) struct FilterBack;

impl Transform<6, FILTER> for FilterBack {
    #[inline(always)]
    fn line<T: Element, S: Simd>(simd: S, u: [T::Vector<S>; 6]) -> [T::Vector<S>; FILTER] {
        let [(sum_a, odd_a), (sum_b, odd_b)] = sums_and_differences::<T, S>(simd, u);
        [
            combined::<T, S, _>(
                simd,
                [(1.0 / AT_A, sum_a), (1.0 / AT_B, sum_b), (1.0 / AT_ZERO, u[0])],
            ),
            combined::<T, S, _>(simd, [(A / AT_A, odd_a), (B / AT_B, odd_b)]),
            combined::<T, S, _>(simd, [(AA / AT_A, sum_a), (BB / AT_B, sum_b), (1.0, u[5])]),
        ]
    }
}

/// Of what stands at each pair of opposite points, the sum and the difference.
#[inline(always)]
fn sums_and_differences<T: Element, S: Simd>(
    simd: S,
    m: [T::Vector<S>; 6],
) -> [(T::Vector<S>, T::Vector<S>); 2] {
    [
        (T::plus(simd, m[1], m[2]), T::subtract(simd, m[1], m[2])),
        (T::plus(simd, m[3], m[4]), T::subtract(simd, m[3], m[4])),
    ]
}

/// Σ factor · value, added up from the last on.
#[inline(always)]
fn combined<T: Element, S: Simd, const COUNT: usize>(
    simd: S,
    terms: [(f64, T::Vector<S>); COUNT],
) -> T::Vector<S> {
    let mut sum = T::splat(simd, T::ZERO);
    for index in (0..COUNT).rev() {
        let (factor, value) = terms[index];
        sum = if factor != 1.0 {
            T::fma(simd, T::splat(simd, T::from_f64(factor)), value, sum)
        } else if index + 1 == COUNT {
            value
        } else {
            T::plus(simd, value, sum)
        };
    }
    sum
}

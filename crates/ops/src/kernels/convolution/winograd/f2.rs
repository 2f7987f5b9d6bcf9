//! F(2×2, 3×3), whose transforms add, subtract and halve.

use pulp::Simd;

use super::{FILTER, Filtering, Transform};
use crate::element::Element;

pub(in super::super) struct F2;

impl Filtering<4, 2> for F2 {
    const BLOCK: usize = 4;

    type Pixels = Pixels;
    type PixelsBack = PixelsBack;
    type Results = Results;
    type ResultsBack = ResultsBack;
    type Filter = Filter;
    type FilterBack = FilterBack;
}

/// Bᵀ d.
pub(in super::super) struct Pixels;

impl Transform<4, 4> for Pixels {
    #[inline(always)]
    fn line<T: Element, S: Simd>(simd: S, d: [T::Vector<S>; 4]) -> [T::Vector<S>; 4] {
        [
            T::subtract(simd, d[0], d[2]),
            T::plus(simd, d[1], d[2]),
            T::subtract(simd, d[2], d[1]),
            T::subtract(simd, d[1], d[3]),
        ]
    }
}

/// B v, the transpose of [`Pixels`].
pub(in super::super) struct PixelsBack;

impl Transform<4, 4> for PixelsBack {
    #[inline(always)]
    fn line<T: Element, S: Simd>(simd: S, v: [T::Vector<S>; 4]) -> [T::Vector<S>; 4] {
        let zero = T::splat(simd, T::ZERO);
        [
            v[0],
            T::plus(simd, T::subtract(simd, v[1], v[2]), v[3]),
            T::subtract(simd, T::plus(simd, v[1], v[2]), v[0]),
            T::subtract(simd, zero, v[3]),
        ]
    }
}

/// Aᵀ m.
pub(in super::super) struct Results;

impl Transform<4, 2> for Results {
    #[inline(always)]
    fn line<T: Element, S: Simd>(simd: S, m: [T::Vector<S>; 4]) -> [T::Vector<S>; 2] {
        [
            T::plus(simd, T::plus(simd, m[0], m[1]), m[2]),
            T::subtract(simd, T::subtract(simd, m[1], m[2]), m[3]),
        ]
    }
}

/// A y, the transpose of [`Results`].
pub(in super::super) struct ResultsBack;

impl Transform<2, 4> for ResultsBack {
    #[inline(always)]
    fn line<T: Element, S: Simd>(simd: S, y: [T::Vector<S>; 2]) -> [T::Vector<S>; 4] {
        let zero = T::splat(simd, T::ZERO);
        [
            y[0],
            T::plus(simd, y[0], y[1]),
            T::subtract(simd, y[0], y[1]),
            T::subtract(simd, zero, y[1]),
        ]
    }
}

/// G g.
pub(in super::super) struct Filter;

impl Transform<FILTER, 4> for Filter {
    #[inline(always)]
    fn line<T: Element, S: Simd>(simd: S, g: [T::Vector<S>; FILTER]) -> [T::Vector<S>; 4] {
        let (half, zero) = (T::splat(simd, T::from_f64(0.5)), T::splat(simd, T::ZERO));
        let ends = T::plus(simd, g[0], g[2]);
        let halved = |sum| T::fma(simd, sum, half, zero);
        let (sum, difference) = (T::plus(simd, ends, g[1]), T::subtract(simd, ends, g[1]));
        [g[0], halved(sum), halved(difference), g[2]]
    }
}

/// Gᵀ u, the transpose of [`Filter`].
pub(in super::super) struct FilterBack;

impl Transform<4, FILTER> for FilterBack {
    #[inline(always)]
    fn line<T: Element, S: Simd>(simd: S, u: [T::Vector<S>; 4]) -> [T::Vector<S>; FILTER] {
        let (half, zero) = (T::splat(simd, T::from_f64(0.5)), T::splat(simd, T::ZERO));
        let (sum, difference) = (T::plus(simd, u[1], u[2]), T::subtract(simd, u[1], u[2]));
        [
            T::fma(simd, sum, half, u[0]),
            T::fma(simd, difference, half, zero),
            T::fma(simd, sum, half, u[3]),
        ]
    }
}

//! Minimal filtering F(2×2, 3×3): windows of four results from squares of sixteen pixels, with sixteen
//! multiplications for each channel and output instead of thirty-six.
//!
//! Y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A for a filter g and a square of pixels d (Winograd, 1980; Lavin and Gray,
//! 2016, section 4.1). Summed over channels, what is multiplied at each of the sixteen places is a matrix
//! product, of a row a window. All of it is linear in d and in g, so the gradients go the same way back by the
//! transposed transforms. The transforms run along channels or outputs, a vector at a time.
//!
//! A pixel that is infinite or NaN may spoil all four results of its windows.

use pulp::Simd;

use super::{Geometry, Then};
use crate::element::Element;

mod matrices;

pub(super) use self::matrices::Matrices;

/// Side of the square of pixels under a window.
pub(super) const SIDE: usize = 4;
/// Places in it.
pub(super) const PLACES: usize = SIDE * SIDE;
/// Side of a filter.
pub(super) const FILTER: usize = 3;
/// Windows whose products are worked out together: they stay in the nearest caches.
pub(super) const BLOCK: usize = 32;

/// Whether a layer is taken this way: there have to be enough multiplications to spare for what the
/// transforms cost, and no window may be cut short.
pub(super) fn fit(g: &Geometry, then: Then) -> bool {
    let (height, width) = g.convolved();
    let whole = then == Then::ReluMaxPool || (height.is_multiple_of(2) && width.is_multiple_of(2));
    !g.direct
        && (g.kernel_height, g.kernel_width, g.stride, g.dilation, g.groups)
            == (FILTER, FILTER, 1, 1, 1)
        && whole
        && g.channels.min(g.outputs) >= 16
}

/// What is done to each row of a square, and then to each column.
#[inline(always)]
pub(super) fn both_ways<S: Simd, V: Copy, const N: usize, const M: usize>(
    simd: S,
    square: [[V; N]; N],
    line: impl Fn(S, [V; N]) -> [V; M],
) -> [[V; M]; M] {
    let any = square[0][0];
    let mut rows = [[any; M]; N];
    for row in 0..N {
        rows[row] = line(simd, square[row]);
    }
    let mut result = [[any; M]; M];
    for column in 0..M {
        let mut values = [any; N];
        for row in 0..N {
            values[row] = rows[row][column];
        }
        let values = line(simd, values);
        for row in 0..M {
            result[row][column] = values[row];
        }
    }
    result
}

/// Bᵀ d.
#[inline(always)]
fn pixels<T: Element, S: Simd>(simd: S, d: [T::Vector<S>; 4]) -> [T::Vector<S>; 4] {
    [
        T::subtract(simd, d[0], d[2]),
        T::plus(simd, d[1], d[2]),
        T::subtract(simd, d[2], d[1]),
        T::subtract(simd, d[1], d[3]),
    ]
}

/// B v, the transpose of [`pixels`].
#[inline(always)]
pub(super) fn pixels_back<T: Element, S: Simd>(simd: S, v: [T::Vector<S>; 4]) -> [T::Vector<S>; 4] {
    let zero = T::splat(simd, T::ZERO);
    [
        v[0],
        T::plus(simd, T::subtract(simd, v[1], v[2]), v[3]),
        T::subtract(simd, T::plus(simd, v[1], v[2]), v[0]),
        T::subtract(simd, zero, v[3]),
    ]
}

/// Aᵀ m.
#[inline(always)]
pub(super) fn results<T: Element, S: Simd>(simd: S, m: [T::Vector<S>; 4]) -> [T::Vector<S>; 2] {
    [
        T::plus(simd, T::plus(simd, m[0], m[1]), m[2]),
        T::subtract(simd, T::subtract(simd, m[1], m[2]), m[3]),
    ]
}

/// A y, the transpose of [`results`].
#[inline(always)]
fn results_back<T: Element, S: Simd>(simd: S, y: [T::Vector<S>; 2]) -> [T::Vector<S>; 4] {
    let zero = T::splat(simd, T::ZERO);
    [y[0], T::plus(simd, y[0], y[1]), T::subtract(simd, y[0], y[1]), T::subtract(simd, zero, y[1])]
}

/// G g.
#[inline(always)]
pub(super) fn filter<T: Element, S: Simd>(simd: S, g: [T::Vector<S>; 3]) -> [T::Vector<S>; 4] {
    let (half, zero) = (T::splat(simd, T::from_f64(0.5)), T::splat(simd, T::ZERO));
    let ends = T::plus(simd, g[0], g[2]);
    let halved = |sum| T::fma(simd, sum, half, zero);
    let (sum, difference) = (T::plus(simd, ends, g[1]), T::subtract(simd, ends, g[1]));
    [g[0], halved(sum), halved(difference), g[2]]
}

/// Gᵀ u, the transpose of [`filter`].
#[inline(always)]
pub(super) fn filter_back<T: Element, S: Simd>(simd: S, u: [T::Vector<S>; 4]) -> [T::Vector<S>; 3] {
    let (half, zero) = (T::splat(simd, T::from_f64(0.5)), T::splat(simd, T::ZERO));
    let (sum, difference) = (T::plus(simd, u[1], u[2]), T::subtract(simd, u[1], u[2]));
    [
        T::fma(simd, sum, half, u[0]),
        T::fma(simd, difference, half, zero),
        T::fma(simd, sum, half, u[3]),
    ]
}

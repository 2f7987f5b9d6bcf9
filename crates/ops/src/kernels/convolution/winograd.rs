//! Minimal filtering F(2×2, 3×3): windows of four results from squares of sixteen pixels, with sixteen
//! multiplications for each channel and output instead of thirty-six.
//!
//! Y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A for a filter g and a square of pixels d (Winograd, 1980; Lavin and Gray,
//! 2016, section 4.1). Summed over channels, what is multiplied at each of the sixteen places is a matrix
//! product, of a row a window. All of it is linear in d and in g, so the gradients go the same way back by the
//! transposed transforms. The transforms run along channels or outputs, a vector at a time.
//!
//! A pixel that is infinite or NaN may spoil all four results of its windows.

use pulp::{NullaryFnOnce, Simd};

use super::{Geometry, Then};
use crate::element::Element;
use crate::kernels::lines::Lines;

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
pub(super) fn pixels<T: Element, S: Simd>(simd: S, d: [T::Vector<S>; 4]) -> [T::Vector<S>; 4] {
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
pub(super) fn results_back<T: Element, S: Simd>(
    simd: S,
    y: [T::Vector<S>; 2],
) -> [T::Vector<S>; 4] {
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

/// A matrix for each place of a square, of a row a window. Rows are filled up to whole vectors.
pub(super) struct Matrices<T> {
    values: Lines<T>,
    /// From one to the next, a cache line more than it has: else the same row of all might lie in few sets of
    /// the cache.
    apart: usize,
    /// From one row to the next.
    pub(super) row: usize,
}

impl<T: Element> Matrices<T> {
    #[inline(always)]
    pub(super) fn zeros<S: Simd>(rows: usize, columns: usize) -> Self {
        let row = columns.next_multiple_of(T::lanes::<S>());
        let apart = (rows * row).next_multiple_of(64 / size_of::<T>()) + 64 / size_of::<T>();
        Self { values: Lines::zeros(PLACES * apart), apart, row }
    }

    #[inline(always)]
    pub(super) fn at(&self, place: usize) -> &[T] {
        &self.values[place * self.apart..][..self.apart]
    }

    #[inline(always)]
    fn at_mut(&mut self, place: usize) -> &mut [T] {
        &mut self.values[place * self.apart..][..self.apart]
    }

    /// The vector from `column` on in a row of each.
    #[inline(always)]
    pub(super) fn load<S: Simd>(
        &self,
        simd: S,
        (row, column): (usize, usize),
    ) -> [[T::Vector<S>; SIDE]; SIDE] {
        let mut square = [[T::splat(simd, T::ZERO); SIDE]; SIDE];
        for y in 0..SIDE {
            for x in 0..SIDE {
                let values = &self.at(y * SIDE + x)[row * self.row + column..];
                square[y][x] = T::load(simd, &values[..T::lanes::<S>()]);
            }
        }
        square
    }

    /// Writes what [`Matrices::load`] loads.
    #[inline(always)]
    fn store<S: Simd>(
        &mut self,
        simd: S,
        (row, column): (usize, usize),
        square: [[T::Vector<S>; SIDE]; SIDE],
    ) {
        let first = row * self.row + column;
        for y in 0..SIDE {
            for x in 0..SIDE {
                let values = &mut self.at_mut(y * SIDE + x)[first..];
                T::store(simd, &mut values[..T::lanes::<S>()], square[y][x]);
            }
        }
    }

    /// Puts the transform of a square of pixels into a row; the square begins a slice of an arranged image.
    #[inline(always)]
    pub(super) fn take_pixels<S: Simd>(&mut self, simd: S, row: usize, image: &[T], g: &Geometry) {
        for first in (0..g.channels).step_by(T::lanes::<S>()) {
            let square = load_square(simd, &image[first..], (g.row(), g.channels, first));
            self.store(simd, (row, first), both_ways(simd, square, pixels::<T, S>));
        }
    }

    /// Puts what a window's gradients become on the way back into a row; the window begins a slice of the
    /// gradients of a result.
    #[inline(always)]
    pub(super) fn take_gradients<S: Simd>(
        &mut self,
        simd: S,
        row: usize,
        gradients: &[T],
        g: &Geometry,
    ) {
        let line = g.convolved().1 * g.outputs;
        for first in (0..g.outputs).step_by(T::lanes::<S>()) {
            let window = load_square(simd, &gradients[first..], (line, g.outputs, first));
            self.store(simd, (row, first), both_ways(simd, window, results_back::<T, S>));
        }
    }

    /// Multiplies the first rows at one place, of so many columns, by a matrix of so many vectors side by side,
    /// and writes the products from `column` on.
    #[inline(always)]
    pub(super) fn multiply<S: Simd, const VECTORS: usize, const ROWS: usize>(
        &self,
        simd: S,
        place: usize,
        (count, depth): (usize, usize),
        right: &[T],
        (products, column): (&mut Self, usize),
    ) {
        let (left, across) = (self.at(place), products.row);
        let products = products.at_mut(place);
        for first in (0..count).step_by(ROWS) {
            let left = &left[first * self.row..][..ROWS * self.row];
            let products = &mut products[first * across + column..];
            // A function of its own: within the loop the compiler runs out of registers for the rows' places.
            simd.vectorize(Multiply::<T, S, VECTORS, ROWS> {
                simd,
                left: (left, self.row),
                depth,
                right,
                products: (products, across),
            });
        }
    }
}

/// The vectors that begin a slice of rows, some columns apart; of the columns' values so many came before.
#[inline(always)]
fn load_square<T: Element, S: Simd, const N: usize>(
    simd: S,
    values: &[T],
    (row, column, before): (usize, usize, usize),
) -> [[T::Vector<S>; N]; N] {
    let lanes = T::lanes::<S>();
    let length = lanes.min(column - before);
    let mut square = [[T::splat(simd, T::ZERO); N]; N];
    if length == lanes {
        for y in 0..N {
            let line = &values[y * row..][..(N - 1) * column + lanes];
            for x in 0..N {
                square[y][x] = T::load(simd, &line[x * column..][..lanes]);
            }
        }
    } else {
        for y in 0..N {
            for x in 0..N {
                square[y][x] = T::load(simd, &values[y * row + x * column..][..length]);
            }
        }
    }
    square
}

/// Some rows times a matrix of so many vectors side by side.
struct Multiply<'a, T, S, const VECTORS: usize, const ROWS: usize> {
    simd: S,
    /// The first row's values, and how far the next row's are.
    left: (&'a [T], usize),
    depth: usize,
    right: &'a [T],
    products: (&'a mut [T], usize),
}

impl<T: Element, S: Simd, const VECTORS: usize, const ROWS: usize> NullaryFnOnce
    for Multiply<'_, T, S, VECTORS, ROWS>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, left: (left, apart), depth, right, products: (products, across) } = self;
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
            let products = &mut products[row * across..][..width];
            for vector in 0..VECTORS {
                T::store(simd, &mut products[vector * lanes..][..lanes], sums[row][vector]);
            }
        }
    }
}

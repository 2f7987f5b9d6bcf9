//! Minimal filtering: squares of results from squares of pixels, with one multiplication a pixel for each channel
//! and output.
//!
//! Y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A for a filter g and a square of pixels d (Winograd, 1980; Lavin and Gray,
//! 2016, section 4.1). Summed over channels, what is multiplied at each place of the square is a matrix
//! product, of a row a square of results, called a *tile*. All of it is linear in d and in g, so the gradients go
//! the same way back by the transposed transforms. The transforms run along channels or outputs, a vector at a time.
//!
//! A pixel that is infinite or NaN may spoil all results of its tiles.

use pulp::Simd;

use super::{Geometry, Then, by_filters};
use crate::element::Element;

mod f2;
mod f4;
mod matrices;
mod squares;

pub(super) use self::f2::F2;
pub(super) use self::f4::F4;
pub(super) use self::matrices::Matrices;
pub(super) use self::squares::{add_square, store_places, transformed};

/// Side of a filter.
pub(super) const FILTER: usize = 3;

/// The results that are worked out from one square of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tile {
    /// F(2×2, 3×3): 16 multiplications for each channel and output, where direct sums take 36.
    Two,
    /// F(4×4, 3×3): 36 where direct sums take 144.
    Four,
}

impl Geometry {
    /// Whether the filter is of the size that there are transforms for, and reads pixels next to each other.
    pub(super) fn has_filter_of_tiles(&self) -> bool {
        (self.kernel_height, self.kernel_width, self.stride, self.dilation)
            == (FILTER, FILTER, 1, 1)
    }

    /// The same layer with direct sums where a batch of so many images gives so few tiles that to transform many
    /// filters would take longer.
    pub(super) fn of_batch(&self, count: usize, then: Then) -> Self {
        const MANY: usize = 1 << 13;
        const FEW: usize = 32;
        let (height, width) = self.pooled_or_not(then);
        let few = |tile: Tile| self.chunk(count) * height * width / tile.side().pow(2) < FEW;
        let many = self.channels * self.outputs >= MANY;
        let filtered = by_filters::fit(self, count);
        let direct = self.direct || many && !filtered && Tile::of(self, then).is_some_and(few);
        Self { direct, ..*self }
    }
}

impl Tile {
    /// The one of a layer that is taken this way: there have to be enough multiplications to spare for what the
    /// transforms cost, and no tile may be cut short.
    ///
    /// Where an image has 4×4 results and no more, and they are pooled, as in most of the paper's LeNets, tiles of 2×2
    /// take hardly longer and round less: they work out the results alone, and no gradients.
    pub(super) fn of(g: &Geometry, then: Then) -> Option<Self> {
        let taken = !g.direct
            && g.has_filter_of_tiles()
            && g.groups == 1
            && g.channels.min(g.outputs) >= 16;
        if !taken {
            return None;
        }
        let (height, width) = g.pooled_or_not(then);
        let bands = g.bands(then);
        let whole = |side| {
            let whole_rows = |rows: usize| (rows * then.rows_apart()).is_multiple_of(side);
            width.is_multiple_of(side) && bands.iter().all(|band| whole_rows(band.rows.len()))
        };
        let one = then == Then::ReluMaxPool && height.max(width) <= 4;
        if !one && whole(4) { Some(Tile::Four) } else { whole(2).then_some(Tile::Two) }
    }

    /// Results along a side.
    pub(super) fn side(self) -> usize {
        match self {
            Tile::Two => 2,
            Tile::Four => 4,
        }
    }

    /// Where the pixels of each tile begin in what is under so many rows of the convolution's result.
    pub(super) fn starts(self, g: &Geometry, rows: usize, then: Then) -> Vec<usize> {
        let (side, across) = (self.side(), g.pooled_or_not(then).1 / self.side());
        let start = |tile: usize| side * (tile / across * g.row() + tile % across * g.channels);
        (0..rows / side * across).map(start).collect()
    }
}

/// The transforms of one size of tiles, of `SIDE` pixels and `RESULTS` results along a side.
pub(super) trait Filtering<const SIDE: usize, const RESULTS: usize> {
    /// How many times as many tiles a block has as are multiplied together.
    const BLOCK: usize;

    /// Tiles whose products are worked out one after the other: they stay in the nearer caches. Where the transforms of
    /// all filters do not, which are read once a block, there are more of them.
    #[inline(always)]
    fn block<S: Simd>(g: &Geometry) -> usize {
        /// Values of the transforms: a megabyte of f32.
        const MANY: usize = 1 << 18;
        let more = if SIDE * SIDE * g.channels * g.outputs > MANY { 2 } else { 1 };
        more * Self::BLOCK * matrices::rows_together::<S>()
    }

    /// Bᵀ.
    type Pixels: Transform<SIDE, SIDE>;
    /// B.
    type PixelsBack: Transform<SIDE, SIDE>;
    /// Aᵀ.
    type Results: Transform<SIDE, RESULTS>;
    /// A.
    type ResultsBack: Transform<RESULTS, SIDE>;
    /// G.
    type Filter: Transform<FILTER, SIDE>;
    /// Gᵀ.
    type FilterBack: Transform<SIDE, FILTER>;
}

/// A matrix of M rows and N columns, to multiply by. A type and no closure: the compiler inlines its function.
pub(super) trait Transform<const N: usize, const M: usize> {
    fn line<T: Element, S: Simd>(simd: S, line: [T::Vector<S>; N]) -> [T::Vector<S>; M];
}

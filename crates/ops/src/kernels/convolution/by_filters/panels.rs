//! Panels of outputs or channels, and what of a layer in groups each of them sees.

use std::marker::PhantomData;
use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::super::Geometry;
use crate::element::Element;
use crate::kernels::dispatch;

/// The panels of so many outputs or channels, in so many groups.
pub(super) fn panels<T: Element>(groups: usize, all: usize) -> impl Iterator<Item = Range<usize>> {
    let width = dispatch(Width::<T> { groups, all, of: PhantomData });
    (0..all).step_by(width).map(move |first| first..all.min(first + width))
}

/// Outputs or channels of a panel.
struct Width<T> {
    groups: usize,
    all: usize,
    of: PhantomData<T>,
}

impl<T: Element> WithSimd for Width<T> {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        vectors::<T, S>(self.groups, self.all) * T::lanes::<S>()
    }
}

/// Vectors of a panel: two, or one where whole groups have room in it, for then it sees fewer of them.
#[inline(always)]
pub(super) fn vectors<T: Element, S: Simd>(groups: usize, all: usize) -> usize {
    if groups > 1 && all / groups <= T::lanes::<S>() { 1 } else { 2 }
}

/// Some outputs of one group, and the channels that they read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) outputs: Range<usize>,
    pub(super) channels: Range<usize>,
}

/// What each group has of some outputs.
pub(super) fn pieces(g: &Geometry, outputs: Range<usize>) -> impl Iterator<Item = Piece> {
    let own = g.group();
    let groups = outputs.start / own.outputs..outputs.end.div_ceil(own.outputs);
    groups.map(move |group| {
        let first = group * own.outputs;
        Piece {
            outputs: outputs.start.max(first)..outputs.end.min(first + own.outputs),
            channels: group * own.channels..(group + 1) * own.channels,
        }
    })
}

/// The channels that some outputs read: those of all their groups.
pub(super) fn channels_of(g: &Geometry, outputs: &Range<usize>) -> Range<usize> {
    let own = g.group();
    let groups = outputs.start / own.outputs..outputs.end.div_ceil(own.outputs);
    groups.start * own.channels..groups.end * own.channels
}

/// The outputs that read some channels.
pub(super) fn outputs_of(g: &Geometry, channels: &Range<usize>) -> Range<usize> {
    let own = g.group();
    let groups = channels.start / own.channels..channels.end.div_ceil(own.channels);
    groups.start * own.outputs..groups.end * own.outputs
}

/// From one place's matrix of so many values to the next: a cache line more, or else the same row of all would lie in
/// few sets of the cache.
pub(super) fn apart<T>(values: usize) -> usize {
    values + 64 / size_of::<T>()
}

#[cfg(test)]
mod tests {
    use super::super::super::BAND;
    use super::*;

    #[test]
    fn panels_see_the_groups_that_they_reach_into() {
        // Five groups of two channels and three outputs.
        let g = Geometry {
            height: 4,
            width: 4,
            channels: 10,
            outputs: 15,
            kernel_height: 3,
            kernel_width: 3,
            padding: 1,
            stride: 1,
            dilation: 1,
            groups: 5,
            direct: false,
            im2col: false,
            band: BAND,
        };
        let piece = |outputs, channels| Piece { outputs, channels };
        let all: Vec<_> = pieces(&g, 2..8).collect();
        assert_eq!(all, [piece(2..3, 0..2), piece(3..6, 2..4), piece(6..8, 4..6)]);
        assert_eq!(channels_of(&g, &(2..8)), 0..6);
        assert_eq!(channels_of(&g, &(3..6)), 2..4);
        assert_eq!(outputs_of(&g, &(3..5)), 3..9);
        assert_eq!(outputs_of(&g, &(9..10)), 12..15);
        let whole = Geometry { groups: 1, ..g };
        assert_eq!(channels_of(&whole, &(2..8)), 0..10);
        assert_eq!(pieces(&whole, 2..8).collect::<Vec<_>>(), [piece(2..8, 0..10)]);
    }
}

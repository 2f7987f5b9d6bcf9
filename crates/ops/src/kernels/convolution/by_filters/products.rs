//! Tiles times the filters of a panel.

use std::ops::Range;

use pulp::Simd;

use super::super::winograd::Matrices;
use super::{SIDE, Transformed};
use crate::element::Element;

/// The transforms of a panel's filters, a matrix a place, so far `apart` from one to the next.
pub(super) struct Filters<'a, T> {
    pub(super) transforms: &'a [T],
    pub(super) apart: usize,
    /// The columns of the tiles that are multiplied by it.
    pub(super) read: Range<usize>,
    /// Vectors of a row.
    pub(super) vectors: usize,
}

/// The products of the tiles, `each` an image, by a panel's filters, and of which images they are.
///
/// A few matrices of tiles are multiplied place by place, so that the filters of a place are read once for all of these;
/// more products would leave the cache before they are transformed back.
#[inline(always)]
pub(super) fn products<'a, T: Element, S: Simd>(
    simd: S,
    tiles: &'a [Transformed<T>],
    each: usize,
    filters: &'a Filters<'_, T>,
) -> impl Iterator<Item = (Range<usize>, Matrices<T, SIDE>)> {
    const TOGETHER: usize = 4;
    let &Filters { transforms, apart, ref read, vectors } = filters;
    let panel = vectors * T::lanes::<S>();
    tiles.chunks(TOGETHER).flat_map(move |tiles| {
        let rows = |it: &Transformed<T>| it.images.len() * each;
        let unspecified = |it| Matrices::unspecified::<S>(rows(it), panel);
        let mut products: Vec<_> = tiles.iter().map(unspecified).collect();
        for (place, transforms) in transforms.chunks_exact(apart).enumerate() {
            let right = (&transforms[..read.len() * panel], vectors);
            for (tiles, products) in tiles.iter().zip(&mut products) {
                let size = (rows(tiles), read.clone());
                tiles.matrices.multiply(simd, place, size, right, (products, 0));
            }
        }
        tiles.iter().map(|it| it.images.clone()).zip(products)
    })
}

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
    /// The columns of the tiles that are multiplied by them.
    pub(super) read: Range<usize>,
    /// Vectors of a row.
    pub(super) vectors: usize,
}

/// Of which images some tiles are, `each` an image, and their products by a panel's filters.
///
/// A few matrices of tiles are multiplied place by place, so that the filters of a place are read once for all of them.
/// More products would leave the cache before they are transformed back.
#[inline(always)]
pub(super) fn products<'a, T: Element, S: Simd>(
    simd: S,
    tiles: &'a [Transformed<T>],
    each: usize,
    filters: &'a Filters<'_, T>,
) -> impl Iterator<Item = (Range<usize>, Matrices<T, SIDE>)> {
    /// Tiles that are multiplied together, where a matrix has no more.
    const TOGETHER: usize = 128;
    let &Filters { transforms, apart, ref read, vectors } = filters;
    let panel = vectors * T::lanes::<S>();
    let rows = move |it: &Transformed<T>| it.images.len() * each;
    let most = tiles.first().map_or(1, rows);
    tiles.chunks((TOGETHER / most.max(1)).max(1)).flat_map(move |tiles| {
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

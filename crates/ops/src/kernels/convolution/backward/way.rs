//! Which way leads to a layer's gradients.

use super::super::winograd::Tile;
use super::super::{Geometry, Then, by_filters, depthwise};
use super::{direct, short_patches, sparse};

/// A way to the gradients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Way {
    /// Vectors along the channels of all groups, where each has few.
    Depthwise,
    /// As that of a layer which is not pooled, with gradients that are zero but for the maxima.
    Unpooled,
    /// Products with the patches of the whole batch, where there are few of them and many weights.
    Im2col,
    /// By minimal filtering of which threads share the filters, where these are many and tiles few, or in groups.
    ByFilters,
    /// Some groups together, then the next ones, each by its own way.
    Groups,
    /// One product for the weights and one for the images, where each image is one patch.
    OnePatch,
    /// Vectors along the outputs, where a patch is too short for vectors and the images need no gradient.
    ShortPatches,
    /// Lists of what is not zero, where pooling lets through one gradient of each window, here or in an op behind this.
    Sparse,
    /// By minimal filtering.
    Winograd(Tile),
    /// From the images as they lie: the weights' sums stay in registers for all positions of an image.
    Direct,
    /// Products with copied patches, where an image has few positions or is taken in bands.
    Patches,
}

impl Way {
    /// The one of a layer and a batch of so many images, which may ask whether the result's gradient is mostly zero.
    pub(in super::super) fn of(
        g: &Geometry,
        count: usize,
        then: Then,
        of_images: bool,
        mostly_zero: impl FnOnce() -> bool,
    ) -> Self {
        let (depthwise, by_filters) = (depthwise::fit(g), by_filters::fit(g, count));
        let filtered = g.im2col || depthwise || by_filters || is_filtered_unpooled(g);
        if then == Then::ReluMaxPool && filtered {
            Way::Unpooled
        } else if g.im2col {
            Way::Im2col
        } else if depthwise {
            Way::Depthwise
        } else if by_filters {
            Way::ByFilters
        } else if g.groups > 1 {
            Way::Groups
        } else if g.one_patch() {
            Way::OnePatch
        } else if !of_images && short_patches::fit(g, then) {
            Way::ShortPatches
        } else if then == Then::ReluMaxPool {
            Way::Sparse
        } else if let Some(tile) = Tile::of(g, then) {
            Way::Winograd(tile)
        } else if direct::fit(g) && g.segment() >= sparse::LEAST_SEGMENT && mostly_zero() {
            Way::Sparse
        } else if direct::fit(g) {
            Way::Direct
        } else {
            Way::Patches
        }
    }
}

/// Whether, where it is pooled, minimal filtering takes less time for the gradients of all positions than lists for
/// those that are not zero.
pub(in super::super) fn is_filtered_unpooled(g: &Geometry) -> bool {
    const MANY: usize = 1 << 15;
    g.channels * g.outputs >= MANY && Tile::of(g, Then::Nothing) == Some(Tile::Four)
}

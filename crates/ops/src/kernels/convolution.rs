//! Convolution of channels-last images, with ReLU and max pooling in the same pass.
//!
//! Images are (height, width, channels) row-major, so each row of a patch is
//! contiguous: `kernel width · channels` values, called a *segment* here. No patch matrix is built.

use crate::element::Element;
use crate::kernels::transposed::each_transposed;

mod arrangement;
mod backward;
mod bands;
mod depthwise;
mod forward;
mod geometry;
mod groups;
mod near;
#[cfg(test)]
mod tests;
mod tiles;
mod winograd;

#[cfg(test)]
use backward::Way;
pub(crate) use backward::{Gradients, ResultGradient, Saved, backward};
pub(crate) use bands::{BAND, ResultRows};
pub(crate) use forward::{forward, forward_and};
pub(crate) use geometry::{Geometry, Then};
#[cfg(test)]
use winograd::Tile;

/// Weights (outputs, channels of a group, kernel height, kernel width) as (outputs, kernel height,
/// kernel width, channels): the order in which a channels-last image is read.
pub(crate) fn channels_last_weights<T: Element>(weights: &[T], g: &Geometry) -> Vec<T> {
    each_transposed(weights, (g.channels / g.groups, g.kernel_height * g.kernel_width))
}

/// The inverse of [`channels_last_weights`].
pub(crate) fn channels_first_weights<T: Element>(weights: &[T], g: &Geometry) -> Vec<T> {
    each_transposed(weights, (g.kernel_height * g.kernel_width, g.channels / g.groups))
}

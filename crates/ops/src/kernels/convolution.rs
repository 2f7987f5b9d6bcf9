//! Convolution of channels-last images, with ReLU and max pooling in the same pass.
//!
//! Images are (height, width, channels) row-major, so each row of a patch is
//! contiguous: `kernel width · channels` values, called a *segment* here. A matrix of patches is built where many weights
//! meet few positions ([`im2col`]), and in parts for some gradients.

use std::borrow::Cow;

use crate::element::Element;
use crate::kernels::transposed::each_transposed;

mod arrangement;
mod backward;
mod bands;
mod by_filters;
mod column_slices;
mod depthwise;
mod forward;
mod geometry;
mod groups;
mod im2col;
mod near;
#[cfg(test)]
mod tests;
mod tiles;
mod windows;
mod winograd;

#[cfg(test)]
use backward::Way;
pub(crate) use backward::{Gradients, ResultGradient, Saved, backward};
pub(crate) use bands::{BAND, ResultRows};
pub(crate) use forward::{forward, forward_and};
pub(crate) use geometry::{Geometry, Then};
#[cfg(test)]
use winograd::Tile;

/// Weights (outputs, channels of a group, kernel height, kernel width) as the kernels read them: (outputs, kernel
/// height, kernel width, channels), the order in which a channels-last image is read, or as they are.
pub(crate) fn arranged_weights<'a, T: Element>(weights: &'a [T], g: &Geometry) -> Cow<'a, [T]> {
    if g.im2col {
        return weights.into();
    }
    each_transposed(weights, (g.channels / g.groups, g.kernel_height * g.kernel_width)).into()
}

/// The inverse of [`arranged_weights`].
pub(crate) fn given_weights<T: Element>(weights: Vec<T>, g: &Geometry) -> Vec<T> {
    if g.im2col {
        return weights;
    }
    each_transposed(&weights, (g.kernel_height * g.kernel_width, g.channels / g.groups))
}

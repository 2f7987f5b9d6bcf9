//! Convolution of channels-last images, with ReLU and max pooling in the same pass.
//!
//! Images are (height, width, channels) row-major, so each row of a patch is
//! contiguous: `kernel width · channels` values, called a *segment* here. No patch matrix is built.

use crate::element::Element;

mod arrangement;
mod backward;
mod bands;
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
    let mut reordered = Vec::with_capacity(weights.len());
    let (area, channels) = (g.kernel_height * g.kernel_width, g.channels / g.groups);
    for output in weights.chunks_exact(channels * area) {
        for place in 0..area {
            reordered.extend((0..channels).map(|channel| output[channel * area + place]));
        }
    }
    reordered
}

/// The inverse of [`channels_last_weights`].
pub(crate) fn channels_first_weights<T: Element>(weights: &[T], g: &Geometry) -> Vec<T> {
    let mut reordered = Vec::with_capacity(weights.len());
    let (area, channels) = (g.kernel_height * g.kernel_width, g.channels / g.groups);
    for output in weights.chunks_exact(channels * area) {
        for channel in 0..channels {
            reordered.extend((0..area).map(|place| output[place * channels + channel]));
        }
    }
    reordered
}

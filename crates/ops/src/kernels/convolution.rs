//! Convolution of channels-last images, with ReLU and max pooling in the same pass.
//!
//! Images are (height, width, channels) row-major, so the inputs under one kernel row are
//! contiguous: `kernel width · channels` values, called a *segment* here. No patch matrix is built.

use crate::element::Element;
use crate::kernels::vectors::WINDOW;

mod backward;
mod forward;
mod tiles;

pub(crate) use backward::{Gradients, Pass, ResultGradient, backward};
pub(crate) use forward::{forward, forward_and};

/// Images that one thread works on at a time. Fixed, so that the order of sums over images does not
/// depend on how many threads there are.
pub(crate) const CHUNK: usize = 32;

/// What follows the convolution in the same pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Nothing,
    Relu,
    /// ReLU, then the maximum of each 2×2 window at stride 2.
    ReluMaxPool,
}

/// The sizes of one convolution; the images are padded already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    pub(crate) outputs: usize,
    pub(crate) kernel_height: usize,
    pub(crate) kernel_width: usize,
}

impl Geometry {
    pub(crate) fn image(&self) -> usize {
        self.height * self.width * self.channels
    }
    fn row(&self) -> usize {
        self.width * self.channels
    }
    fn segment(&self) -> usize {
        self.kernel_width * self.channels
    }
    fn patch(&self) -> usize {
        self.kernel_height * self.segment()
    }
    /// (height, width) of the convolution's result, before any pooling.
    pub(crate) fn convolved(&self) -> (usize, usize) {
        (self.height + 1 - self.kernel_height, self.width + 1 - self.kernel_width)
    }
    /// (height, width) of what comes out.
    pub(crate) fn result(&self, then: Then) -> (usize, usize) {
        let (height, width) = self.convolved();
        match then {
            Then::ReluMaxPool => (height / 2, width / 2),
            Then::Nothing | Then::Relu => (height, width),
        }
    }
    /// Where the patch of each result begins in an image; where pooled, the patch of each window's
    /// first position.
    fn starts(&self, then: Then) -> Vec<usize> {
        let (height, width) = self.result(then);
        let apart = if then == Then::ReluMaxPool { 2 } else { 1 };
        (0..height * width)
            .map(|place| self.patch_start(apart * (place / width), apart * (place % width)))
            .collect()
    }
    /// From a window's first patch to the patch of each of its four positions.
    fn window_offsets(&self) -> [usize; WINDOW] {
        [0, self.channels, self.row(), self.row() + self.channels]
    }
    /// Where the patch of the convolution's result at (y, x) begins in an image.
    #[inline(always)]
    fn patch_start(&self, y: usize, x: usize) -> usize {
        y * self.row() + x * self.channels
    }
}

/// Weights (outputs, channels, kernel height, kernel width) as (outputs, kernel height, kernel
/// width, channels): the order in which a channels-last image is read.
pub(crate) fn channels_last_weights<T: Element>(weights: &[T], g: &Geometry) -> Vec<T> {
    let mut reordered = Vec::with_capacity(weights.len());
    let area = g.kernel_height * g.kernel_width;
    for output in weights.chunks_exact(g.channels * area) {
        for place in 0..area {
            reordered.extend((0..g.channels).map(|channel| output[channel * area + place]));
        }
    }
    reordered
}

/// The inverse of [`channels_last_weights`].
pub(crate) fn channels_first_weights<T: Element>(weights: &[T], g: &Geometry) -> Vec<T> {
    let mut reordered = Vec::with_capacity(weights.len());
    let area = g.kernel_height * g.kernel_width;
    for output in weights.chunks_exact(g.channels * area) {
        for channel in 0..g.channels {
            reordered.extend((0..area).map(|place| output[place * g.channels + channel]));
        }
    }
    reordered
}

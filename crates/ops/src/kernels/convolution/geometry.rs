//! The sizes of a convolution, and where in an image its patches lie.

use crate::kernels::vectors::WINDOW;

/// What follows the convolution in the same pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Nothing,
    Relu,
    /// ReLU, then the maximum of each 2×2 window at stride 2.
    ReluMaxPool,
}

impl Then {
    /// From a row of what comes out to the next, in rows of the convolution's result.
    pub(super) fn rows_apart(self) -> usize {
        if self == Then::ReluMaxPool { 2 } else { 1 }
    }
}

/// The sizes of one convolution. None overflows, for whoever makes one has seen to it; but a step that no
/// filter or result is large enough to take may be of any size.
///
/// The kernels read *arranged* images: padded, and where dilation parts a filter's columns, with the
/// row of each patch brought together for each column of the result
/// ([`super::arrangement`]). So a segment is always contiguous.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    /// Of the images as they are given.
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// Of all groups.
    pub(crate) channels: usize,
    pub(crate) outputs: usize,
    pub(crate) kernel_height: usize,
    pub(crate) kernel_width: usize,
    /// Zeros on each of the four sides.
    pub(crate) padding: usize,
    pub(crate) stride: usize,
    pub(crate) dilation: usize,
    pub(crate) groups: usize,
    /// Whether all sums have to be direct, without minimal filtering.
    pub(crate) direct: bool,
    /// Whether it is taken by [products with all patches](super::im2col), with PyTorch's weights.
    pub(crate) im2col: bool,
    /// Values that are worked on together: [`super::BAND`], and fewer in tests.
    pub(crate) band: usize,
}

impl Geometry {
    /// One group's part, as a convolution of its own.
    pub(super) fn group(&self) -> Self {
        let (channels, outputs) = (self.channels / self.groups, self.outputs / self.groups);
        Self { channels, outputs, groups: 1, ..*self }
    }
    /// Values of an image as it is given.
    pub(crate) fn image(&self) -> usize {
        self.height * self.width * self.channels
    }
    /// Whether each image is one patch.
    pub(super) fn one_patch(&self) -> bool {
        (self.height, self.width) == (self.kernel_height, self.kernel_width)
            && self.padding == 0
            && self.convolved() == (1, 1)
    }
    /// Whether the row of a patch is apart in a padded image.
    pub(super) fn parted(&self) -> bool {
        self.dilation > 1 && self.kernel_width > 1
    }
    /// Height and width with the padding.
    pub(super) fn padded(&self) -> (usize, usize) {
        (self.height + 2 * self.padding, self.width + 2 * self.padding)
    }
    /// Values of an arranged image.
    pub(super) fn arranged(&self) -> usize {
        self.padded().0 * self.row()
    }
    /// Rows of an arranged image from a patch's first to its last.
    pub(super) fn reach(&self) -> usize {
        self.dilation * (self.kernel_height - 1) + 1
    }
    /// Values of an arranged image's row.
    pub(super) fn row(&self) -> usize {
        if self.parted() {
            self.convolved().1 * self.segment()
        } else {
            self.padded().1 * self.channels
        }
    }
    /// Values of a patch's row.
    pub(super) fn segment(&self) -> usize {
        self.kernel_width * self.channels
    }
    pub(super) fn patch(&self) -> usize {
        self.kernel_height * self.segment()
    }
    /// From one row of a patch to the next.
    pub(super) fn row_below(&self) -> usize {
        self.dilation.saturating_mul(self.row())
    }
    /// From a result's patch to that of its neighbour to the right.
    fn across(&self) -> usize {
        if self.parted() { self.segment() } else { self.stride.saturating_mul(self.channels) }
    }
    /// From a result's patch to that of its neighbour below.
    fn down(&self) -> usize {
        self.stride.saturating_mul(self.row())
    }
    /// (height, width) of the convolution's result, before any pooling.
    pub(crate) fn convolved(&self) -> (usize, usize) {
        let places = |padded: usize, size: usize| {
            (padded - (self.dilation * (size - 1) + 1)) / self.stride + 1
        };
        let (height, width) = self.padded();
        (places(height, self.kernel_height), places(width, self.kernel_width))
    }
    /// (height, width) of what comes out.
    pub(crate) fn result(&self, then: Then) -> (usize, usize) {
        let (height, width) = self.convolved();
        match then {
            Then::ReluMaxPool => (height / 2, width / 2),
            Then::Nothing | Then::Relu => (height, width),
        }
    }
    /// (height, width) of those of the convolution's results that come to anything: an odd row or column is left out
    /// of pooling.
    pub(super) fn pooled_or_not(&self, then: Then) -> (usize, usize) {
        let (height, width) = self.result(then);
        (height * then.rows_apart(), width * then.rows_apart())
    }
    /// Where the patch of each result of the first so many rows begins in what is under them; where
    /// pooled, the patch of each window's first position.
    pub(super) fn starts(&self, then: Then, rows: usize) -> Vec<usize> {
        let width = self.result(then).1;
        let apart = then.rows_apart();
        let (down, across) =
            (self.down().saturating_mul(apart), self.across().saturating_mul(apart));
        (0..rows * width).map(|place| place / width * down + place % width * across).collect()
    }
    /// From a window's first patch to the patch of each of its four positions.
    pub(super) fn window_offsets(&self) -> [usize; WINDOW] {
        let (down, across) = (self.down(), self.across());
        [0, across, down, down.saturating_add(across)]
    }
    /// Values of an arranged image and of the convolution's result.
    pub(super) fn values(&self) -> usize {
        let (height, width) = self.convolved();
        self.arranged() + height * width * self.outputs
    }

    /// Images of a batch of so many that one thread works on at a time: up to 32, and fewer where they are
    /// large; but not fewer than have four times as many values as there are weights, of which a thread sums up
    /// gradients of its own. A small batch, which might be one thread's work, is cut into four chunks, or a multiple of
    /// that, where that divides it, and else into about as many. It follows from the sizes alone, so that the order of
    /// sums over images does not depend on how many threads there are.
    pub(crate) fn chunk(&self, count: usize) -> usize {
        const VALUES: usize = 1 << 17;
        const FEW: usize = 64;
        let weights = 4 * self.outputs * self.group().patch();
        let most = VALUES.max(weights) / self.values();
        let most = if self.cut() { 1 } else { most.clamp(1, 32) };
        if count > FEW {
            return most;
        }
        let chunks = count.div_ceil(most).max(1).next_multiple_of(4);
        count.div_ceil(chunks).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::convolution::BAND;

    /// The layers of the paper's networks: sums over other numbers of images would be rounded
    /// otherwise, and the committed results would not come out again.
    #[test]
    fn the_papers_layers_are_taken_32_images_at_a_time() {
        for (side, channels, outputs, size) in
            [(14, 1, 16, 3), (14, 2, 16, 3), (6, 16, 32, 3), (2, 32, 120, 2)]
        {
            let g = Geometry {
                height: side,
                width: side,
                channels,
                outputs,
                kernel_height: size,
                kernel_width: size,
                padding: 0,
                stride: 1,
                dilation: 1,
                groups: 1,
                direct: false,
                im2col: false,
                band: BAND,
            };
            assert_eq!((g.chunk(100), g.chunk(1000), g.cut()), (32, 32, false));
            assert_eq!([1, 2, 32, 64].map(|few| g.chunk(few)), [1, 1, 8, 16]);
            // Not five chunks of six images and one of two, which one thread would wait for.
            let size = Geometry { height: 28, width: 28, channels: 1, outputs: 32, ..g };
            let size = Geometry { kernel_height: 5, kernel_width: 5, ..size };
            assert_eq!([1000, 32, 33, 5, 0].map(|count| size.chunk(count)), [6, 4, 5, 2, 1]);
            let large = Geometry { height: 224, width: 224, channels: 64, ..g };
            assert_eq!((large.chunk(100), large.cut()), (1, true));
        }
    }
}

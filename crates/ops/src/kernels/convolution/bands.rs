//! Large images in bands of rows, so that memory is bounded whatever the size of an image.

use std::ops::Range;

use super::{Geometry, Then};

/// Values of a band, of the arranged image and of the convolution's result together: a megabyte of f32.
pub(crate) const BAND: usize = 1 << 18;

/// Rows of an image's result that are worked out together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Band {
    pub(super) rows: Range<usize>,
    /// The rows of the arranged image in which their patches lie.
    pub(super) under: Range<usize>,
    /// How many patches these are: one for each place in the rows.
    pub(super) patches: usize,
    /// The rows' values among those of an image's result, and how many values that has.
    values: Range<usize>,
    result: usize,
}

/// Rows of the result of one among several images.
pub(crate) struct ResultRows {
    pub(crate) image: usize,
    pub(crate) rows: Range<usize>,
    /// Their values in the results (images, height, width, outputs).
    pub(crate) values: Range<usize>,
}

impl Band {
    /// The rows of one among several images.
    #[inline(always)]
    pub(super) fn of_image(&self, image: usize) -> ResultRows {
        let first = image * self.result;
        let values = first + self.values.start..first + self.values.end;
        ResultRows { image, rows: self.rows.clone(), values }
    }
}

impl Geometry {
    /// Whether an image is taken in several bands.
    pub(super) fn cut(&self) -> bool {
        self.values() > self.band
    }

    /// The bands of each image, the first of which is the largest. They follow from the sizes alone.
    ///
    /// Where an image is cut, a band has a multiple of four rows of the convolution's result, or two, so that none
    /// parts a window of a pooling that follows, nor a tile of minimal filtering where it need not.
    pub(super) fn bands(&self, then: Then) -> Vec<Band> {
        let (height, width) = self.result(then);
        let row = width * self.outputs;
        let band = |rows: Range<usize>, under| Band {
            under,
            patches: rows.len() * width,
            values: rows.start * row..rows.end * row,
            result: height * row,
            rows,
        };
        if !self.cut() {
            return vec![band(0..height, 0..self.padded().0)];
        }
        let apart = then.rows_apart();
        // What a row takes, and what the rows under it share with those under the next ones.
        let under = self.stride.saturating_mul(self.row());
        let own = under.saturating_add(self.convolved().1 * self.outputs);
        let shared = self.reach().saturating_sub(self.stride) * self.row();
        let fitting = self.band.saturating_sub(shared) / own;
        let convolved = if fitting < 4 { 2 } else { fitting / 4 * 4 };
        let from = |first: usize| {
            let rows = first..height.min(first + convolved / apart);
            let top = rows.start * apart * self.stride;
            let below = (rows.len() * apart - 1) * self.stride + self.reach();
            band(rows, top..top + below)
        };
        (0..height).step_by(convolved / apart).map(from).collect()
    }
}

//! Gradients from the images as they lie, where few of them are zero: no patch is copied.
//!
//! The weights' gradient of a place in the patch is a sum over positions of the value there times the
//! gradients of all outputs, held in registers for some places at a time. The images' gradient is a
//! convolution itself where the stride is 1: of the result's gradient, padded, with the filters turned by
//! half a turn (Dumoulin and Visin, 2016, section 4). Else it is a product, added patch by patch.

use std::mem::MaybeUninit;
use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::super::arrangement::Arranged;
use super::super::bands::Band;
use super::super::forward::Chunk;
use super::super::tiles::{Panels, pack, shape};
use super::super::{Geometry, Then};
use super::image_gradients::ImageGradients;
use super::patches::add_patches;
use super::{ResultGradient, Saved};
use crate::element::Element;
use crate::kernels::columns::ColumnSums;
use crate::kernels::lines::Lines;
use crate::kernels::matmul::{Matrix, matmul_on_this_thread};
use crate::kernels::transposed::transpose;
use crate::memory::places;

/// Positions below which the sums go to memory and back too often.
const POSITIONS: usize = 32;

/// Whether this is the way for such a layer.
pub(super) fn fit(g: &Geometry) -> bool {
    let (height, width) = g.convolved();
    height * width >= POSITIONS && !g.cut()
}

/// The convolution that makes the images' gradient of the result's, where there is one.
fn turned(g: &Geometry) -> Option<Geometry> {
    let reach = g.dilation * (g.kernel_height - 1);
    let padding = reach.checked_sub(g.padding)?;
    let (height, width) = g.convolved();
    let turned =
        Geometry { height, width, channels: g.outputs, outputs: g.channels, padding, ..*g };
    (g.stride == 1 && g.kernel_height == g.kernel_width && !turned.cut()).then_some(turned)
}

/// What all images need.
pub(super) struct Turned<T: Element> {
    g: Geometry,
    panels: Panels<T>,
    starts: Vec<usize>,
    bands: Vec<Band>,
}

impl<T: Element> Turned<T> {
    /// `weights` are channels-last.
    pub(super) fn new(weights: &[T], g: &Geometry) -> Option<Self> {
        let turned = turned(g)?;
        let area = g.kernel_height * g.kernel_width;
        let mut filters = Vec::with_capacity(weights.len());
        for channel in 0..g.channels {
            for place in (0..area).rev() {
                filters.extend(
                    weights.iter().skip(place * g.channels + channel).step_by(g.patch()).copied(),
                );
            }
        }
        let panels = pack(&filters, &vec![T::ZERO; g.channels], &turned);
        let bands = turned.bands(Then::Nothing);
        let starts = turned.starts(Then::Nothing, bands[0].rows.len());
        Some(Self { g: turned, panels, starts, bands })
    }
}

/// Weight and bias gradients of some images.
pub(super) struct Direct<'a, T: Element> {
    pub(super) saved: &'a Saved<'a, T>,
    pub(super) images: Range<usize>,
    pub(super) band: &'a Band,
    pub(super) result_gradient: &'a dyn ResultGradient<T>,
    pub(super) g: &'a Geometry,
    pub(super) turned: Option<&'a Turned<T>>,
    /// What the gradient of the images is written to, unless that is empty.
    pub(super) image_gradients: &'a mut [MaybeUninit<T>],
}

impl<T: Element> WithSimd for Direct<'_, T> {
    type Output = (Vec<T>, Vec<T>);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (Vec<T>, Vec<T>) {
        let g = self.g;
        let starts = g.starts(self.saved.then, self.band.rows.len());
        let length = starts.len() * g.outputs;
        let mut gradients = Lines::unspecified(self.images.len() * length);
        let mut bias = ColumnSums::new(g.outputs);
        let (vectors, _) = shape::<T, S>(g.outputs);
        let width = vectors * T::lanes::<S>();
        let mut sums = vec![T::ZERO; g.outputs.div_ceil(width) * width * g.patch()];
        let mut arranged = Arranged::new(g, self.band);
        let block = block::<T>(g);
        for (image, gradients) in self.images.clone().zip(gradients.chunks_exact_mut(length)) {
            let at = self.band.of_image(image);
            self.result_gradient.write(&at, self.saved.rectified(&at), gradients);
            bias.add(gradients);
            let image = &self.saved.images[image * g.image()..][..g.image()];
            arranged.take(image);
            let image = arranged.get(image);
            let blocks = starts.chunks(block).zip(gradients.chunks(block * g.outputs));
            for (starts, gradients) in blocks {
                let positions = Positions { image, gradients, starts, g };
                match vectors {
                    _ if const { S::REGISTER_COUNT < 32 } => {
                        positions.add_to::<S, 2, 4, 1>(simd, &mut sums);
                    }
                    1 => positions.add_to::<S, 1, 24, 8>(simd, &mut sums),
                    _ => positions.add_to::<S, 2, 12, 4>(simd, &mut sums),
                }
            }
        }
        if let Some(Turned { g, panels, starts, bands }) = self.turned {
            let chunk = Chunk {
                images: &gradients,
                arranged: Arranged::new(g, &bands[0]),
                g,
                starts,
                then: Then::Nothing,
                result: self.image_gradients,
                places: &mut [],
            };
            chunk.direct(simd, panels);
        } else if !self.image_gradients.is_empty() {
            let mut image_gradients = ImageGradients::new(self.image_gradients, g.image());
            let filters = Matrix::new(self.saved.weights, g.outputs, g.patch());
            let mut patches = vec![T::ZERO; starts.len() * g.patch()];
            for (number, gradients) in gradients.chunks_exact(length).enumerate() {
                let image = image_gradients.of(number);
                let gradients = Matrix::new(gradients, starts.len(), g.outputs);
                matmul_on_this_thread(&mut patches, gradients, filters);
                arranged.clear();
                add_patches(&patches, &starts, arranged.gradient(image), g);
                arranged.add_to(image);
            }
            image_gradients.finish();
        }
        (by_output(&sums, width, g), bias.total())
    }
}

/// Positions whose gradients and pixels stay in the nearest cache while they are added to all sums, which come and go
/// once for each such block.
fn block<T>(g: &Geometry) -> usize {
    /// Of the nearest cache.
    const BYTES: usize = 32 << 10;
    /// Sums of fewer go to memory and back too often.
    const LEAST: usize = 32;
    let pixels = g.stride.min(g.kernel_width) * g.channels;
    let each = g.outputs + g.kernel_height * pixels;
    (BYTES / size_of::<T>() / each).max(LEAST)
}

/// Some positions of one image.
struct Positions<'a, T> {
    /// Arranged.
    image: &'a [T],
    /// All outputs of each position.
    gradients: &'a [T],
    starts: &'a [usize],
    g: &'a Geometry,
}

impl<T: Element> Positions<'_, T> {
    /// Adds to the sums, panel after panel of so many vectors of outputs, one row a place in the patch: of so many
    /// places of a row at a time, and of the rest, or of short rows that are known whole.
    #[inline(always)]
    fn add_to<S: Simd, const VECTORS: usize, const MANY: usize, const FEW: usize>(
        &self,
        simd: S,
        sums: &mut [T],
    ) {
        let width = VECTORS * T::lanes::<S>();
        for (panel, sums) in sums.chunks_exact_mut(width * self.g.patch()).enumerate() {
            let first = panel * width;
            match (self.g.kernel_height, self.g.segment()) {
                (_, 5) if const { S::REGISTER_COUNT < 32 } => {
                    self.add_rows::<S, VECTORS, 1, 5>(simd, first, sums);
                }
                (5, 5) if const { VECTORS == 1 } => {
                    self.add_rows::<S, VECTORS, 5, 5>(simd, first, sums);
                }
                (_, 5) => self.add_rows::<S, VECTORS, 2, 5>(simd, first, sums),
                (3, 9) if const { VECTORS == 1 } => {
                    self.add_rows::<S, VECTORS, 3, 9>(simd, first, sums);
                }
                _ => self.add_pieces::<S, VECTORS, MANY, FEW>(simd, first, sums),
            }
        }
    }

    /// Of outputs from `first` on, so many whole rows of `PLACES` at a time: to add to a few places takes as long as to
    /// more of them, since each addition waits for the one before it.
    #[inline(always)]
    fn add_rows<S: Simd, const VECTORS: usize, const ROWS: usize, const PLACES: usize>(
        &self,
        simd: S,
        first: usize,
        sums: &mut [T],
    ) {
        let (below, length) = (self.g.row_below(), VECTORS * T::lanes::<S>() * PLACES);
        for (index, sums) in sums.chunks_mut(ROWS * length).enumerate() {
            let at = (first, index * ROWS * below);
            if sums.len() == ROWS * length {
                self.add_places::<S, VECTORS, ROWS, PLACES>(simd, at, sums);
                continue;
            }
            for (row, sums) in sums.chunks_exact_mut(length).enumerate() {
                let at = (first, at.1 + row * below);
                self.add_places::<S, VECTORS, 1, PLACES>(simd, at, sums);
            }
        }
    }

    /// Of outputs from `first` on, row after row.
    #[inline(always)]
    fn add_pieces<S: Simd, const VECTORS: usize, const MANY: usize, const FEW: usize>(
        &self,
        simd: S,
        first: usize,
        sums: &mut [T],
    ) {
        let width = VECTORS * T::lanes::<S>();
        let (segment, below) = (self.g.segment(), self.g.row_below());
        for (row, sums) in sums.chunks_exact_mut(width * segment).enumerate() {
            let mut place = 0;
            let mut left = sums;
            while place < segment {
                let at = (first, row * below + place);
                let rest = segment - place;
                let taken = if rest >= MANY {
                    self.add_places::<S, VECTORS, 1, MANY>(simd, at, left);
                    MANY
                } else if rest >= FEW {
                    self.add_places::<S, VECTORS, 1, FEW>(simd, at, left);
                    FEW
                } else {
                    self.add_places::<S, VECTORS, 1, 1>(simd, at, left);
                    1
                };
                place += taken;
                left = &mut left[taken * width..];
            }
        }
    }

    /// Adds the sums of some places of some rows, the first so far behind each patch's first value, and outputs from
    /// `first` on.
    #[inline(always)]
    fn add_places<S: Simd, const VECTORS: usize, const ROWS: usize, const PLACES: usize>(
        &self,
        simd: S,
        (first, offset): (usize, usize),
        target: &mut [T],
    ) {
        let (lanes, outputs, below) = (T::lanes::<S>(), self.g.outputs, self.g.row_below());
        let mut sums = [[[T::splat(simd, T::ZERO); VECTORS]; PLACES]; ROWS];
        for row in 0..ROWS {
            for place in 0..PLACES {
                for vector in 0..VECTORS {
                    let at = ((row * PLACES + place) * VECTORS + vector) * lanes;
                    sums[row][place][vector] = T::load(simd, &target[at..][..lanes]);
                }
            }
        }
        let image = &self.image[offset..];
        for (gradients, &start) in self.gradients.chunks_exact(outputs).zip(self.starts) {
            let gradients = &gradients[first..];
            let mut given = [T::splat(simd, T::ZERO); VECTORS];
            for vector in 0..VECTORS {
                given[vector] = T::load(simd, gradients.get(vector * lanes..).unwrap_or_default());
            }
            for row in 0..ROWS {
                let values = &image[start + row * below..][..PLACES];
                for place in 0..PLACES {
                    let value = T::splat(simd, values[place]);
                    for vector in 0..VECTORS {
                        let sum = &mut sums[row][place][vector];
                        *sum = T::fma(simd, value, given[vector], *sum);
                    }
                }
            }
        }
        for row in 0..ROWS {
            for place in 0..PLACES {
                for vector in 0..VECTORS {
                    let at = ((row * PLACES + place) * VECTORS + vector) * lanes;
                    T::store(simd, &mut target[at..][..lanes], sums[row][place][vector]);
                }
            }
        }
    }
}

/// Panels as one row of patch length an output.
fn by_output<T: Element>(sums: &[T], width: usize, g: &Geometry) -> Vec<T> {
    let patch = g.patch();
    let mut rows = vec![T::ZERO; g.outputs * patch];
    for (panel, rows) in sums.chunks_exact(width * patch).zip(rows.chunks_mut(width * patch)) {
        transpose((panel, width), (patch, rows.len() / patch), (places(rows), patch));
    }
    rows
}

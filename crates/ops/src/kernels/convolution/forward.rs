//! A convolution's result, with ReLU and max pooling where they follow.

use std::array;
use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};

use super::arrangement::Arranged;
use super::near::{near, row_tile, window_tile};
use super::tiles::{Panels, PatchRows, pack, shape, tile};
use super::winograd::Tile;
use super::{Geometry, Then, by_filters, depthwise, groups, im2col};
use crate::element::Element;
use crate::kernels::columns::add_bias;
use crate::kernels::linear::weighted;
use crate::kernels::matmul::Matrix;
use crate::kernels::vectors::WINDOW;
use crate::kernels::{dispatch, parts};
use crate::memory::unwritten;

mod store;
mod winograd;

use self::store::store;
pub(super) use self::store::{at_least, floor, store_maxima};
pub(super) use self::winograd::TransformPanel;

/// The result (images, height, width, outputs) of `images`, and where pooled the place (0 to 3) of
/// each window's first maximum.
///
/// The weights, before the bias, are [arranged](super::arranged_weights), one row of patch length an output.
pub(crate) fn forward<T: Element>(
    images: &[T],
    trained: (&[T], &[T]),
    g: &Geometry,
    then: Then,
) -> (Vec<T>, Vec<u8>) {
    let (result, places, _) = forward_and(images, trained, g, then, |_| ());
    (result, places)
}

/// [`forward`], and what `look` makes of the result of each chunk of images while the processor
/// still has it at hand.
pub(crate) fn forward_and<T: Element, R: Send>(
    images: &[T],
    (weights, bias): (&[T], &[T]),
    g: &Geometry,
    then: Then,
    look: impl Fn(&[T]) -> R + Sync,
) -> (Vec<T>, Vec<u8>, Vec<R>) {
    assert_eq!(images.len() % g.image(), 0, "values of whole images");
    let (height, width) = g.result(then);
    let count = images.len() / g.image();
    let (chunk, length) = (g.chunk(count), height * width * g.outputs);
    let depthwise = depthwise::fit(g);
    let by_filters = !g.im2col && !depthwise && by_filters::fit(g, count);
    if g.groups > 1 && !depthwise && !by_filters {
        return groups::forward_and(images, (weights, bias), g, then, look);
    }
    if g.im2col || by_filters || depthwise || g.one_patch() {
        let trained = (weights, bias);
        let (result, places) = if g.im2col {
            im2col::forward(images, trained, g, then)
        } else if by_filters {
            by_filters::forward(images, trained, g, then)
        } else if depthwise {
            depthwise::forward(images, trained, g, then)
        } else {
            (forward_one_patch(images, trained, g, then), Vec::new())
        };
        let looks = parts::map(result.chunks(chunk * length), look);
        return (result, places, looks);
    }
    let g = &g.of_batch(count, then);
    let filters = &Filters::new(weights, bias, g, then);
    let bands = &g.bands(then)[..];
    let starts = &filters.starts(g, then, bands[0].rows.len())[..];
    let mut result = unwritten(count * length);
    let pooled = if then == Then::ReluMaxPool { result.len() } else { 0 };
    let mut places = unwritten(pooled);
    let mut place_chunks: Vec<_> = places.chunks_mut(chunk * length).collect();
    place_chunks.resize_with(count.div_ceil(chunk), Default::default);
    let image_chunks = images.chunks(chunk * g.image());
    let result_chunks = result.chunks_mut(chunk * length);
    // A chunk too few on one side would leave memory unwritten.
    assert_eq!(image_chunks.len(), result_chunks.len(), "chunks of images and of results");
    let chunks = image_chunks.zip(result_chunks).zip(place_chunks);
    let looks = parts::map(chunks, |((images, result), places)| {
        let count = images.len() / g.image();
        assert_eq!(result.len(), count * length, "results of a chunk");
        let pooled = if then == Then::ReluMaxPool { result.len() } else { 0 };
        assert_eq!(places.len(), pooled, "places of a chunk");
        let (mut results_left, mut places_left) = (&mut *result, places);
        for band in bands {
            // Of each image all results, or of one image the next.
            let own = count * band.patches * g.outputs;
            let (result, places);
            (result, results_left) = results_left.split_at_mut(own);
            (places, places_left) = places_left.split_at_mut(own.min(pooled));
            let starts = &starts[..filters.count(band.patches, then)];
            let arranged = Arranged::new(g, band);
            let chunk = Chunk { images, arranged, g, starts, then, result, places };
            dispatch(Filtered { chunk, filters });
        }
        // SAFETY: the chunk has as many results as images, and all outputs of each were written.
        #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
        look(unsafe { result.assume_init_ref() })
    });
    // SAFETY: every chunk was written, and so were its places where there are some.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    let (result, places) = unsafe { (result.assume_init(), places.assume_init()) };
    (result.into_vec(), places.into_vec(), looks)
}

/// [`forward`] where a patch is as large as the image, which makes it a matrix product.
fn forward_one_patch<T: Element>(
    images: &[T],
    (weights, bias): (&[T], &[T]),
    g: &Geometry,
    then: Then,
) -> Vec<T> {
    let count = images.len() / g.image();
    let (images, weights) =
        (Matrix::new(images, count, g.image()), Matrix::new(weights, g.outputs, g.patch()));
    let mut result = weighted(images, weights);
    add_bias(&mut result, bias, then == Then::Relu);
    result
}

/// What the images are multiplied by.
pub(super) enum Filters<T: Element> {
    /// The weights as they are.
    Direct(Panels<T>),
    /// Their transforms.
    Winograd(winograd::Transforms<T>),
}

impl<T: Element> Filters<T> {
    pub(super) fn new(weights: &[T], bias: &[T], g: &Geometry, then: Then) -> Self {
        match Tile::of(g, then) {
            Some(tile) => Filters::Winograd(winograd::Transforms::new(weights, bias, g, tile)),
            None => Filters::Direct(pack(weights, bias, g)),
        }
    }

    /// Where what is computed together begins, in what is under some rows of the result: a patch, the first of a
    /// window, or a tile's pixels.
    fn starts(&self, g: &Geometry, then: Then, rows: usize) -> Vec<usize> {
        match self {
            Filters::Direct(_) => g.starts(then, rows),
            Filters::Winograd(transforms) => {
                transforms.tile.starts(g, rows * then.rows_apart(), then)
            }
        }
    }

    /// How many these are for so many patches or pooled windows.
    fn count(&self, patches: usize, then: Then) -> usize {
        match self {
            Filters::Winograd(transforms) => {
                patches / (transforms.tile.side() / then.rows_apart()).pow(2)
            }
            Filters::Direct(_) => patches,
        }
    }
}

/// Some images, or a band of one, and what becomes of them.
pub(super) struct Chunk<'a, T: Element> {
    pub(super) images: &'a [T],
    /// Room for each.
    pub(super) arranged: Arranged<T>,
    pub(super) g: &'a Geometry,
    /// Where the patches of a band's results begin; where pooled, of each window's first.
    pub(super) starts: &'a [usize],
    pub(super) then: Then,
    pub(super) result: &'a mut [MaybeUninit<T>],
    /// Empty unless pooled.
    pub(super) places: &'a mut [MaybeUninit<u8>],
}

/// Some images and what they are multiplied by.
struct Filtered<'a, T: Element> {
    chunk: Chunk<'a, T>,
    filters: &'a Filters<T>,
}

impl<T: Element> WithSimd for Filtered<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match shape::<T, S>(self.chunk.g.outputs) {
            _ if const { S::REGISTER_COUNT < 32 } => self.with_shape::<S, 2, 4>(simd),
            (1, _) => self.with_shape::<S, 1, 8>(simd),
            _ => self.with_shape::<S, 2, 8>(simd),
        }
    }
}

impl<T: Element> Filtered<'_, T> {
    #[inline(always)]
    fn with_shape<S: Simd, const VECTORS: usize, const POSITIONS: usize>(self, simd: S) {
        let Self { chunk, filters } = self;
        match filters {
            Filters::Winograd(filters) => chunk.by_winograd::<S, VECTORS>(simd, filters),
            Filters::Direct(panels) if chunk.then == Then::ReluMaxPool => {
                chunk.pooled::<S, VECTORS, POSITIONS>(simd, panels);
            }
            Filters::Direct(panels) => chunk.plain::<S, VECTORS, POSITIONS>(simd, panels),
        }
    }
}

impl<T: Element> Chunk<'_, T> {
    /// By direct sums, unpooled.
    #[inline(always)]
    pub(super) fn direct<S: Simd>(self, simd: S, panels: &Panels<T>) {
        match shape::<T, S>(self.g.outputs) {
            _ if const { S::REGISTER_COUNT < 32 } => self.plain::<S, 2, 4>(simd, panels),
            (1, _) => self.plain::<S, 1, 8>(simd, panels),
            _ => self.plain::<S, 2, 8>(simd, panels),
        }
    }

    #[inline(always)]
    fn plain<S: Simd, const VECTORS: usize, const POSITIONS: usize>(
        self,
        simd: S,
        panels: &Panels<T>,
    ) {
        let Self { images, mut arranged, g, starts, then, result, .. } = self;
        let (rows, floor) = (PatchRows::of(g), floor::<T, S>(simd, then));
        let near = near(g) && g.convolved().1.is_multiple_of(POSITIONS / 2);
        // The last tile may be short: it computes its first position again, for nothing.
        let tiles =
            starts.chunks(POSITIONS).map(|starts| array::from_fn(|at| starts[at % starts.len()]));
        let tiles: Vec<[usize; POSITIONS]> = tiles.collect();
        let results = result.chunks_exact_mut(starts.len() * g.outputs);
        for (image, result) in images.chunks_exact(g.image()).zip(results) {
            arranged.take(image);
            let image = arranged.get(image);
            for (panel, bias, first) in panels.all() {
                let results = result.chunks_mut(POSITIONS * g.outputs);
                for (&starts, results) in tiles.iter().zip(results) {
                    let panel = (panel, bias);
                    let sums = if near {
                        row_tile::<T, S, VECTORS, POSITIONS>(simd, image, starts, panel, rows)
                    } else {
                        tile::<T, S, VECTORS, POSITIONS>(simd, image, starts, panel, rows)
                    };
                    let place = (g.outputs, first);
                    store::<T, S, VECTORS, POSITIONS>(simd, sums, results, place, floor);
                }
            }
        }
    }

    #[inline(always)]
    fn pooled<S: Simd, const VECTORS: usize, const POSITIONS: usize>(
        self,
        simd: S,
        panels: &Panels<T>,
    ) {
        /// Tiles whose sums are kept until all are there: maxima would wait for them, and the next tile's sums with
        /// these, of which the processor holds little more than one tile's.
        const TOGETHER: usize = 16;
        let Self { images, mut arranged, g, starts: corners, result, places, .. } = self;
        let (rows, offsets) = (PatchRows::of(g), g.window_offsets());
        let windows = POSITIONS / WINDOW;
        let near = near(g) && g.result(Then::ReluMaxPool).1.is_multiple_of(windows);
        // The last tile may be short: it computes its last window again, for nothing.
        let of_windows = |corners: &[usize], at: usize| {
            corners[(at / WINDOW).min(corners.len() - 1)] + offsets[at % WINDOW]
        };
        let tiles =
            corners.chunks(windows).map(|corners| array::from_fn(|at| of_windows(corners, at)));
        let tiles: Vec<[usize; POSITIONS]> = tiles.collect();
        let mut sums = [[[T::splat(simd, T::ZERO); VECTORS]; POSITIONS]; TOGETHER];
        let length = corners.len() * g.outputs;
        let results = result.chunks_exact_mut(length).zip(places.chunks_exact_mut(length));
        for (image, (result, places)) in images.chunks_exact(g.image()).zip(results) {
            arranged.take(image);
            let image = arranged.get(image);
            for (panel, bias, first) in panels.all() {
                let results = result.chunks_mut(windows * g.outputs);
                let mut targets = results.zip(places.chunks_mut(windows * g.outputs));
                for tiles in tiles.chunks(TOGETHER) {
                    for (&starts, sums) in tiles.iter().zip(&mut sums) {
                        let panel = (panel, bias);
                        *sums = if near {
                            window_tile::<T, S, VECTORS, POSITIONS>(
                                simd, image, starts, panel, rows,
                            )
                        } else {
                            tile::<T, S, VECTORS, POSITIONS>(simd, image, starts, panel, rows)
                        };
                    }
                    for (&sums, targets) in sums[..tiles.len()].iter().zip(&mut targets) {
                        let place = (g.outputs, first);
                        store_maxima::<T, S, VECTORS, POSITIONS>(simd, sums, targets, place);
                    }
                }
            }
        }
    }
}

//! A convolution's result, with ReLU and max pooling where they follow.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::tiles::{Panels, pack, shape, tile};
use super::{CHUNK, Geometry, Then};
use crate::element::Element;
use crate::kernels::columns::add_bias;
use crate::kernels::matmul::{Matrix, product};
use crate::kernels::vectors::{self, WINDOW, first_maximum, write_places};

/// The result (images, height, width, outputs) of `images`, and where pooled the place (0 to 3) of
/// each window's first maximum.
///
/// The weights, before the bias, are channels-last, one row of patch length an output.
pub(crate) fn forward<T: Element>(
    images: &[T],
    trained: (&[T], &[T]),
    g: &Geometry,
    then: Then,
) -> (Vec<T>, Vec<u8>) {
    let (result, places, _) = forward_and(images, trained, g, then, |_| ());
    (result, places)
}

/// [`forward`], and what `look` makes of the result of each [`CHUNK`] of images while the processor
/// still has it at hand.
pub(crate) fn forward_and<T: Element, R: Send>(
    images: &[T],
    (weights, bias): (&[T], &[T]),
    g: &Geometry,
    then: Then,
    look: impl Fn(&[T]) -> R + Sync,
) -> (Vec<T>, Vec<u8>, Vec<R>) {
    if g.convolved() == (1, 1) {
        let result = forward_whole_image(images, (weights, bias), g, then);
        let looks = result.chunks(CHUNK * g.outputs).map(look).collect();
        return (result, Vec::new(), looks);
    }
    let panels = &pack(weights, bias, g);
    let starts = &g.starts(then)[..];
    let length = starts.len() * g.outputs;
    assert_eq!(images.len() % g.image(), 0, "values of whole images");
    let mut result = Box::new_uninit_slice(images.len() / g.image() * length);
    let pooled = if then == Then::ReluMaxPool { result.len() } else { 0 };
    let mut places = Box::new_uninit_slice(pooled);
    let mut place_chunks: Vec<_> = places.chunks_mut(CHUNK * length).collect();
    place_chunks.resize_with(images.len().div_ceil(CHUNK * g.image()), Default::default);
    let looks = images
        .par_chunks(CHUNK * g.image())
        .zip(result.par_chunks_mut(CHUNK * length))
        .zip(place_chunks)
        .map(|((images, result), places)| {
            let chunk = Chunk { images, panels, g, starts, then, result: &mut *result, places };
            crate::kernels::arch().dispatch(chunk);
            // SAFETY: the chunk has as many results as images, and all outputs of each were written.
            #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
            look(unsafe { result.assume_init_ref() })
        })
        .collect();
    // SAFETY: every chunk was written, and so were its places where there are some.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    let (result, places) = unsafe { (result.assume_init(), places.assume_init()) };
    (result.into_vec(), places.into_vec(), looks)
}

/// [`forward`] where the kernel is as large as the image, which makes it a matrix product.
fn forward_whole_image<T: Element>(
    images: &[T],
    (weights, bias): (&[T], &[T]),
    g: &Geometry,
    then: Then,
) -> Vec<T> {
    let count = images.len() / g.image();
    let (images, weights) =
        (Matrix::new(images, count, g.image()), Matrix::new(weights, g.outputs, g.patch()));
    let mut result = product(images, weights.transposed());
    add_bias(&mut result, bias, then == Then::Relu);
    result
}

/// Some images and what becomes of them.
struct Chunk<'a, T> {
    images: &'a [T],
    panels: &'a Panels<T>,
    g: &'a Geometry,
    /// Where the patches of an image's results begin; where pooled, of each window's first.
    starts: &'a [usize],
    then: Then,
    result: &'a mut [MaybeUninit<T>],
    /// Empty unless pooled.
    places: &'a mut [MaybeUninit<u8>],
}

impl<T: Element> WithSimd for Chunk<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (self.then, shape::<T, S>(self.g.outputs)) {
            (Then::ReluMaxPool, (1, 8)) => self.pooled::<S, 1, 8>(simd),
            (Then::ReluMaxPool, (2, 8)) => self.pooled::<S, 2, 8>(simd),
            (Then::ReluMaxPool, _) => self.pooled::<S, 2, 4>(simd),
            (_, (1, 8)) => self.plain::<S, 1, 8>(simd),
            (_, (2, 8)) => self.plain::<S, 2, 8>(simd),
            _ => self.plain::<S, 2, 4>(simd),
        }
    }
}

impl<T: Element> Chunk<'_, T> {
    #[inline(always)]
    fn plain<S: Simd, const VECTORS: usize, const POSITIONS: usize>(self, simd: S) {
        let Self { images, panels, g, starts, then, result, .. } = self;
        let results = result.chunks_exact_mut(starts.len() * g.outputs);
        for (image, result) in images.chunks_exact(g.image()).zip(results) {
            for (panel, bias, first) in panels.all() {
                let tiles = result.chunks_mut(POSITIONS * g.outputs).zip(starts.chunks(POSITIONS));
                for (results, starts) in tiles {
                    // The last tile may be short: it computes its first position again, for nothing.
                    let mut all = [starts[0]; POSITIONS];
                    for (place, &start) in all.iter_mut().zip(starts) {
                        *place = start;
                    }
                    let sums = tile::<T, S, VECTORS, POSITIONS>(simd, image, all, (panel, bias), g);
                    for position in 0..POSITIONS {
                        for vector in 0..VECTORS {
                            let mut sum = sums[position][vector];
                            if then == Then::Relu {
                                sum = vectors::relu::<T, S>(simd, sum);
                            }
                            if position < starts.len() {
                                let row = &mut results[position * g.outputs..][..g.outputs];
                                if let Some(target) =
                                    row.get_mut(first + vector * T::lanes::<S>()..)
                                {
                                    T::write(simd, target, sum);
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn pooled<S: Simd, const VECTORS: usize, const POSITIONS: usize>(self, simd: S) {
        let Self { images, panels, g, starts: corners, result, places, .. } = self;
        let offsets = g.window_offsets();
        let windows = POSITIONS / WINDOW;
        let length = corners.len() * g.outputs;
        let results = result.chunks_exact_mut(length).zip(places.chunks_exact_mut(length));
        for (image, (result, places)) in images.chunks_exact(g.image()).zip(results) {
            for (panel, bias, first) in panels.all() {
                let results = result.chunks_mut(windows * g.outputs);
                let targets = results.zip(places.chunks_mut(windows * g.outputs));
                for (corners, (result, places)) in corners.chunks(windows).zip(targets) {
                    let mut starts = [0; POSITIONS];
                    for position in 0..POSITIONS {
                        let corner = corners.get(position / WINDOW).unwrap_or(&corners[0]);
                        starts[position] = corner + offsets[position % WINDOW];
                    }
                    let sums =
                        tile::<T, S, VECTORS, POSITIONS>(simd, image, starts, (panel, bias), g);
                    for window in 0..POSITIONS / WINDOW {
                        for vector in 0..VECTORS {
                            let mut values = [sums[0][0]; WINDOW];
                            for place in 0..WINDOW {
                                values[place] = sums[window * WINDOW + place][vector];
                            }
                            let (largest, place) = first_maximum::<T, S>(simd, values);
                            let largest = vectors::relu::<T, S>(simd, largest);
                            let outputs = first + vector * T::lanes::<S>()..g.outputs;
                            if window < corners.len() && !outputs.is_empty() {
                                let row = window * g.outputs..(window + 1) * g.outputs;
                                T::write(simd, &mut result[row.clone()][outputs.clone()], largest);
                                write_places::<T, S>(simd, &mut places[row][outputs], place);
                            }
                        }
                    }
                }
            }
        }
    }
}

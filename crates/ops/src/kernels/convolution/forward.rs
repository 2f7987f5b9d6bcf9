//! A convolution's result, with ReLU and max pooling where they follow.

use rayon::prelude::*;

use super::{CHUNK, Geometry, Then};
use crate::element::{Element, relu};
use crate::kernels::matmul::{Matrix, matmul};
use crate::kernels::{vectorised, vectors_are_wide};

/// Positions of a pooling window.
pub(crate) const WINDOW: usize = 4;

/// The result (images, height, width, outputs) of `images`, and where pooled the place (0 to 3) of
/// each window's first maximum.
///
/// `weights` are channels-last, one row of patch length an output.
pub(crate) fn forward<T: Element>(
    images: &[T],
    weights: &[T],
    bias: &[T],
    g: &Geometry,
    then: Then,
) -> (Vec<T>, Vec<u8>) {
    let (result, places, _) = forward_and(images, (weights, bias), g, then, |_| ());
    (result, places)
}

/// [`forward`], and what `look` makes of the result of each [`CHUNK`] of images while the processor
/// still has it at hand.
pub(crate) fn forward_and<T: Element, R: Send>(
    images: &[T],
    trained: (&[T], &[T]),
    g: &Geometry,
    then: Then,
    look: impl Fn(&[T]) -> R + Sync,
) -> (Vec<T>, Vec<u8>, Vec<R>) {
    if g.convolved() == (1, 1) {
        let result = forward_whole_image(images, trained, g, then);
        let looks = result.chunks(CHUNK * g.outputs).map(look).collect();
        return (result, Vec::new(), looks);
    }
    // Eight vectors of sums hide the time that one multiply-add takes.
    match (vectors_are_wide(), g.outputs) {
        (true, 17..) => forward_tiled::<T, R, 32, 4>(images, trained, g, then, look),
        (true, _) => forward_tiled::<T, R, 16, 8>(images, trained, g, then, look),
        (false, _) => forward_tiled::<T, R, 16, 4>(images, trained, g, then, look),
    }
}

/// [`forward`] where the kernel is as large as the image, which makes it a matrix product.
fn forward_whole_image<T: Element>(
    images: &[T],
    (weights, bias): (&[T], &[T]),
    g: &Geometry,
    then: Then,
) -> Vec<T> {
    let count = images.len() / g.image();
    let mut result = bias.repeat(count);
    let (images, weights) =
        (Matrix::new(images, count, g.image()), Matrix::new(weights, g.outputs, g.patch()));
    matmul(&mut result, images, weights.transposed(), true);
    if then == Then::Relu {
        result.iter_mut().for_each(|value| *value = relu(*value));
    }
    result
}

/// [`forward_and`] in tiles of `LANES` outputs at `POSITIONS` places of the image.
fn forward_tiled<T: Element, R: Send, const LANES: usize, const POSITIONS: usize>(
    images: &[T],
    (weights, bias): (&[T], &[T]),
    g: &Geometry,
    then: Then,
    look: impl Fn(&[T]) -> R + Sync,
) -> (Vec<T>, Vec<u8>, Vec<R>) {
    let panels = &pack::<T, LANES>(weights, bias, g)[..];
    let starts = &g.starts(then)[..];
    let length = starts.len() * g.outputs;
    let mut result = vec![T::ZERO; images.len() / g.image().max(1) * length];
    let mut places = vec![0; if then == Then::ReluMaxPool { result.len() } else { 0 }];
    let chunks = images.par_chunks(CHUNK * g.image()).zip(result.par_chunks_mut(CHUNK * length));
    let looks = if then == Then::ReluMaxPool {
        chunks
            .zip(places.par_chunks_mut(CHUNK * length))
            .map(|((images, result), places)| {
                let geometry = (g, starts);
                vectorised!(forward_pooled::<T, LANES, POSITIONS>(
                    images, panels, geometry, result, places
                ));
                look(result)
            })
            .collect()
    } else {
        chunks
            .map(|(images, result)| {
                let (geometry, rectified) = ((g, starts), then == Then::Relu);
                vectorised!(forward_plain::<T, LANES, POSITIONS>(
                    images, panels, geometry, rectified, result
                ));
                look(result)
            })
            .collect()
    };
    (result, places, looks)
}

/// Weights and bias of `LANES` output channels: the weights one row a place in the patch, zeros
/// where the channels end.
struct Panel<T, const LANES: usize> {
    weights: Vec<Row<T, LANES>>,
    bias: [T; LANES],
}

/// Begins with a cache line, since a vector across two of them is loaded twice.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Row<T, const LANES: usize>([T; LANES]);

fn pack<T: Element, const LANES: usize>(
    weights: &[T],
    bias: &[T],
    g: &Geometry,
) -> Vec<Panel<T, LANES>> {
    let patch = g.patch();
    weights
        .chunks(LANES * patch)
        .zip(bias.chunks(LANES))
        .map(|(weights, bias)| {
            let mut panel =
                Panel { weights: vec![Row([T::ZERO; LANES]); patch], bias: [T::ZERO; LANES] };
            panel.bias[..bias.len()].copy_from_slice(bias);
            for (lane, output) in weights.chunks_exact(patch).enumerate() {
                for (row, &weight) in panel.weights.iter_mut().zip(output) {
                    row.0[lane] = weight;
                }
            }
            panel
        })
        .collect()
}

/// The sums of some patches with one panel's weights.
///
/// The shortest segments, of three pixels with one or two channels, are known to the compiler:
/// their loops would cost more than their arithmetic.
#[inline(always)]
fn tile<T: Element, const FUSED: bool, const LANES: usize, const POSITIONS: usize>(
    image: &[T],
    starts: [usize; POSITIONS],
    panel: &Panel<T, LANES>,
    g: &Geometry,
) -> [[T; LANES]; POSITIONS] {
    let mut sums = [panel.bias; POSITIONS];
    match (g.kernel_height, g.segment()) {
        (3, 3) => add_rows::<T, FUSED, LANES, POSITIONS, 3>(
            &mut sums,
            image,
            starts,
            panel,
            g.row(),
            (3, 3),
        ),
        (3, 6) => add_rows::<T, FUSED, LANES, POSITIONS, 6>(
            &mut sums,
            image,
            starts,
            panel,
            g.row(),
            (3, 6),
        ),
        kernel => add_rows::<T, FUSED, LANES, POSITIONS, 4>(
            &mut sums,
            image,
            starts,
            panel,
            g.row(),
            kernel,
        ),
    }
    sums
}

/// Adds what lies under each of the kernel's rows, `STEP` values at a time and then one by one.
#[inline(always)]
fn add_rows<
    T: Element,
    const FUSED: bool,
    const LANES: usize,
    const POSITIONS: usize,
    const STEP: usize,
>(
    sums: &mut [[T; LANES]; POSITIONS],
    image: &[T],
    starts: [usize; POSITIONS],
    panel: &Panel<T, LANES>,
    image_row: usize,
    (rows, segment): (usize, usize),
) {
    for row in 0..rows {
        let weights = &panel.weights[row * segment..][..segment];
        let mut segments = [&image[..0]; POSITIONS];
        for position in 0..POSITIONS {
            segments[position] = &image[starts[position] + row * image_row..][..segment];
        }
        let mut place = 0;
        while place + STEP <= segment {
            add_places::<T, FUSED, LANES, POSITIONS, STEP>(sums, segments, weights, place);
            place += STEP;
        }
        while place < segment {
            add_places::<T, FUSED, LANES, POSITIONS, 1>(sums, segments, weights, place);
            place += 1;
        }
    }
}

#[inline(always)]
fn add_places<
    T: Element,
    const FUSED: bool,
    const LANES: usize,
    const POSITIONS: usize,
    const STEP: usize,
>(
    sums: &mut [[T; LANES]; POSITIONS],
    segments: [&[T]; POSITIONS],
    weights: &[Row<T, LANES>],
    place: usize,
) {
    let weights = &weights[place..place + STEP];
    let mut segments = segments;
    for position in 0..POSITIONS {
        segments[position] = &segments[position][place..place + STEP];
    }
    for step in 0..STEP {
        let weights = weights[step].0;
        for position in 0..POSITIONS {
            let input = segments[position][step];
            for lane in 0..LANES {
                let sum = sums[position][lane];
                sums[position][lane] = T::mul_add::<FUSED>(input, weights[lane], sum);
            }
        }
    }
}

/// The first values, all read whether they are used or not, so that the loops after it do not
/// branch.
#[inline(always)]
pub(crate) fn load<T: Copy + Default, const LANES: usize>(values: &[T]) -> [T; LANES] {
    let values = &values[..LANES];
    let mut loaded = [T::default(); LANES];
    for lane in 0..LANES {
        loaded[lane] = values[lane];
    }
    loaded
}

/// Writes as many of `values` as `target` has places for.
#[inline(always)]
pub(crate) fn store<T: Copy, const LANES: usize>(target: &mut [T], values: [T; LANES]) {
    if target.len() == LANES {
        for lane in 0..LANES {
            target[lane] = values[lane];
        }
    } else {
        for lane in 0..LANES {
            if lane < target.len() {
                target[lane] = values[lane];
            }
        }
    }
}

#[inline(always)]
fn forward_plain<T: Element, const FUSED: bool, const LANES: usize, const POSITIONS: usize>(
    images: &[T],
    panels: &[Panel<T, LANES>],
    (g, starts): (&Geometry, &[usize]),
    rectified: bool,
    result: &mut [T],
) {
    let results = result.chunks_exact_mut(starts.len() * g.outputs);
    for (image, result) in images.chunks_exact(g.image()).zip(results) {
        for (panel, first) in panels.iter().zip((0..).step_by(LANES)) {
            let lanes = LANES.min(g.outputs - first);
            let tiles = result.chunks_mut(POSITIONS * g.outputs).zip(starts.chunks(POSITIONS));
            for (results, starts) in tiles {
                // The last tile may be short: it computes its first position again and drops it.
                let mut all = [starts[0]; POSITIONS];
                for position in 0..POSITIONS {
                    if position < starts.len() {
                        all[position] = starts[position];
                    }
                }
                let mut sums = tile::<T, FUSED, LANES, POSITIONS>(image, all, panel, g);
                if rectified {
                    for position in 0..POSITIONS {
                        for lane in 0..LANES {
                            sums[position][lane] = relu(sums[position][lane]);
                        }
                    }
                }
                if starts.len() == POSITIONS {
                    for position in 0..POSITIONS {
                        store(
                            &mut results[position * g.outputs + first..][..lanes],
                            sums[position],
                        );
                    }
                } else {
                    for (results, sums) in results.chunks_exact_mut(g.outputs).zip(sums) {
                        store(&mut results[first..][..lanes], sums);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn forward_pooled<T: Element, const FUSED: bool, const LANES: usize, const POSITIONS: usize>(
    images: &[T],
    panels: &[Panel<T, LANES>],
    (g, corners): (&Geometry, &[usize]),
    result: &mut [T],
    places: &mut [u8],
) {
    let offsets = g.window_offsets();
    let length = corners.len() * g.outputs;
    let results = result.chunks_exact_mut(length).zip(places.chunks_exact_mut(length));
    for (image, (result, places)) in images.chunks_exact(g.image()).zip(results) {
        for (panel, first) in panels.iter().zip((0..).step_by(LANES)) {
            let lanes = LANES.min(g.outputs - first);
            for (tile_index, corners) in corners.chunks(POSITIONS / WINDOW).enumerate() {
                let mut starts = [0; POSITIONS];
                for position in 0..POSITIONS {
                    let window = position / WINDOW;
                    let corner = corners[if window < corners.len() { window } else { 0 }];
                    starts[position] = corner + offsets[position % WINDOW];
                }
                let sums = tile::<T, FUSED, LANES, POSITIONS>(image, starts, panel, g);
                let mut targets = result[tile_index * (POSITIONS / WINDOW) * g.outputs..]
                    .chunks_exact_mut(g.outputs)
                    .zip(
                        places[tile_index * (POSITIONS / WINDOW) * g.outputs..]
                            .chunks_exact_mut(g.outputs),
                    );
                if let Some((result, places)) = targets.next() {
                    let values = [sums[0], sums[1], sums[2], sums[3]];
                    pool(values, &mut result[first..][..lanes], &mut places[first..][..lanes]);
                }
                if POSITIONS > WINDOW
                    && corners.len() > 1
                    && let Some((result, places)) = targets.next()
                {
                    let last = POSITIONS - WINDOW;
                    let values = [sums[last], sums[last + 1], sums[last + 2], sums[last + 3]];
                    pool(values, &mut result[first..][..lanes], &mut places[first..][..lanes]);
                }
            }
        }
    }
}

/// ReLU and the maximum of a window's values.
#[inline(always)]
fn pool<T: Element, const LANES: usize>(
    values: [[T; LANES]; WINDOW],
    result: &mut [T],
    places: &mut [u8],
) {
    let (mut largest, at) = first_maximum(values);
    for lane in 0..LANES {
        largest[lane] = relu(largest[lane]);
    }
    store(result, largest);
    store(places, narrow(at));
}

/// The largest of four values and the first place that has it, lane by lane; NaN is the largest
/// of all, as in PyTorch.
///
/// Places are as wide as an `f32`, so that one comparison selects both.
#[inline(always)]
pub(crate) fn first_maximum<T: Element, const LANES: usize>(
    values: [[T; LANES]; WINDOW],
) -> ([T; LANES], [u32; LANES]) {
    let mut largest = values[0];
    let mut places = [0u32; LANES];
    for place in 1..WINDOW {
        for lane in 0..LANES {
            let value = values[place][lane];
            #[expect(clippy::eq_op, reason = "NaN is the value that differs from itself")]
            let larger = (value > largest[lane]) | (value != value);
            largest[lane] = if larger { value } else { largest[lane] };
            places[lane] = if larger { place as u32 } else { places[lane] };
        }
    }
    (largest, places)
}

/// The values at these places, lane by lane.
#[inline(always)]
pub(crate) fn at_places<T: Element, const LANES: usize>(
    values: [[T; LANES]; WINDOW],
    places: [u32; LANES],
) -> [T; LANES] {
    let mut there = values[0];
    for place in 1..WINDOW {
        for lane in 0..LANES {
            let here = places[lane] == place as u32;
            there[lane] = if here { values[place][lane] } else { there[lane] };
        }
    }
    there
}

/// Places as they are kept.
#[inline(always)]
pub(crate) fn narrow<const LANES: usize>(places: [u32; LANES]) -> [u8; LANES] {
    let mut narrow = [0; LANES];
    for lane in 0..LANES {
        narrow[lane] = places[lane] as u8;
    }
    narrow
}

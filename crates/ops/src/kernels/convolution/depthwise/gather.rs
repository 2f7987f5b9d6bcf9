//! Pixels as sums over the taps that reach them.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};

use super::super::Then;
use super::super::forward::{at_least, floor};
use super::side::{Alike, Place, Tap};
use crate::element::Element;

/// Each pixel of the target as a sum over the taps that reach it.
pub(super) struct Gather<'a, T> {
    pub(super) source: &'a [T],
    pub(super) source_width: usize,
    /// Rows of all channels that a pixel of it has, and a tap.
    pub(super) each: usize,
    /// For each row of the target.
    pub(super) rows: &'a [Vec<Tap>],
    /// All columns of the target.
    pub(super) columns: &'a [Alike],
    pub(super) taps: &'a [T],
    pub(super) kernel_width: usize,
    /// What the sums of each channel begin with.
    pub(super) start: &'a [T],
    pub(super) then: Then,
    pub(super) target: &'a mut [MaybeUninit<T>],
}

impl<T: Element> WithSimd for Gather<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (channels, lanes) = (self.start.len(), T::lanes::<S>());
        let width: usize = self.columns.iter().map(|alike| alike.places.len()).sum();
        // A pixel too many would stay unwritten.
        let pixels = self.rows.len() * width;
        assert_eq!(self.target.len(), pixels * channels, "a row and a column for each pixel");
        let mut first = 0;
        while first < channels {
            let left = channels - first;
            first += match left.div_ceil(lanes) {
                1 if left < lanes => self.vectors::<S, 1, 4, false>(simd, first),
                1 => self.vectors::<S, 1, 4, true>(simd, first),
                2 | 3 if left < 2 * lanes => self.vectors::<S, 2, 2, false>(simd, first),
                2 | 3 => self.vectors::<S, 2, 4, true>(simd, first),
                4 if left < 4 * lanes => self.vectors::<S, 4, 1, false>(simd, first),
                _ => self.vectors::<S, 4, 2, true>(simd, first),
            };
        }
    }
}

impl<T: Element> Gather<'_, T> {
    /// So many vectors of channels of all pixels, whole or with an end, and so many pixels together: each weight is read
    /// once for them, and no sum waits for the one before it. Returns how many channels these are.
    #[inline(always)]
    fn vectors<S: Simd, const VECTORS: usize, const PIXELS: usize, const WHOLE: bool>(
        &mut self,
        simd: S,
        first: usize,
    ) -> usize {
        let channels = self.start.len();
        let row = self.target.len() / self.rows.len().max(1);
        let target = std::mem::take(&mut self.target);
        for (down, target) in self.rows.iter().zip(target.chunks_exact_mut(row.max(1))) {
            for alike in self.columns {
                let at = At { first, channels, down, across: &alike.taps };
                let (together, others) = alike.places.as_chunks::<PIXELS>();
                for places in together {
                    self.pixels::<S, VECTORS, PIXELS, WHOLE>(simd, &at, places, target);
                }
                for &place in others {
                    self.pixels::<S, VECTORS, 1, WHOLE>(simd, &at, &[place], target);
                }
            }
        }
        self.target = target;
        VECTORS * T::lanes::<S>()
    }

    /// Writes some vectors of some pixels of a row.
    #[inline(always)]
    fn pixels<S: Simd, const VECTORS: usize, const PIXELS: usize, const WHOLE: bool>(
        &self,
        simd: S,
        at: &At<'_>,
        places: &[Place; PIXELS],
        target: &mut [MaybeUninit<T>],
    ) {
        let (first, channels, apart) = (at.first, at.channels, self.each * at.channels);
        let mut sums = [[T::splat(simd, T::ZERO); VECTORS]; PIXELS];
        for vector in 0..VECTORS {
            let start = load::<T, S, VECTORS, WHOLE>(simd, &self.start[first..], vector);
            for pixel in 0..PIXELS {
                sums[pixel][vector] = start;
            }
        }
        for down in at.down {
            for across in at.across {
                let tap = (down.tap * self.kernel_width + across.tap) * apart;
                let tap = &self.taps[tap..][..apart];
                let source = down.source * self.source_width + across.source;
                let mut sources = [tap; PIXELS];
                for pixel in 0..PIXELS {
                    sources[pixel] =
                        &self.source[(source + places[pixel].offset) * apart..][..apart];
                }
                for row in (0..apart).step_by(channels) {
                    let tap = &tap[row..][..channels][first..];
                    let mut weights = [T::splat(simd, T::ZERO); VECTORS];
                    for vector in 0..VECTORS {
                        weights[vector] = load::<T, S, VECTORS, WHOLE>(simd, tap, vector);
                    }
                    for pixel in 0..PIXELS {
                        let source = &sources[pixel][row..][..channels][first..];
                        for vector in 0..VECTORS {
                            let value = load::<T, S, VECTORS, WHOLE>(simd, source, vector);
                            let sum = &mut sums[pixel][vector];
                            *sum = T::fma(simd, value, weights[vector], *sum);
                        }
                    }
                }
            }
        }
        let (lanes, floor) = (T::lanes::<S>(), floor::<T, S>(simd, self.then));
        for pixel in 0..PIXELS {
            let target = &mut target[places[pixel].place * channels..][..channels][first..];
            for vector in 0..VECTORS {
                let sum = at_least::<T, S>(simd, floor, sums[pixel][vector]);
                if WHOLE {
                    T::write(simd, &mut target[vector * lanes..][..lanes], sum);
                } else if let Some(target) = target.get_mut(vector * lanes..) {
                    T::write(simd, target, sum);
                }
            }
        }
    }
}

/// From which channel on, and what reaches the pixels.
struct At<'a> {
    first: usize,
    channels: usize,
    down: &'a [Tap],
    across: &'a [Tap],
}

/// One of so many vectors, which are there whole, or end before.
#[inline(always)]
fn load<T: Element, S: Simd, const VECTORS: usize, const WHOLE: bool>(
    simd: S,
    values: &[T],
    vector: usize,
) -> T::Vector<S> {
    let lanes = T::lanes::<S>();
    if WHOLE {
        T::load(simd, &values[..VECTORS * lanes][vector * lanes..][..lanes])
    } else {
        T::load(simd, values.get(vector * lanes..).unwrap_or_default())
    }
}

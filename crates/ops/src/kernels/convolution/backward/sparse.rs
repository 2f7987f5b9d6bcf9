//! Gradients of which most are zero, as ReLU and max pooling leave them.
//!
//! Zeros need no arithmetic: what is not zero is told by bits, or gathered into lists, and summed with the sums held
//! in registers.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::super::arrangement::Arranged;
use super::super::bands::Band;
use super::super::{Geometry, Then};
use super::image_gradients::ImageGradients;
use super::lists::{Entry, Outputs, Rows, accumulate};
use super::{ResultGradient, Saved};
use crate::element::Element;
use crate::kernels::columns::ColumnSums;
use crate::kernels::lines::{Aligned, Lines};
use crate::kernels::matmul::Matrix;
use crate::kernels::sparse::{BITS, not_zero};
use crate::kernels::vectors::WINDOW;

/// Values of a row of a patch below which a vector has few of them.
pub(super) const LEAST_SEGMENT: usize = 16;

/// Whether more than two thirds of a gradient are zero, as behind max pooling three quarters are.
///
/// Some positions speak for all: where they mislead, the sums take longer and are the same within rounding.
pub(super) fn is_mostly_zero<T: Element>(gradients: &[T], outputs: usize) -> bool {
    const LOOKED_AT: usize = 64;
    /// Of 2³²: its multiples lie evenly, whatever the size of an image.
    const GOLDEN_RATIO: u32 = 0x9e37_79b9;
    let positions = gradients.len() / outputs.max(1);
    let zeros = (0..LOOKED_AT as u32).flat_map(|index| {
        let share = f64::from(index.wrapping_mul(GOLDEN_RATIO)) / (1u64 << 32) as f64;
        let position = (share * positions as f64) as usize;
        gradients[position * outputs..].iter().take(outputs)
    });
    3 * zeros.filter(|&&gradient| gradient == T::ZERO).count() > 2 * LOOKED_AT * outputs
}

/// Weight and bias gradients of some images, or of a band of one.
pub(super) struct Sparse<'a, 'b, T> {
    pub(super) saved: &'a Saved<'a, T>,
    pub(super) images: Range<usize>,
    pub(super) band: &'a Band,
    pub(super) result_gradient: &'a dyn ResultGradient<T>,
    pub(super) g: &'a Geometry,
    /// What the gradient of the images is added to, where it is wanted.
    pub(super) image_gradients: &'a mut ImageGradients<'b, T>,
}

impl<T: Element> WithSimd for Sparse<'_, '_, T> {
    type Output = (Vec<T>, Vec<T>);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (Vec<T>, Vec<T>) {
        let Self { saved, images: range, band, result_gradient, g, image_gradients } = self;
        let corners = g.starts(saved.then, band.rows.len());
        let length = corners.len() * g.outputs;
        let mut gradients = Lines::unspecified(range.len() * length);
        // Where nothing is pooled, a window has one position.
        let first_positions;
        let places = if saved.then == Then::ReluMaxPool {
            let first = band.of_image(range.start).values.start;
            &saved.places[first..first + gradients.len()]
        } else {
            first_positions = vec![0; gradients.len()];
            &first_positions[..]
        };
        let mut bias = ColumnSums::new(g.outputs);
        for (image, gradients) in range.clone().zip(gradients.chunks_exact_mut(length)) {
            let at = band.of_image(image);
            result_gradient.write(&at, saved.rectified(&at), gradients);
        }
        bias.add(&gradients);
        let windows = Windows { gradients: &gradients, places, corners: &corners };
        let mut arranged = Arranged::new(g, band);
        let weights = Aligned::new(saved.weights);
        for image in 0..image_gradients.count() {
            let target = image_gradients.of(image);
            arranged.clear();
            let own = windows.of_image(image, g);
            own.add_to_image(simd, arranged.gradient(target), &weights, g);
            arranged.add_to(target);
        }
        let images = &saved.images[range.start * g.image()..range.end * g.image()];
        let images = Arranged::new(g, band).all(images, g);
        let images = Aligned::new(&images);
        let length = images.len() / range.len();
        (windows.weight_gradients(simd, (&images, length), g), bias.total())
    }
}

/// The windows of some images: of each, gradients and places of all outputs.
struct Windows<'a, T> {
    gradients: &'a [T],
    places: &'a [u8],
    /// Where the first patch of each of an image's windows begins.
    corners: &'a [usize],
}

impl<T: Element> Windows<'_, T> {
    /// Those of one image.
    fn of_image(&self, image: usize, g: &Geometry) -> Self {
        let length = self.corners.len() * g.outputs;
        let own = image * length..(image + 1) * length;
        Self { gradients: &self.gradients[own.clone()], places: &self.places[own], ..*self }
    }

    /// Adds the gradient of one image: window by window, each position's outputs together.
    #[inline(always)]
    fn add_to_image<S: Simd>(&self, simd: S, image: &mut [T], weights: &[T], g: &Geometry) {
        let rows = Rows {
            count: g.kernel_height,
            length: g.segment(),
            target_stride: g.row_below(),
            source_stride: g.segment(),
        };
        let (offsets, windows, apart) = (g.window_offsets(), self.corners.len(), g.patch());
        let not_zero = not_zero(Matrix::new(self.gradients, windows, g.outputs));
        for (block, first) in (0..g.outputs).step_by(BITS).enumerate() {
            let own = first..g.outputs.min(first + BITS);
            for (window, corner) in self.corners.iter().enumerate() {
                let of_window = |place: usize| window * g.outputs + place;
                let own = of_window(own.start)..of_window(own.end);
                let positions = positions(&self.places[own.clone()]);
                let not_zero = not_zero[block * windows + window];
                for place in 0..WINDOW {
                    let (bits, start) = (not_zero & positions[place], first * apart);
                    if bits == 0 {
                        continue;
                    }
                    let gradients = &self.gradients[own.clone()];
                    let target = &mut image[corner + offsets[place]..];
                    let outputs = Outputs { bits, gradients, start, apart };
                    accumulate(simd, target, outputs, weights, rows);
                }
            }
        }
    }

    /// The gradient of the weights: output by output, all its windows in one list. Images are arranged, and
    /// have so many values each.
    #[inline(always)]
    fn weight_gradients<S: Simd>(
        &self,
        simd: S,
        (images, length): (&[T], usize),
        g: &Geometry,
    ) -> Vec<T> {
        let rows = Rows {
            count: g.kernel_height,
            length: g.segment(),
            target_stride: g.segment(),
            source_stride: g.row_below(),
        };
        let offsets = g.window_offsets();
        let mut weights = vec![T::ZERO; g.outputs * g.patch()];
        let firsts = (0..images.len()).step_by(length);
        let starts: Vec<usize> = firsts
            .flat_map(|first| self.corners.iter().map(move |corner| first + corner))
            .collect();
        let mut entries = vec![Entry::default(); starts.len() + 1];
        for (output, weights) in weights.chunks_exact_mut(g.patch()).enumerate() {
            let mut count = 0;
            for (window, corner) in starts.iter().enumerate() {
                let place = self.places[window * g.outputs + output];
                let start = corner + offsets[usize::from(place) % WINDOW];
                let entry = Entry::new(start, self.gradients[window * g.outputs + output]);
                // Written without a branch, and counted only where it is to stay.
                entries[count] = entry;
                count += usize::from(!entry.is_zero());
            }
            accumulate(simd, weights, entries[..count].iter().copied(), images, rows);
        }
        weights
    }
}

/// Which of at most `BITS` outputs come from each position of their window, a bit each.
#[inline(always)]
fn positions(places: &[u8]) -> [u64; WINDOW] {
    let (mut low, mut high) = (0, 0);
    for (index, places) in places.chunks(8).enumerate() {
        let mut eight = [0; 8];
        eight[..places.len()].copy_from_slice(places);
        let eight = u64::from_le_bytes(eight);
        low |= lowest_bits(eight) << (index * 8);
        high |= lowest_bits(eight >> 1) << (index * 8);
    }
    [!low & !high, low & !high, !low & high, low & high]
}

/// The lowest bit of each of eight bytes, the first one's lowest.
#[inline(always)]
fn lowest_bits(bytes: u64) -> u64 {
    // The product has the bit of byte i at 8i + 7j for j from 1 to 8, which is nowhere the same twice: nothing is
    // carried, and j = 8 − i has it at 56 + i.
    (bytes & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever pattern the zeros are in, of images of 8×8 and more of them than are looked at.
    #[test]
    fn what_is_mostly_zero_is_told_by_some_of_it() {
        let gradient = |zero: fn(usize, usize) -> bool| -> Vec<f32> {
            let positions = (0..100 * 64).map(|position| (position / 8 % 8, position % 8));
            positions.flat_map(|(y, x)| [f32::from(!zero(y, x)); 3]).collect()
        };
        assert!(is_mostly_zero(&gradient(|y, x| y % 2 == 1 || x % 2 == 1), 3), "pooled");
        assert!(!is_mostly_zero(&gradient(|_, x| x % 2 == 1), 3), "half of it");
        assert!(!is_mostly_zero(&gradient(|y, x| y == 0 || x == 0), 3), "the border");
        assert!(!is_mostly_zero::<f32>(&[], 3));
    }

    #[test]
    fn each_output_comes_from_one_position() {
        for count in [1, 7, 8, 17, 63, 64] {
            let places: Vec<u8> =
                (0..count).map(|output| (output * output * 5 % 11 % 4) as u8).collect();
            for (place, bits) in positions(&places).into_iter().enumerate() {
                for (output, &own) in places.iter().enumerate() {
                    assert_eq!(
                        bits >> output & 1 == 1,
                        usize::from(own) == place,
                        "{output} of {count}"
                    );
                }
            }
        }
    }
}

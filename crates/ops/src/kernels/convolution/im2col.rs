//! Layers with many weights on few positions, as the last ones of a VGG or a ResNet are: matrix products with the
//! patches of the whole batch (im2col; Chellapilla, Puri and Simard, 2006).
//!
//! Other ways lay all weights out anew at each step, transform them, and sum up a gradient of them for each few images.
//! That takes longest where weights are many and positions few. Here patches are copied instead, of which there are
//! fewer, with their values in the order of PyTorch's weights: these are read as they are, and their gradient is
//! written so. Threads share the products of four positions and more, however few images these are of.

use super::arrangement::Arranged;
use super::backward::{add_patches, written};
use super::bands::Band;
use super::windows::pooled;
use super::{Geometry, Gradients, ResultGradient, Saved, Then, by_filters};
use crate::element::Element;
use crate::kernels::columns::{ColumnSums, add_bias};
use crate::kernels::linear::{self, weighted};
use crate::kernels::matmul::Matrix;
use crate::kernels::parts;
use crate::kernels::transposed::each_transposed;
use crate::memory::{unwritten, zeroed};

impl Geometry {
    /// The same layer, by this way if it is the one for a batch of so many images.
    ///
    /// Neither the patches nor an image with its padding take more memory than the weights.
    pub(crate) fn for_batch(self, count: usize) -> Self {
        const MANY: usize = 1 << 16;
        /// Positions for which minimal filtering, where it is possible, is worth its transforms.
        const FILTERED: usize = 256;
        let (height, width) = self.convolved();
        let positions = count.saturating_mul(height * width);
        let filtered = positions >= FILTERED && by_filters::fit(&self, count);
        let few = (1..=self.outputs).contains(&positions) && !filtered;
        let weights = self.outputs * self.patch();
        let many = weights >= MANY && weights >= self.arranged();
        let im2col = few && many && self.groups == 1 && !self.direct && !self.one_patch();
        Self { im2col, ..self }
    }

    /// The whole image, however large.
    fn whole(&self) -> Band {
        let mut bands = Self { band: usize::MAX, ..*self }.bands(Then::Nothing);
        bands.swap_remove(0)
    }

    /// Values of a patch along one channel.
    fn taps(&self) -> usize {
        self.kernel_height * self.kernel_width
    }
}

/// As [`super::forward`], with PyTorch's weights.
pub(super) fn forward<T: Element>(
    images: &[T],
    (weights, bias): (&[T], &[T]),
    g: &Geometry,
    then: Then,
) -> (Vec<T>, Vec<u8>) {
    let patches = patches(images, g);
    let patches = Matrix::new(&patches, patches.len() / g.patch(), g.patch());
    let mut result = weighted(patches, Matrix::new(weights, g.outputs, g.patch()));
    add_bias(&mut result, bias, then == Then::Relu);
    if then != Then::ReluMaxPool {
        return (result, Vec::new());
    }
    pooled(&result, g)
}

/// As [`super::backward`], with PyTorch's weights and their gradient, unpooled.
pub(super) fn backward<T: Element>(
    saved: &Saved<'_, T>,
    result_gradient: &dyn ResultGradient<T>,
    g: &Geometry,
    of_images: bool,
) -> Gradients<T> {
    let count = saved.images.len() / g.image();
    let gradients = written(saved, result_gradient, 0..count, g);
    let mut bias = ColumnSums::new(g.outputs);
    bias.add(&gradients);
    let patches = patches(saved.images, g);
    let rows = patches.len() / g.patch();
    let (of_patches, weights) = linear::gradients(
        Matrix::new(&patches, rows, g.patch()),
        Matrix::new(saved.weights, g.outputs, g.patch()),
        Matrix::new(&gradients, rows, g.outputs),
        of_images,
    );
    let images = of_patches.map(|patches| folded(&patches, g)).unwrap_or_default();
    Gradients { images, weights, bias: bias.total() }
}

/// The patch of each position, one row each: (positions, channels, kernel height, kernel width).
fn patches<T: Element>(images: &[T], g: &Geometry) -> Vec<T> {
    let (band, starts) = (g.whole(), g.starts(Then::Nothing, g.convolved().0));
    let length = starts.len() * g.patch();
    let mut patches = unwritten(images.len() / g.image() * length);
    let all = images.chunks_exact(g.image()).zip(patches.chunks_exact_mut(length));
    parts::for_each(all, |(image, patches)| {
        let mut arranged = Arranged::new(g, &band);
        arranged.take(image);
        let image = arranged.get(image);
        for (start, patch) in starts.iter().zip(zeroed(patches).chunks_exact_mut(g.patch())) {
            for (row, target) in patch.chunks_exact_mut(g.segment()).enumerate() {
                target.copy_from_slice(&image[start + row * g.row_below()..][..target.len()]);
            }
        }
    });
    // SAFETY: there are patches of each image, and these were zeroed.
    #[expect(unsafe_code, reason = "memory is zeroed where a thread goes on with it")]
    let patches = unsafe { patches.assume_init() };
    each_transposed(&patches, (g.taps(), g.channels))
}

/// The gradient of the images, given those of their [`patches`] (col2im).
fn folded<T: Element>(patches: &[T], g: &Geometry) -> Vec<T> {
    let patches = each_transposed(patches, (g.channels, g.taps()));
    let (band, starts) = (g.whole(), g.starts(Then::Nothing, g.convolved().0));
    let length = starts.len() * g.patch();
    let mut images = unwritten(patches.len() / length * g.image());
    let all = images.chunks_exact_mut(g.image()).zip(patches.chunks_exact(length));
    parts::for_each(all, |(image, patches)| {
        let (mut arranged, image) = (Arranged::new(g, &band), zeroed(image));
        add_patches(patches, &starts, arranged.gradient(image), g);
        arranged.add_to(image);
    });
    // SAFETY: there are patches for each image, which was zeroed.
    #[expect(unsafe_code, reason = "memory is zeroed where a thread goes on with it")]
    unsafe { images.assume_init() }.into_vec()
}

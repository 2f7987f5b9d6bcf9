//! Pair sets as batches of tensors.

use candle_core::{Device, Result, Tensor};
use pairnet_data::PairSet;

/// Some pairs, as tensors.
#[derive(Clone, Debug)]
pub struct Batch {
    /// (n, 2, 14, 14), F32, 0 to 255.
    pub images: Tensor,
    /// (2n), U32: the classes of all first digits, then of all second ones.
    pub classes: Tensor,
    /// (n), F32: 1 where the first digit is at most the second, else 0.
    pub targets: Tensor,
}

/// The pairs in their order, `size` at a time; the last batch may be short.
///
/// # Errors
///
/// Where the device has no memory left.
pub fn batches(pairs: &PairSet, size: usize, device: &Device) -> Result<Vec<Batch>> {
    pairs
        .batches(size)
        .map(|batch| {
            let count = batch.targets.len();
            let classes: Vec<u32> = batch.classes_by_place().map(u32::from).collect();
            let targets: Vec<f32> = batch.targets.iter().map(|&target| f32::from(target)).collect();
            Ok(Batch {
                images: Tensor::from_slice(batch.images, (count, 2, 14, 14), device)?,
                classes: Tensor::from_vec(classes, 2 * count, device)?,
                targets: Tensor::from_vec(targets, count, device)?,
            })
        })
        .collect()
}

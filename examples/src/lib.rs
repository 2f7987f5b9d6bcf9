//! What the examples share.

pub mod bench;

use candle_core::{Device, Result, Tensor};
use pairnet_data::{DigitBatch, Digits};

/// Digits as tensors: (n, 1, 28, 28) from 0 to 1, and their classes (n).
pub fn tensors(batch: &DigitBatch<'_>) -> Result<(Tensor, Tensor)> {
    let pixels = batch.images.iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
    let count = batch.labels.len();
    let images = Tensor::from_vec(pixels, (count, 1, 28, 28), &Device::Cpu)?;
    Ok((images, Tensor::from_slice(batch.labels, count, &Device::Cpu)?))
}

/// The first `count` of some digits, `size` at a time.
pub fn batches(digits: &Digits, count: usize, size: usize) -> Result<Vec<(Tensor, Tensor)>> {
    digits.batches(size).take(count / size).map(|batch| tensors(&batch)).collect()
}

/// The number that the program was called with, or `default`.
pub fn argument(default: usize) -> std::result::Result<usize, std::num::ParseIntError> {
    std::env::args().nth(1).map_or(Ok(default), |argument| argument.parse())
}

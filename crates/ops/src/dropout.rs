//! Dropout with a mask that the caller draws.

use candle_core::{Result, Tensor, bail};

/// `input` · `mask` / (1 − `probability`).
///
/// `mask` has the shape and dtype of `input`: 1 where a value is kept, 0 where it is dropped. It
/// is an argument because a network's randomness belongs to its caller, and because candle's CPU
/// generator cannot be seeded. In evaluation dropout is the identity: do not call it. As
/// [`torch.nn.functional.dropout`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.dropout.html)
/// with the mask made visible.
///
/// # Errors
///
/// Where the shapes differ or `probability` is not in [0, 1).
pub fn dropout(input: &Tensor, mask: &Tensor, probability: f64) -> Result<Tensor> {
    if !(0.0..1.0).contains(&probability) {
        bail!("dropout: probability {probability} is not in [0, 1)");
    }
    if mask.shape() != input.shape() {
        bail!("dropout: mask {:?} and input {:?} differ in shape", mask.shape(), input.shape());
    }
    input * mask.affine(1.0 / (1.0 - probability), 0.0)?
}

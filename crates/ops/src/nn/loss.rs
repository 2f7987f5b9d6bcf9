//! Losses; those that this crate has no kernels for are candle-nn's.

pub use candle_nn::loss::*;

pub use crate::{
    binary_cross_entropy_with_logits,
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logit, cross_entropy,
    mean_squared_error as mse, nll,
};

//! Optimisers; plain `SGD` is candle-nn's, [`Sgd`] has momentum.

pub use candle_nn::optim::*;

pub use crate::{Adam, AdamSettings, AdamW, Sgd, SgdSettings};

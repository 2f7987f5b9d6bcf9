//! Optimisers with candle-nn's interface and PyTorch's formulas, whose state can be saved.
//!
//! Variables and moments change where they lie, in one pass over memory each. A step checks everything
//! before it changes anything.

mod adam;
mod adamw;
mod clip;
mod in_place;
mod moments;
mod sgd;
mod state;
mod variables;

pub use adam::{Adam, AdamSettings};
pub use adamw::AdamW;
pub use clip::clip_gradient_norm;
pub use sgd::{Sgd, SgdSettings};
pub use state::{OptimiserState, StatefulOptimizer, named_variables};

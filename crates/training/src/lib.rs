//! Recipes, the training loop, evaluation and the sweep.

mod batches;
mod error;
mod evaluation;
mod losses;
mod recipe;
mod run;
mod streams;
mod sweep;

pub use batches::{Batch, batches};
pub use error::TrainingError;
pub use evaluation::{Score, evaluate};
pub use losses::{Losses, losses};
pub use recipe::{
    AdamState, AuxiliaryLoss, EvaluationMode, MainLoss, PairDraw, Recipe, TrainAccuracy,
    UnknownRecipe,
};
pub use run::{Setup, run};
pub use streams::{DrawnMasks, RunId};
pub use sweep::{Job, Plan, Workers, claim_folder, missing, sweep};

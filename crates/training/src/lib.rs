//! Recipes, the training loop, evaluation and the sweep.
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//!
//! use pairnet_data::Mnist;
//! use pairnet_models::{Kernels, variant};
//! use pairnet_training::{Recipe, Setup, run};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let recipe = Recipe { pairs: 100, epochs: 1, ..Recipe::paper() };
//! let setup = Setup {
//!     device: candle_core::Device::Cpu,
//!     kernels: Kernels::Fused,
//!     test_every_epoch: false,
//!     keep: None,
//! };
//! let (network, data) = (variant("mlp-ws-al")?, Mnist::shipped()?);
//! let finished = run(&recipe, network, (0, 42), &data, &setup, &AtomicBool::new(false))?;
//! assert_eq!(finished.record.epochs.len(), 1);
//! assert!(finished.record.test_accuracy.is_some()); // percent
//! assert_eq!(finished.predictions.unwrap().probabilities.len(), 100);
//! # Ok(())
//! # }
//! ```
//!
//! A [`Recipe`] is everything about training that is not the network; the paper's text and its
//! authors' code are two, and any field of them can be set otherwise ([`Recipe::with`]). [`run()`] trains one network; [`sweep()`] many, side by side. [`status()`]
//! says what a folder has of a [`Plan`] and what it lacks, so that a sweep goes on where an earlier one
//! stopped, and refuses what would change a record that is there. A plan can be trained in shares, on
//! several machines ([`Shard`]); [`survey`] looks at the folders they leave, and joins them. Everything random follows from the
//! seed and the run's coordinates ([`RunId`]), so a run's record is the same bytes, timings apart,
//! alone or in a sweep, on one thread or many.

mod answers;
mod batches;
mod choices;
mod epoch;
mod error;
mod evaluation;
mod fields;
mod folder;
mod kept;
mod losses;
mod merge;
mod optimiser;
mod plan;
mod predictions;
mod recipe;
mod run;
mod scale;
mod schedule;
mod sets;
mod setup;
mod shard;
mod state;
mod streams;
mod sweep;
mod threads;

pub use answers::{Answer, answers, fresh_pairs};
pub use batches::{Batch, batches};
pub use choices::{
    AdamState, AuxiliaryLoss, EvaluationMode, InputScale, MainLoss, OptimiserKind, PairDraw,
    PairOrder, RandomNumbers, Schedule, TrainAccuracy,
};
pub use error::TrainingError;
pub use evaluation::{Evaluation, Score, evaluate};
pub use fields::FieldError;
pub use folder::{Status, claim_folder, status};
pub use kept::{Kept, Trained, keep, kept_path, network_path, shipped_path};
pub use losses::{Losses, losses};
pub use merge::{MergeError, Missing, Survey, survey};
pub use optimiser::Optimiser;
pub use plan::{Job, Plan, follows_from};
pub use recipe::{Recipe, UnknownRecipe};
pub use run::{Finished, run, train};
pub use scale::PixelScale;
pub use schedule::LearningRate;
pub use setup::Setup;
pub use shard::{NoShard, Shard};
pub use state::State;
pub use streams::{DrawnMasks, RunId};
pub use sweep::{Workers, sweep};
pub use threads::start_threads;

/// The snippets of the README, which are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

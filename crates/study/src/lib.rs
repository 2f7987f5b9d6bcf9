//! Studies: a recipe or a network with something changed, or a grid of changes, and what is asked.
//!
//! ```
//! use pairnet_study::{Setting, changed, read};
//! use pairnet_training::Recipe;
//!
//! let (plan, study) = read(
//!     r#"
//!     title = "Optimisers"
//!     question = "Does Adam matter?"
//!     variants = ["mlp-ws-al"]
//!     [grid]
//!     optimiser = ["adam", "adamw", "sgd"]
//!     "#,
//! )?;
//! assert_eq!(plan.recipes.len(), 3);
//! assert_eq!(study.base, "paper");
//!
//! let longer = changed(&Recipe::paper(), &[Setting::parse("epochs=50")?])?;
//! assert_eq!(longer.epochs, 50);
//! # Ok::<(), pairnet_study::StudyError>(())
//! ```
//!
//! [`read`] makes of a file in TOML the [plan](pairnet_training::Plan) of a sweep and what its report
//! says ([`pairnet_record::Study`]). A *cell* is a recipe of a study; each is trained with each network.
//! The README of this crate has all that can stand in a file.
//!
//! This crate knows names, numbers and text. It trains nothing and opens no file.

mod cells;
mod error;
mod file;
mod networks;
mod read;
mod settings;

pub use cells::MOST_CELLS;
pub use error::StudyError;
pub use read::read;
pub use settings::{Setting, changed};

/// The snippets of the README, which are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! From records to statistics, tables and pictures.
//!
//! ```
//! use pairnet_record::{
//!     Provenance, RECORD_FORMAT, RecipeSettings, Record, SWEEP_FORMAT, Settings, Sweep, Timing,
//! };
//! use pairnet_report::{Answers, MNIST, Verdict, summarise};
//!
//! let sweep = Sweep {
//!     format: SWEEP_FORMAT,
//!     settings: Settings {
//!         recipes: vec![RecipeSettings {
//!             name: "authors".to_owned(),
//!             fields: Default::default(),
//!         }],
//!         variants: vec!["lenet5".to_owned()],
//!         runs: 3,
//!         seed: 0,
//!         device: "cpu".to_owned(),
//!         test_every_epoch: false,
//!         data: MNIST.map(|(name, sha256)| (name.to_owned(), sha256.to_owned())).into(),
//!     },
//!     networks: Vec::new(),
//!     provenance: Provenance {
//!         version: "0.1.0".to_owned(),
//!         git_revision: None,
//!         git_dirty: None,
//!         machine: "a laptop".to_owned(),
//!     },
//! };
//! let record = |run, test_accuracy| Record {
//!     format: RECORD_FORMAT,
//!     recipe: "authors".to_owned(),
//!     variant: "lenet5".to_owned(),
//!     run,
//!     seed: 0,
//!     follows_from: sweep.follows_from("authors", "lenet5").unwrap_or_default(),
//!     parameters: 30_841,
//!     train_accuracy: Some(98.4),
//!     test_accuracy: Some(test_accuracy),
//!     failure: None,
//!     epochs: vec![],
//!     timing: Timing { seconds: 1.0 },
//! };
//!
//! let summary = summarise(
//!     &sweep,
//!     None,
//!     &[record(0, 79.0), record(1, 81.0), record(2, 80.0)],
//!     &Answers::default(),
//! )?;
//! let test = &summary.entry("authors", "lenet5").unwrap().test;
//! assert_eq!(test.statistics.mean, Some(80.0));
//! let published = test.published.as_ref().unwrap();
//! assert_eq!(published.mean, 79.56);
//! // Three runs are too few to say that 80.0 is 79.56 within a point and a half.
//! assert_eq!(published.verdict, Some(Verdict::Undecided));
//! assert!(summary.to_markdown().contains("79.56 ± 1.18"));
//! # Ok::<(), pairnet_report::ReportError>(())
//! ```
//!
//! A sweep of the paper's recipes is reported beside the paper's numbers. Any other is a study: what it
//! asks, and what is compared with what, is a [`Study`](pairnet_record::Study) beside its records, or
//! else the first recipe is what all others are compared with.
//!
//! [`summarise`] makes one [`Summary`] of a sweep's records, and every output is made from that:
//! [`Summary::to_markdown`], [`Summary::to_json`] and [`Summary::to_csv`]. [`read_report`] reads a
//! sweep's folder as a [`Report`]: with the losses of every epoch and what the best network said of
//! its test pairs there are [`Figure`]s, and a page with all of it that needs no other file
//! ([`Report::to_html`]). [`write_results`] writes them into the folder. [`Summary::to_files`] is
//! what has to stand beside a summary that was kept, and [`first_difference`] where it does not.
//!
//! Accuracies are in percent, differences in points. A number that there is not is `None`, `null`
//! or an empty cell, never 0 or NaN. The published numbers are the paper's tables
//! ([`PUBLISHED`]); [`statistics`] has the formulas and their sources.
//!
//! This crate reads records. It knows no tensor, no data set and no training. What is the paper's alone
//! stands in `src/paper`, a study's report in `src/study`, and what both are made of beside them; a
//! recipe or variant that the paper does not have gets its numbers without a published column.

mod against;
mod answers;
mod check;
mod data_set;
mod difference;
mod entries;
mod entry;
mod error;
mod evaluation;
mod factorial;
mod fields;
mod figures;
mod folder;
mod outputs;
mod page;
mod paper;
mod render;
mod report;
mod runs;
pub mod statistics;
mod study;
mod summarise;
mod summary;
mod words;

pub use against::{AgainstPublished, AgainstSplit, AgainstTables, Within};
pub use answers::Answers;
pub use check::{LineDifference, first_difference};
pub use data_set::{DataSet, MNIST};
pub use difference::{Cell, Difference};
pub use entry::{Accuracy, Entry, FailedRun, LOST};
pub use error::ReportError;
pub use evaluation::{Answered, Evaluation, Right};
pub use factorial::{EFFECTS, FactorialEffect};
pub use figures::{Figure, Panel};
pub use folder::{read_report, write_results};
pub use paper::claims::{CLAIMS, Claim, Outcome};
pub use paper::text_and_code::RecipeDifference;
pub use paper::{
    KINDS, PAPER, PUBLISHED, PUBLISHED_RUNS, Published, PublishedRow, PublishedTable, published,
};
pub use report::{BestNetwork, Report};
pub use runs::Comparison;
pub use statistics::{Interval, Margins, Statistics, Verdict};
pub use summarise::summarise;
pub use summary::{Picture, RESULTS_FORMAT, Summary};

/// The snippets of the README, which are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! The formulas: what a few runs say about a mean, and how sure two means differ.

mod calibration;
mod components;
mod contrast;
mod difference;
mod equivalence;
mod estimate;
mod global;
mod holm;
mod permutation;
mod proportion;
mod sample;
mod sign_flip;
mod splitmix;
mod steps;
mod student;
mod superiority;
mod verdict;

pub use calibration::{Bin, Calibration, calibration};
pub use components::{Components, CrossedCounts, PairCountError};
pub use contrast::{Part, estimate, linear};
pub use difference::{paired, welch};
pub use equivalence::{runs_needed, smallest_margin};
pub use estimate::{Estimate, Moments, StandardError};
pub use global::{Group, global_p};
pub use holm::holm;
pub use permutation::permutation_p;
pub use proportion::{at_most, wilson95};
pub use sample::Statistics;
pub use sign_flip::sign_flip_p_greater;
pub use superiority::{Superiority, superiority, superiority_paired};
pub use verdict::{Margins, Verdict, verdict};

use serde::{Deserialize, Serialize};

/// An interval, both ends included; `[low, high]` in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "[f64; 2]", from = "[f64; 2]")]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// The part between 0 and 100: an accuracy in percent lies there, so that nothing is lost.
    pub(crate) fn within_percent(self) -> Self {
        Self { low: self.low.clamp(0.0, 100.0), high: self.high.clamp(0.0, 100.0) }
    }
}

impl From<Interval> for [f64; 2] {
    fn from(Interval { low, high }: Interval) -> Self {
        [low, high]
    }
}

impl From<[f64; 2]> for Interval {
    fn from([low, high]: [f64; 2]) -> Self {
        Self { low, high }
    }
}

//! A measured accuracy beside the published one, as a summary has it.

use serde::{Deserialize, Serialize};

use crate::statistics::{Interval, Verdict};

/// A published accuracy, and how the measured one compares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgainstPublished {
    /// As printed.
    pub mean: f64,
    /// As printed: with n.
    pub std: f64,
    /// The runs behind them.
    pub values: Vec<f64>,
    /// Measured minus published mean, in points; `None` where nothing was measured.
    pub difference: Option<f64>,
    /// The difference's standard error (Welch); `None` with fewer than two values.
    pub standard_error: Option<f64>,
    /// The difference's 95 % Welch interval; `None` with fewer than two values.
    pub ci95: Option<Interval>,
    /// The difference's 90 % Welch interval, which decides on equivalence.
    pub ci90: Option<Interval>,
    /// The p value of an exact permutation test of all runs, ours and the published ones, for "both
    /// are draws of the same"; two-sided.
    pub p: Option<f64>,
    /// The same, adjusted by Holm's procedure over all means of the recipe that get a verdict.
    pub p_holm: Option<f64>,
    /// How far apart the two may be, in points; `None` where they measure different things and get
    /// no verdict.
    pub margin: Option<f64>,
    /// The smallest margin at which the mean would count as within it.
    pub smallest_margin: Option<f64>,
    /// Runs of ours that would show it within the margin, if mean and deviation stayed what they
    /// are; `None` where no number would, or nothing is judged.
    pub runs_needed: Option<usize>,
    /// Whether the published mean came back; `None` where nothing was measured, or nothing is judged.
    pub verdict: Option<Verdict>,
}

/// How all means of one recipe lie beside the published ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgainstTables {
    /// How the networks were trained.
    pub recipe: String,
    /// Whether that was on the pairs of the published runs, whose luck is then in both.
    pub same_pairs: bool,
    /// The p value of one permutation test of all means that get a verdict: that every published run
    /// could be one of ours.
    pub p_global: Option<f64>,
    /// Test and training pairs.
    pub splits: Vec<AgainstSplit>,
}

/// How the means of one recipe on one split lie beside the published ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgainstSplit {
    /// "test" or "train".
    pub split: String,
    /// Means that were compared.
    pub compared: usize,
    /// The root of the mean squared difference, in points.
    pub rms: Option<f64>,
    /// What that would be on average if all means were the same: the root of the mean squared
    /// standard error.
    pub rms_of_spread: Option<f64>,
    /// How many means lie within which margin; empty where nothing is judged.
    pub within: Vec<Within>,
}

/// How many means lie within a margin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Within {
    /// In points.
    pub margin: f64,
    /// Means.
    pub count: usize,
}

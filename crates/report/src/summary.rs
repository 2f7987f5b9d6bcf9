//! What the records of a sweep say, as one value from which every output is made.

use pairnet_record::Provenance;
use serde::{Deserialize, Serialize};

use crate::claims::{Claim, RecipeDifference};
use crate::statistics::{Interval, Statistics, Verdict};

/// The version of `results.json`.
pub const RESULTS_FORMAT: u32 = 1;

/// What the records of a sweep say. Accuracies are in percent, differences in points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`RESULTS_FORMAT`].
    pub format: u32,
    /// One a recipe and variant, in the order in which the sweep asks for them.
    pub entries: Vec<Entry>,
    /// What the paper claims, put to the test.
    pub claims: Vec<Claim>,
    /// What the difference between the paper's text and its code is worth.
    pub paper_against_authors: Vec<RecipeDifference>,
    /// How far a mean may be from the published one and still count as reproduced, in points.
    pub margin: f64,
    /// The sweep's seed.
    pub seed: u64,
    /// Where the networks were trained.
    pub device: String,
    /// What trained them.
    pub provenance: Provenance,
}

/// What the runs of one recipe and variant say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// How the network was trained.
    pub recipe: String,
    /// Which network.
    pub variant: String,
    /// Runs that the sweep asks for.
    pub runs: usize,
    /// Numbers that training may change; `None` where there is no record.
    pub parameters: Option<usize>,
    /// The runs that have accuracies, in the order of the values.
    pub measured_runs: Vec<usize>,
    /// The runs that ended in a failure.
    pub failed_runs: Vec<FailedRun>,
    /// The runs of which there is no record.
    pub missing_runs: Vec<usize>,
    /// Accuracy on the training pairs.
    pub train: Accuracy,
    /// Accuracy on the test pairs.
    pub test: Accuracy,
}

/// One of the two splits: its name, and where an entry has it.
pub(crate) type Split = (&'static str, fn(&Entry) -> &Accuracy);

pub(crate) const SPLITS: [Split; 2] =
    [("test", |entry| &entry.test), ("train", |entry| &entry.train)];

/// A run that ended in a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRun {
    /// Counted from 0.
    pub run: usize,
    /// Counted from 0.
    pub epoch: usize,
    /// Counted from 0.
    pub batch: usize,
    /// Why.
    pub reason: String,
}

/// The accuracy of one recipe and variant on one split, in percent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// What was measured.
    #[serde(flatten)]
    pub statistics: Statistics,
    /// How many runs failed and have no value.
    pub failures: usize,
    /// What the paper says; `None` for what it has not.
    pub published: Option<AgainstPublished>,
}

/// A published accuracy, and how the measured one compares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgainstPublished {
    /// As printed.
    pub mean: f64,
    /// As printed: with n.
    pub std: f64,
    /// With n − 1, as the intervals below want it.
    pub std_sample: f64,
    /// Runs behind the published number.
    pub n: usize,
    /// Measured less published mean, in points; `None` where nothing was measured.
    pub difference: Option<f64>,
    /// The difference's 95 % Welch interval; `None` with fewer than two values.
    pub ci95: Option<Interval>,
    /// The difference's 90 % Welch interval, which decides on equivalence.
    pub ci90: Option<Interval>,
    /// Whether the published mean came back; `None` where nothing was measured.
    pub verdict: Option<Verdict>,
}

impl Summary {
    /// The entry of `recipe` and `variant`, where the sweep asks for it.
    pub fn entry(&self, recipe: &str, variant: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.recipe == recipe && entry.variant == variant)
    }

    /// The names of the recipes, in the sweep's order.
    pub fn recipes(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.entries.iter().map(|entry| entry.recipe.as_str()).collect();
        // A recipe's entries stand together.
        names.dedup();
        names
    }
}

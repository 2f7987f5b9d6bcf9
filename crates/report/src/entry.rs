//! What the runs of one network, trained by one recipe, say.

use serde::{Deserialize, Serialize};

use crate::against::AgainstPublished;
use crate::statistics::{Components, Interval, Statistics};

/// How many points of training accuracy a run has to end below the median of its network and recipe
/// to count as lost. Declared for all networks; a lost run is named and stays in every number.
pub const LOST: f64 = 5.0;

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
    /// The runs that learned badly: more than [`LOST`] points of training accuracy below the median.
    pub lost_runs: Vec<usize>,
    /// Accuracy on the training pairs.
    pub train: Accuracy,
    /// Accuracy on the test pairs.
    pub test: Accuracy,
    /// What test accuracy varies by; `None` where the runs left no predictions.
    pub components: Option<Components>,
}

/// One of the two splits: its name, and where an entry has it.
pub(crate) type Split = (&'static str, fn(&Entry) -> &Accuracy);

pub(crate) const SPLITS: [Split; 2] =
    [("test", |entry| &entry.test), ("train", |entry| &entry.train)];

/// A split in the words of a sentence.
pub(crate) fn split_in_words(split: &str) -> &'static str {
    if split == "test" { "test" } else { "training" }
}

/// A run that ended in a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRun {
    /// Counted from 0.
    pub run: usize,
    /// Counted from 0; `None` where it is not known.
    pub epoch: Option<usize>,
    /// Counted from 0; `None` where it is not known.
    pub batch: Option<usize>,
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
    /// The 95 % interval of the mean on other test pairs, where all runs share theirs: wider than the
    /// one that speaks of these pairs alone. `None` for training pairs, and without predictions.
    pub total95: Option<Interval>,
    /// Where all runs measured the same: the share of runs, in percent, that end elsewhere at most
    /// (95 %). Equal values have no interval.
    pub elsewhere_at_most: Option<f64>,
    /// What the paper says; `None` for what it has not.
    pub published: Option<AgainstPublished>,
}

/// The runs among `runs` that count as lost, by their training accuracies.
pub(crate) fn lost(runs: &[usize], train: &Statistics) -> Vec<usize> {
    let Some(median) = train.median else { return Vec::new() };
    let below = runs.iter().zip(&train.values).filter(|(_, value)| **value < median - LOST);
    below.map(|(&run, _)| run).collect()
}

//! What the records of a sweep say, as one value from which every output is made.

use pairnet_record::{Provenance, RecipeSettings};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::claims::{Claim, RecipeDifference};
use crate::statistics::{Interval, Statistics, Verdict};

/// The version of `results.json`.
pub const RESULTS_FORMAT: u32 = 2;

/// What the records of a sweep say. Accuracies are in percent, differences in points.
///
/// Every number has twelve significant digits at most: what comes after them is the rounding of
/// sums. So its JSON is short, and read again it gives the same summary to the last bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`RESULTS_FORMAT`].
    pub format: u32,
    /// How each recipe trains, in the order in which the sweep asks for them.
    pub recipes: Vec<RecipeSettings>,
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
    /// What was drawn of it, in reading order. [`crate::summarise`] draws nothing and leaves it
    /// empty.
    pub pictures: Vec<Picture>,
}

/// A picture that stands beside the results, as `figures/<name>.svg`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// The name of its file, without `.svg`.
    pub name: String,
    /// What it is.
    pub title: String,
    /// What to see in it.
    pub caption: String,
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
    pub fn recipe_names(&self) -> impl Iterator<Item = &str> {
        self.recipes.iter().map(|recipe| recipe.name.as_str())
    }

    /// The same with twelve significant digits of every number.
    pub(crate) fn rounded(self) -> Result<Self, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        round(&mut value);
        serde_json::from_value(value)
    }
}

fn round(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let rounded = number.as_f64().and_then(|exact| format!("{exact:.11e}").parse().ok());
            if let Some(rounded) = rounded.and_then(Number::from_f64) {
                *number = rounded;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(round),
        Value::Object(fields) => fields.values_mut().for_each(round),
        _ => {}
    }
}

//! What a trained network said of its test pairs.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::document::{self, Document, MOST_BYTES};
use crate::error::RecordError;
use crate::pixels::Pixels;
use crate::record::{NAME, is_name};

/// The version of [`Predictions`] that this crate reads and writes.
pub const PREDICTIONS_FORMAT: u32 = 2;

/// What a trained network said of its test pairs: what pictures of a run need beside its record.
///
/// The same run leaves the same bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predictions {
    /// [`PREDICTIONS_FORMAT`].
    pub format: u32,
    /// Of the run's record.
    pub recipe: String,
    /// Of the run's record.
    pub variant: String,
    /// Of the run's record.
    pub run: usize,
    /// Of the run's record.
    pub seed: u64,
    /// Of the run's record.
    pub follows_from: String,
    /// What the two digits of each pair show, 0 to 9.
    pub classes: Vec<[u8; 2]>,
    /// The probability that the first digit is at most the second, for each pair; rounded
    /// ([`round_probability`]).
    pub probabilities: Vec<f64>,
    /// The pairs that were answered wrongly, where the network tells the digits too; empty for
    /// other networks, whose mistakes follow from the two lists above.
    pub mistakes: Vec<Mistake>,
}

/// A pair that was answered wrongly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mistake {
    /// Its place among the test pairs, counted from 0.
    pub pair: usize,
    /// The two digits.
    pub images: [Pixels; 2],
    /// What the network takes each digit for: the probabilities of 0 to 9, three decimals.
    pub posteriors: [[f64; 10]; 2],
}

/// Four decimals of a probability, which stay on its side of 0.5: what was answered can be told
/// from what is left.
///
/// ```
/// assert_eq!(pairnet_record::round_probability(0.123_46), 0.1235);
/// assert_eq!(pairnet_record::round_probability(0.500_01), 0.5001);
/// ```
pub fn round_probability(probability: f64) -> f64 {
    let rounded = (probability * 1e4).round() / 1e4;
    if probability > 0.5 { rounded.max(0.5001) } else { rounded }
}

impl Predictions {
    /// The places of the pairs that were answered wrongly: those where the probability is above
    /// 0.5 though the first digit is larger, or not above it though it is not.
    pub fn wrong(&self) -> impl Iterator<Item = usize> {
        let pairs = self.classes.iter().zip(&self.probabilities);
        pairs.enumerate().filter_map(|(pair, (&[first, second], &probability))| {
            ((probability > 0.5) != (first <= second)).then_some(pair)
        })
    }
}

impl Document for Predictions {
    const WHAT: &'static str = "set of predictions";
    const MOST_BYTES: u64 = MOST_BYTES;
    const FORMAT: u32 = PREDICTIONS_FORMAT;
    const ONE_LINE: bool = true;

    fn format(&self) -> u32 {
        self.format
    }

    /// Whether a network can have said this.
    fn check(&self, path: &Path) -> Result<(), RecordError> {
        let refuse = |field: &str, value: String, expected| {
            let (path, field) = (path.to_owned(), field.to_owned());
            Err(RecordError::Value { path, what: Self::WHAT, field, value, expected })
        };
        for (field, name) in [("recipe", &self.recipe), ("variant", &self.variant)] {
            if !is_name(name) {
                return refuse(field, format!("'{name}'"), NAME);
            }
        }
        if let Some(class) = self.classes.iter().flatten().find(|&&class| class > 9) {
            return refuse("classes", class.to_string(), "a class is a digit");
        }
        if self.probabilities.len() != self.classes.len() {
            let (found, expected) = (self.probabilities.len(), "there is one probability a pair");
            return refuse("probabilities", format!("({found} of them)"), expected);
        }
        let posteriors = self.mistakes.iter().flat_map(|mistake| mistake.posteriors.as_flattened());
        for (field, mut values) in [
            (
                "probabilities",
                Box::new(self.probabilities.iter()) as Box<dyn Iterator<Item = &f64>>,
            ),
            ("mistakes.posteriors", Box::new(posteriors)),
        ] {
            if let Some(value) = values.find(|value| !(0.0..=1.0).contains(*value)) {
                return refuse(field, value.to_string(), "a probability lies between 0 and 1");
            }
        }
        match self.mistakes.iter().find(|mistake| mistake.pair >= self.classes.len()) {
            Some(Mistake { pair, .. }) => {
                refuse("mistakes.pair", pair.to_string(), "it is the place of a pair")
            }
            None => Ok(()),
        }
    }
}

/// `predictions/<recipe>/<variant>/<run>.json` in `dir`.
pub fn predictions_path(dir: &Path, recipe: &str, variant: &str, run: usize) -> PathBuf {
    let mut path = dir.join("predictions");
    path.extend([recipe, variant]);
    path.push(format!("{run}.json"));
    path
}

/// Writes `predictions` to their [`predictions_path`] in the sweep's folder `dir`, and says where
/// that is. Written before the run's record, they are there wherever a record is.
///
/// # Errors
///
/// Where no network can have said this, a name cannot be a folder's, or the file cannot be
/// written.
pub fn write_predictions(dir: &Path, predictions: &Predictions) -> Result<PathBuf, RecordError> {
    let Predictions { recipe, variant, run, .. } = predictions;
    let path = predictions_path(dir, recipe, variant, *run);
    document::write(&path, predictions)?;
    Ok(path)
}

/// The predictions of one run of the sweep in `dir`.
///
/// # Errors
///
/// Where the file cannot be read, is of another version, holds what no network can have said, or
/// is another run's.
pub fn read_predictions(
    dir: &Path,
    recipe: &str,
    variant: &str,
    run: usize,
) -> Result<Predictions, RecordError> {
    let path = predictions_path(dir, recipe, variant, run);
    let found: Predictions = document::read(&path)?;
    if (&*found.recipe, &*found.variant, found.run) != (recipe, variant, run) {
        let belongs = predictions_path(Path::new(""), &found.recipe, &found.variant, found.run);
        return Err(RecordError::Misplaced { path, belongs });
    }
    Ok(found)
}

//! What one run was and what it measured.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::checksum::sha256;
use crate::document::{Document, finite, finite_or_none};
use crate::error::RecordError;

/// The version of [`Record`] that this crate reads and writes.
pub const RECORD_FORMAT: u32 = 2;

/// What one run was and what it measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`RECORD_FORMAT`].
    pub format: u32,
    /// How the network was trained, e.g. `paper`.
    pub recipe: String,
    /// Which network, e.g. `mlp-ws`.
    pub variant: String,
    /// Counted from 0.
    pub run: usize,
    /// The sweep's seed, from which all of the run's random streams were derived.
    pub seed: u64,
    /// The hash of what the run follows from ([`Origin::sha256`](crate::Origin::sha256)).
    pub follows_from: String,
    /// Numbers that training may change.
    pub parameters: usize,
    /// On the training pairs, as the recipe measures it, in percent; `None` where the run failed.
    #[serde(serialize_with = "finite_or_none")]
    pub train_accuracy: Option<f64>,
    /// On the test pairs, in percent; `None` where the run failed.
    #[serde(serialize_with = "finite_or_none")]
    pub test_accuracy: Option<f64>,
    /// Why there is no accuracy; `None` where there is one.
    pub failure: Option<Failure>,
    /// Every epoch that was trained to its end.
    pub epochs: Vec<Epoch>,
    /// How long it took: the only part that may differ when the same run is made again.
    pub timing: Timing,
}

/// Where and why a run ended without a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Whether trying again can help.
    pub kind: FailureKind,
    /// Counted from 0; the number of epochs where training ended and evaluation failed; `None` where
    /// it is not known.
    pub epoch: Option<usize>,
    /// Counted from 0; `None` where it is not known.
    pub batch: Option<usize>,
    /// E.g. "main loss is NaN": the same for the same run, without paths and times.
    pub reason: String,
}

/// As in "main loss is NaN in epoch 3, batch 0".
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epoch, batch, reason, .. } = self;
        match (epoch, batch) {
            (Some(epoch), Some(batch)) => write!(f, "{reason} in epoch {epoch}, batch {batch}"),
            _ => f.write_str(reason),
        }
    }
}

/// What kind of thing ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// A loss or logit was not finite. That is a result: the same run ends so again.
    NotFinite,
    /// The program panicked.
    Panic,
    /// The device could not compute something, for want of memory say.
    Device,
}

impl FailureKind {
    /// Whether another try can end otherwise.
    pub fn is_worth_another_try(self) -> bool {
        self != Self::NotFinite
    }
}

/// Means over the training batches of one epoch, each batch measured before its update.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// What was minimised.
    #[serde(serialize_with = "finite")]
    pub total_loss: f64,
    /// The loss of the comparison, before any factor.
    #[serde(serialize_with = "finite")]
    pub main_loss: f64,
    /// The loss of the digit classes, before any factor; `None` for networks without digits.
    #[serde(serialize_with = "finite_or_none")]
    pub auxiliary_loss: Option<f64>,
    /// In percent.
    #[serde(serialize_with = "finite")]
    pub train_accuracy: f64,
    /// After the epoch, in percent; `None` where it was not asked for.
    #[serde(serialize_with = "finite_or_none")]
    pub test_accuracy: Option<f64>,
}

/// How long a run took.
///
/// In JSON it has a checksum of its own, since that of a [`Record`] leaves it out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "TimingFields", try_from = "TimingFields")]
pub struct Timing {
    /// From drawing the pairs to the last accuracy, in seconds of the clock on the wall.
    pub seconds: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimingFields {
    #[serde(serialize_with = "finite")]
    seconds: f64,
    checksum: String,
}

impl From<Timing> for TimingFields {
    fn from(Timing { seconds }: Timing) -> Self {
        Self { seconds, checksum: sha256(&mut json!({ "seconds": seconds })) }
    }
}

impl TryFrom<TimingFields> for Timing {
    type Error = &'static str;

    fn try_from(TimingFields { seconds, checksum }: TimingFields) -> Result<Self, Self::Error> {
        let timing = Self { seconds };
        if TimingFields::from(timing.clone()).checksum == checksum {
            Ok(timing)
        } else {
            Err("the timing was changed since it was written")
        }
    }
}

const PERCENT: &str = "an accuracy lies between 0 and 100 percent";
const FINITE: &str = "a loss is a finite number";
pub(crate) const NAME: &str = "a name is made of ASCII letters, digits, '-', '_' and '.', and starts with a \
                    letter or digit";

impl Record {
    /// The record with its timing set to zero, for comparing what has to be the same.
    pub fn without_timing(&self) -> Self {
        Self { timing: Timing::default(), ..self.clone() }
    }
}

impl Document for Record {
    const WHAT: &'static str = "record";
    // A million epochs take some 240 MB.
    const MOST_BYTES: u64 = 1 << 29;
    const FORMAT: u32 = RECORD_FORMAT;
    const APART: Option<&'static str> = Some("timing");

    fn format(&self) -> u32 {
        self.format
    }

    /// Whether the numbers are such as a run can have measured.
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
        let accuracies =
            [("train_accuracy", self.train_accuracy), ("test_accuracy", self.test_accuracy)];
        for (field, accuracy) in accuracies {
            match (accuracy, &self.failure) {
                (Some(percent), None) if is_percent(percent) => {}
                (Some(percent), None) => return refuse(field, percent.to_string(), PERCENT),
                (Some(percent), Some(_)) => {
                    return refuse(field, percent.to_string(), "a failed run has no accuracy");
                }
                (None, None) => {
                    return refuse(field, "null".to_owned(), "a run without failure has one");
                }
                (None, Some(_)) => {}
            }
        }
        for (index, epoch) in self.epochs.iter().enumerate() {
            if let Some((field, value, expected)) = epoch.refused() {
                return refuse(&format!("epochs[{index}].{field}"), value.to_string(), expected);
            }
        }
        let seconds = self.timing.seconds;
        if !(seconds.is_finite() && seconds >= 0.0) {
            return refuse("timing.seconds", seconds.to_string(), "a time is finite and not < 0");
        }
        Ok(())
    }
}

impl Epoch {
    /// The first field with a value that cannot have been measured.
    fn refused(&self) -> Option<(&'static str, f64, &'static str)> {
        let losses = [
            ("total_loss", Some(self.total_loss)),
            ("main_loss", Some(self.main_loss)),
            ("auxiliary_loss", self.auxiliary_loss),
        ];
        let accuracies =
            [("train_accuracy", Some(self.train_accuracy)), ("test_accuracy", self.test_accuracy)];
        let refused = |value: Option<f64>, allowed: fn(f64) -> bool| value.filter(|&v| !allowed(v));
        let loss = losses
            .into_iter()
            .find_map(|(field, value)| Some((field, refused(value, f64::is_finite)?, FINITE)));
        loss.or_else(|| {
            accuracies
                .into_iter()
                .find_map(|(field, value)| Some((field, refused(value, is_percent)?, PERCENT)))
        })
    }
}

fn is_percent(value: f64) -> bool {
    (0.0..=100.0).contains(&value)
}

/// Whether a recipe or a network can have this name: ASCII letters, digits, `-`, `_` and `.`, a letter
/// or digit first. Names become folders: none may lead out of the sweep's.
pub fn is_name(name: &str) -> bool {
    let letter_or_digit = |first: &u8| first.is_ascii_alphanumeric();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    name.as_bytes().first().is_some_and(letter_or_digit) && name.bytes().all(allowed)
}

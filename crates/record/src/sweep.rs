//! What a sweep was asked for, and by what program it was made.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pairnet_network::Architecture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::document::Document;
use crate::error::RecordError;

/// The version of [`Sweep`] that this crate reads and writes.
pub const SWEEP_FORMAT: u32 = 3;

/// Runs of one recipe and variant that a sweep can have at most.
pub const MOST_RUNS: usize = 100_000;

/// What a sweep was asked for, and by what program it was made: `sweep.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// [`SWEEP_FORMAT`].
    pub format: u32,
    /// All that the records follow from.
    pub settings: Settings,
    /// The networks of the settings, in the same order, as the program builds them.
    pub networks: Vec<Architecture>,
    /// Who made them; another may go on with the same settings.
    pub provenance: Provenance,
}

/// All that the records of a sweep follow from, but for the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// In the order in which they are reported.
    pub recipes: Vec<RecipeSettings>,
    /// In the order in which they are reported.
    pub variants: Vec<String>,
    /// Runs of each recipe and variant, 1 to [`MOST_RUNS`].
    pub runs: usize,
    /// Where every random stream comes from.
    pub seed: u64,
    /// Where the tensors lived, e.g. `cpu`.
    pub device: String,
    /// Whether the test accuracy was measured after every epoch too.
    pub test_every_epoch: bool,
    /// The SHA-256 of each file of digits, uncompressed, in hexadecimal digits.
    pub data: BTreeMap<String, String>,
}

/// A recipe with all of its fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipeSettings {
    /// As it is written in paths and records.
    pub name: String,
    /// Every field of the recipe, as the training crate names them.
    pub fields: Value,
}

/// What made the records of a sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Of the program.
    pub version: String,
    /// The commit that it was built from; `None` where that is not known.
    pub git_revision: Option<String>,
    /// Whether the working tree had changes; `None` where that is not known.
    pub git_dirty: Option<bool>,
    /// Processor, cores and system.
    pub machine: String,
}

impl Document for Sweep {
    const WHAT: &'static str = "sweep";
    // Ten thousand cells take some 20 MB.
    const MOST_BYTES: u64 = 1 << 28;
    const FORMAT: u32 = SWEEP_FORMAT;

    fn format(&self) -> u32 {
        self.format
    }

    fn check(&self, path: &Path) -> Result<(), RecordError> {
        let wrong = |field: &str, value: String, expected| RecordError::Value {
            path: path.to_owned(),
            what: Self::WHAT,
            field: field.to_owned(),
            value,
            expected,
        };
        let runs = self.settings.runs;
        if !(1..=MOST_RUNS).contains(&runs) {
            let expected = "a sweep has from 1 to 100000 runs of each network";
            return Err(wrong("settings.runs", runs.to_string(), expected));
        }
        let Settings { recipes, variants, .. } = &self.settings;
        let names: [(_, Vec<_>); 3] = [
            ("settings.recipes", recipes.iter().map(|recipe| &recipe.name).collect()),
            ("settings.variants", variants.iter().collect()),
            ("networks", self.networks.iter().map(|network| &network.name).collect()),
        ];
        for (field, names) in names {
            if let Some(name) = repeated(names) {
                let expected = "it is there twice, and each has a name of its own";
                return Err(wrong(field, name.clone(), expected));
            }
        }
        Ok(())
    }
}

/// The first name that has been there before.
fn repeated(names: Vec<&String>) -> Option<&String> {
    let mut seen = BTreeSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}

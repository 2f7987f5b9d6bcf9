//! What a run follows from, as a hash.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pairnet_network::Architecture;
use serde_json::{Value, json};

use crate::checksum::sha256;
use crate::error::RecordError;
use crate::files::record_path;
use crate::predictions::{Predictions, predictions_path};
use crate::record::{RECORD_FORMAT, Record};
use crate::sweep::{RecipeSettings, Sweep};

/// All that a run follows from, but for its number and the program.
///
/// A recipe that gets a new field later keeps the hash of its older runs, if the field is left out
/// of [`RecipeSettings::fields`] where it has the value that all runs had before. The same holds for
/// a network's description.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// How the network was trained.
    pub recipe: &'a RecipeSettings,
    /// Which network; `None` where nobody has described it.
    pub network: Option<&'a Architecture>,
    /// Where every random stream comes from.
    pub seed: u64,
    /// Where the tensors lived, e.g. `cpu`.
    pub device: &'a str,
    /// Whether the test accuracy was measured after every epoch too.
    pub test_every_epoch: bool,
    /// The SHA-256 of each file of digits.
    pub data: &'a BTreeMap<String, String>,
}

impl Origin<'_> {
    /// The SHA-256 of all of it and of [`RECORD_FORMAT`], in hexadecimal digits: what
    /// [`Record::follows_from`] has.
    pub fn sha256(&self) -> String {
        let Self { recipe, network, seed, device, test_every_epoch, data } = self;
        sha256(&mut json!({
            "format": RECORD_FORMAT,
            "recipe": recipe,
            "network": network,
            "seed": seed,
            "device": device,
            "test_every_epoch": test_every_epoch,
            "data": data,
        }))
    }
}

impl Sweep {
    /// What the runs of `recipe` and `variant` have to follow from; `None` where the sweep does not
    /// ask for those.
    pub fn follows_from(&self, recipe: &str, variant: &str) -> Option<String> {
        let settings = &self.settings;
        let recipe = settings.recipes.iter().find(|settings| settings.name == recipe)?;
        let variant = settings.variants.iter().find(|name| *name == variant)?;
        let origin = Origin {
            recipe,
            network: self.networks.iter().find(|network| network.name == *variant),
            seed: settings.seed,
            device: &settings.device,
            test_every_epoch: settings.test_every_epoch,
            data: &settings.data,
        };
        Some(origin.sha256())
    }

    /// Whether `records`, which lie in the folder `dir`, are of this sweep, whoever put them there.
    ///
    /// # Errors
    ///
    /// [`RecordError::Foreign`] for the first that is not.
    pub fn check_records(&self, dir: &Path, records: &[Record]) -> Result<(), RecordError> {
        let mut hashes = BTreeMap::new();
        for record in records {
            let Record { recipe, variant, run, .. } = record;
            let cell = (recipe.as_str(), variant.as_str());
            let expected = hashes.entry(cell).or_insert_with(|| self.follows_from(recipe, variant));
            if expected.as_ref() != Some(&record.follows_from) {
                let path = record_path(dir, recipe, variant, *run);
                let facts = self.facts_of(record);
                return Err(self.foreign(path, "record", cell, &facts));
            }
        }
        Ok(())
    }

    /// As [`Sweep::check_records`], for the predictions of one run.
    ///
    /// # Errors
    ///
    /// [`RecordError::Foreign`] where they are of another sweep.
    pub fn check_predictions(
        &self,
        dir: &Path,
        predictions: &Predictions,
    ) -> Result<(), RecordError> {
        let Predictions { recipe, variant, run, .. } = predictions;
        if self.follows_from(recipe, variant).as_ref() == Some(&predictions.follows_from) {
            return Ok(());
        }
        let path = predictions_path(dir, recipe, variant, *run);
        let facts = [("seed", predictions.seed.to_string(), self.settings.seed.to_string())];
        Err(self.foreign(path, "set of predictions", (recipe, variant), &facts))
    }

    /// What `record` says of its own, and what the sweep has instead.
    fn facts_of(&self, record: &Record) -> Vec<(&'static str, String, String)> {
        let settings = &self.settings;
        let mut facts = vec![("seed", record.seed.to_string(), settings.seed.to_string())];
        if let Some(network) = self.networks.iter().find(|n| n.name == record.variant) {
            let (found, expected) = (record.parameters, network.parameters());
            facts.push(("parameters", found.to_string(), expected.to_string()));
        }
        let recipe = settings.recipes.iter().find(|recipe| recipe.name == record.recipe);
        let epochs = recipe.and_then(|recipe| recipe.fields.get("epochs")).and_then(Value::as_u64);
        if let (Some(expected), None) = (epochs, &record.failure) {
            facts.push(("epochs", record.epochs.len().to_string(), expected.to_string()));
        }
        let tested: BTreeSet<bool> =
            record.epochs.iter().map(|epoch| epoch.test_accuracy.is_some()).collect();
        if let (Some(found), 1) = (tested.first(), tested.len()) {
            let expected = settings.test_every_epoch;
            facts.push(("test_every_epoch", found.to_string(), expected.to_string()));
        }
        facts
    }

    fn foreign(
        &self,
        path: PathBuf,
        what: &'static str,
        (recipe, variant): (&str, &str),
        facts: &[(&str, String, String)],
    ) -> RecordError {
        let difference = if self.settings.recipes.iter().all(|settings| settings.name != recipe) {
            format!("this one has no recipe {recipe}")
        } else if self.settings.variants.iter().all(|name| name != variant) {
            format!("this one has no variant {variant}")
        } else {
            let differing = facts.iter().filter(|(_, found, expected)| found != expected);
            let told: Vec<String> = differing
                .map(|(field, found, expected)| format!("{field} {found} and not {expected}"))
                .collect();
            if told.is_empty() {
                "its recipe, network, device or data are others".to_owned()
            } else {
                format!("it has {}", told.join(", "))
            }
        };
        RecordError::Foreign { path, what, difference }
    }
}

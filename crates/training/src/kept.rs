//! Trained networks, kept with what is known of them.

use std::path::{Path, PathBuf};

use pairnet_models::{Metadata, Network};
use pairnet_record::{Provenance, Record};

use crate::TrainingError;

/// `networks/<recipe>/<variant>/<run>.safetensors` in a sweep's folder.
pub fn network_path(dir: &Path, recipe: &str, variant: &str, run: usize) -> PathBuf {
    dir.join("networks").join(recipe).join(variant).join(format!("{run}.safetensors"))
}

/// Writes a trained network to `path`, whole or not at all: [`Network::save`] with recipe, seed, run,
/// `follows_from` and accuracies (percent) of its record, and version and revision of the program.
///
/// # Errors
///
/// Where the file cannot be written.
pub fn keep(
    path: &Path,
    network: &Network,
    record: &Record,
    program: &Provenance,
) -> Result<(), TrainingError> {
    let accuracy = |accuracy: Option<f64>| accuracy.map(|percent| percent.to_string());
    let known = [
        ("recipe", Some(record.recipe.clone())),
        ("seed", Some(record.seed.to_string())),
        ("run", Some(record.run.to_string())),
        ("follows_from", Some(record.follows_from.clone())),
        ("train_accuracy", accuracy(record.train_accuracy)),
        ("test_accuracy", accuracy(record.test_accuracy)),
        ("version", Some(program.version.clone())),
        ("revision", program.git_revision.clone()),
    ];
    let known = known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    network.save(path, &known.collect::<Metadata>()).map_err(TrainingError::Network)
}

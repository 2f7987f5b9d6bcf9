//! Whether two folders say the same of a run.

use std::path::{Path, PathBuf};

use pairnet_models::Metadata;
use pairnet_record::{predictions_path, read_record, record_path};

use super::error::MergeError;
use super::write::{document, network};
use crate::TrainingError;
use crate::kept::{Kept, network_path};

/// Where the files of a run are in a folder: recipe, variant, run.
type PathOf = fn(&Path, &str, &str, usize) -> PathBuf;
type Bytes = fn(&Path) -> Result<Vec<u8>, MergeError>;
type Same = fn(&Path, &Path) -> Result<bool, MergeError>;

/// Compares what both of two folders have of one run; how long it took may differ.
pub(super) fn compare(
    [first, second]: [&Path; 2],
    (recipe, variant, run): (&str, &str, usize),
) -> Result<(), MergeError> {
    let files: [(PathOf, Bytes, Same); 3] = [
        (record_path, document, same_record),
        (predictions_path, document, |_, _| Ok(false)),
        (network_path, network, same_network),
    ];
    for (path, bytes, same) in files {
        let [first, second] = [first, second].map(|dir| path(dir, recipe, variant, run));
        if !(first.exists() && second.exists()) || bytes(&first)? == bytes(&second)? {
            continue;
        }
        if !same(&first, &second)? {
            let advice = "processors of different kinds round differently; leave out one of the \
                          folders, or move the run out of it";
            return Err(MergeError::Different { what: "run", first, second, advice });
        }
    }
    Ok(())
}

fn same_record(first: &Path, second: &Path) -> Result<bool, MergeError> {
    Ok(read_record(first)?.without_timing() == read_record(second)?.without_timing())
}

/// Whether two networks have the same weights and come from the same training, by whatever program.
fn same_network(first: &Path, second: &Path) -> Result<bool, MergeError> {
    let bytes = |path: &Path| {
        let Kept { trained, known } = Kept::load(path)?;
        let of_program = ["version", "revision", "instructions"];
        let known = known.into_iter().filter(|(name, _)| !of_program.contains(&name.as_str()));
        let bytes = trained.network.to_safetensors(&known.collect::<Metadata>());
        Ok::<_, MergeError>(bytes.map_err(TrainingError::Network)?)
    };
    Ok(bytes(first)? == bytes(second)?)
}

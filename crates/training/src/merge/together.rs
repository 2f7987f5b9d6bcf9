//! What several folders were asked for.

use std::collections::BTreeSet;
use std::path::PathBuf;

use pairnet_record::{Sweep, read_sweep};

use super::error::MergeError;
use crate::folder::joined;

/// What each folder was asked for.
pub(super) fn sweeps(dirs: &[PathBuf]) -> Result<Vec<(PathBuf, Sweep)>, MergeError> {
    let read = |dir: &PathBuf| match read_sweep(dir)? {
        Some(sweep) => Ok((dir.clone(), sweep)),
        None => Err(MergeError::NoSweep { dir: dir.clone() }),
    };
    dirs.iter().map(read).collect()
}

/// What all sweeps ask for together; the program is that of all, as far as it was one.
pub(super) fn together(sweeps: &[(PathBuf, Sweep)]) -> Result<Sweep, MergeError> {
    let [(first, sweep), others @ ..] = sweeps else {
        return Err(MergeError::NoSweep { dir: PathBuf::new() });
    };
    let mut all = sweep.clone();
    let mut machines: BTreeSet<&str> = all_machines(&sweep.provenance.machine).collect();
    for (dir, other) in others {
        let mut differences: Vec<String> = all
            .differences(other)
            .iter()
            .map(|d| format!("  {}: {} there, {} here", d.field, d.there, d.asked))
            .collect();
        let (there, here) = (&all.provenance.version, &other.provenance.version);
        if there != here {
            differences.push(format!("  version of the program: {there} there, {here} here"));
        }
        if !differences.is_empty() {
            let (first, second) = (first.clone(), dir.clone());
            let differences = differences.join("\n");
            return Err(MergeError::OtherSettings { first, second, differences });
        }
        machines.extend(all_machines(&other.provenance.machine));
        let (ours, theirs) = (&mut all.provenance, &other.provenance);
        if ours.git_revision != theirs.git_revision {
            ours.git_revision = None;
        }
        if ours.git_dirty != theirs.git_dirty {
            ours.git_dirty = None;
        }
        all = joined(all, other, &[]);
    }
    let machines: Vec<&str> = machines.into_iter().collect();
    all.provenance.machine = machines.join(MACHINES);
    Ok(all)
}

/// Between the machines of a sweep that several have trained.
const MACHINES: &str = " | ";

fn all_machines(machine: &str) -> impl Iterator<Item = &str> {
    machine.split(MACHINES)
}

//! A study of few and small networks.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use candle_core::{Device, Tensor};
use pairnet_models::{Kernels, Network};
use pairnet_record::{Owner, Provenance, write_study};
use pairnet_training::{Plan, RunId, Setup, State, Workers, claim_folder, follows_from, sweep};

/// Two cells, two networks, two runs.
pub const STUDY: &str = r#"
title = "Few"
question = "Is it read?"
variants = ["small", "other"]
base_network = "small"
compare = [["other", "small"]]
runs = 2
seed = 3

[set]
epochs = 2
pairs = 10

[grid]
optimiser = ["adam", "sgd"]

[[network]]
name = "small"
from = "mlp-ws-al"
branch_outputs = [2, 3, 10]
comparator_outputs = [3, 1]

[[network]]
name = "other"
from = "mlp-ws"
branch_outputs = [2, 3, 4]
comparator_outputs = [3, 1]

[[reference]]
source = "a table"
cell = "base"
network = "small"
mean = 79.5
"#;

pub fn plan() -> &'static Plan {
    static PLAN: OnceLock<Plan> = OnceLock::new();
    PLAN.get_or_init(|| pairnet_study::read(STUDY).unwrap().0)
}

pub fn setup() -> Setup {
    let keep = Provenance {
        version: "0.1.0".to_owned(),
        git_revision: None,
        git_dirty: Some(false),
        machine: "one".to_owned(),
    };
    Setup {
        device: Device::Cpu,
        kernels: Kernels::Fused,
        test_every_epoch: false,
        keep: Some(keep),
    }
}

/// The first run of the plan, and what it follows from.
pub fn first() -> (RunId<'static>, String) {
    let plan = plan();
    let (recipe, variant, seed) = (&plan.recipes[0], &plan.variants[0], plan.seed);
    let origin = follows_from(recipe, variant, seed, &crate::digits::many(), &setup()).unwrap();
    (RunId { seed, recipe, variant, run: 0 }, origin)
}

/// A network of the study that was never trained, as its file has it, with another description.
pub fn described(description: &str) -> Vec<u8> {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    let whole = WHOLE.get_or_init(|| {
        let network = first().0.network(Kernels::Fused, &Device::Cpu).unwrap();
        network.to_safetensors(&BTreeMap::new()).unwrap()
    });
    let tensors = safetensors::SafeTensors::deserialize(whole).unwrap();
    let beside = [("pairnet".to_owned(), description.to_owned())].into();
    safetensors::serialize(tensors.tensors(), Some(beside)).unwrap()
}

/// A training of its first run that was broken off before it began.
pub fn begun() -> State {
    State::new(&first().0, &setup()).unwrap()
}

/// Reads a network's file, with a checksum that fits too. One that is read answers, and is the same where it
/// is written again.
pub fn read(bytes: &[u8]) {
    crate::signed_tensors(bytes, "pairnet").iter().for_each(|bytes| read_one(bytes));
}

fn read_one(bytes: &[u8]) {
    let from = |bytes: &[u8]| Network::from_safetensors(bytes, Kernels::Fused, &Device::Cpu);
    let Ok((network, metadata)) = from(bytes) else { return };
    let written = network.to_safetensors(&metadata).unwrap();
    let (again, same) = from(&written).unwrap();
    assert_eq!((again.architecture(), same), (network.architecture(), metadata));
    let images = Tensor::zeros((2, 2, 14, 14), network.dtype(), &Device::Cpu).unwrap();
    let _ = network.evaluate(&images);
}

/// The whole study in a folder, where it is not there yet: its sweep, its records, predictions and networks.
pub fn train(dir: &Path) {
    if dir.join("records").exists() {
        return;
    }
    let (data, setup) = (crate::digits::many(), setup());
    let asked = plan().asked(&setup, &data, setup.keep.clone().unwrap()).unwrap();
    let owner = Owner::take(dir, "fuzz").unwrap();
    claim_folder(&owner, &asked).unwrap();
    let jobs: Vec<_> = plan().jobs().collect();
    let (workers, stop) = (Workers { count: 1, threads: 1 }, AtomicBool::new(false));
    sweep(&owner, (&jobs, plan().seed), &data, &setup, workers, &stop, &|_| {}).unwrap();
    write_study(dir, &pairnet_study::read(STUDY).unwrap().1).unwrap();
}

//! The shipped networks, as PyTorch opens them: `golden/shipped.py` builds each from what its file says.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use pairnet_data::{Mnist, PairSet};
use pairnet_models::names;
use pairnet_training::{Kept, answers, shipped_path};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    logits: Vec<f32>,
    digit_logits: Option<[Vec<Vec<f32>>; 2]>,
}

fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The first test digits, two a pair in the order of the file.
fn first_pairs(count: u32) -> PairSet {
    let indices = (0..count).map(|pair| [2 * pair, 2 * pair + 1]).collect();
    PairSet::of(&Mnist::shipped().unwrap().test, indices).unwrap()
}

/// Within 1e-5, or as much of a logit that is larger than 1.
fn agree(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let apart = (found - expected).abs();
        assert!(apart <= 1e-5 * expected.abs().max(1.0), "{what}: {found}, PyTorch has {expected}");
    }
}

#[test]
fn pytorch_gives_their_logits() {
    let text = include_str!("golden/shipped.json");
    let golden: BTreeMap<String, Golden> = serde_json::from_str(text).unwrap();
    assert_eq!(golden.len(), names().count());
    for name in names() {
        let Golden { logits, digit_logits } = &golden[name];
        let kept = Kept::load(&shipped_path(workspace(), name)).unwrap();
        let pairs = first_pairs(logits.len() as u32);
        let shape = (logits.len(), 2, 14, 14);
        let images = Tensor::from_slice(pairs.images(), shape, &Device::Cpu).unwrap();
        let outputs = kept.trained.network.evaluate(&images).unwrap();
        agree(name, &outputs.logits.to_vec1().unwrap(), logits);
        assert_eq!(outputs.digit_logits.is_some(), digit_logits.is_some(), "{name}");
        if let (Some(found), Some(expected)) = (&outputs.digit_logits, digit_logits) {
            let found: Vec<f32> = found.flatten_all().unwrap().to_vec1().unwrap();
            agree(name, &found, &expected.iter().flatten().flatten().copied().collect::<Vec<_>>());
        }
    }
}

/// What their files say of them, of a thousand pairs, shown to them again on pairs that they have not seen: the two
/// shares are within four standard errors of their difference.
#[test]
fn they_are_as_good_as_they_say() {
    let pairs = pairnet_training::fresh_pairs(&Mnist::shipped().unwrap(), 5000, 0).unwrap();
    for name in names() {
        let kept = Kept::load(&shipped_path(workspace(), name)).unwrap();
        assert_eq!(kept.name(), name);
        assert!(!kept.known.contains_key("revision"), "it would change with every commit");
        let answers = answers(&kept.trained, pairs.images()).unwrap();
        let right = answers.iter().zip(pairs.targets());
        let right = right.filter(|(answer, target)| answer.holds() == (**target == 1)).count();
        let (found, said) = (right as f64 / 50.0, kept.known["test_accuracy"].parse::<f64>());
        let error = (found * (100.0 - found) * (1.0 / 1000.0 + 1.0 / 5000.0)).sqrt();
        assert!(
            (found - said.unwrap()).abs() < 4.0 * error,
            "{name}: {found} %, {}",
            kept.origin()
        );
    }
}

//! Whether a sweep can go on, and the words that say why not.

use std::collections::BTreeMap;
use std::fs;

use pairnet_record::{
    Provenance, RecipeSettings, RecordError, SWEEP_FORMAT, Settings, Sweep, read_sweep, sweep_path,
    write_sweep,
};
use serde_json::json;

fn settings() -> Settings {
    let fields = json!({
        "epochs": 25,
        "learning_rate": 0.01,
        "loss": {"main": "binary-cross-entropy"},
    });
    Settings {
        recipes: vec![RecipeSettings { name: "paper".to_owned(), fields }],
        variants: vec!["mlp".to_owned(), "lenet5".to_owned()],
        runs: 10,
        seed: 0,
        device: "cpu".to_owned(),
        test_every_epoch: false,
        data: BTreeMap::from([("train-images-idx3-ubyte".to_owned(), "ba89".to_owned())]),
    }
}

fn sweep() -> Sweep {
    Sweep {
        format: SWEEP_FORMAT,
        settings: settings(),
        networks: Vec::new(),
        provenance: Provenance {
            version: "0.1.0".to_owned(),
            git_revision: None,
            git_dirty: None,
            machine: "a processor, 2 cores, linux".to_owned(),
        },
    }
}

fn lines(asked: &Settings) -> Vec<String> {
    settings().differences(asked).iter().map(ToString::to_string).collect()
}

#[test]
fn a_sweep_comes_back_with_settings_that_do_not_differ() {
    let dir = tempfile::tempdir().unwrap();
    write_sweep(dir.path(), &sweep()).unwrap();
    let there = read_sweep(dir.path()).unwrap().unwrap();
    assert_eq!(there, sweep());
    assert_eq!(there.settings.differences(&settings()), []);
}

#[test]
fn every_setting_that_differs_is_named_with_both_values() {
    let mut asked = settings();
    asked.recipes[0].fields = json!({
        "epochs": 25,
        "learning_rate": 0.001,
        "loss": {"main": "squared-error"},
        "schedule": "one-cycle",
    });
    asked.recipes.push(RecipeSettings { name: "authors".to_owned(), fields: json!({}) });
    asked.variants.pop();
    asked.runs = 1;
    asked.seed = 7;
    asked.device = "cuda".to_owned();
    asked.test_every_epoch = true;
    asked.data = BTreeMap::from([("t10k-images-idx3-ubyte".to_owned(), "0fa7".to_owned())]);
    let expected = [
        "recipes: paper there, paper, authors asked",
        "recipes.paper.learning_rate: 0.01 there, 0.001 asked",
        "recipes.paper.loss.main: binary-cross-entropy there, squared-error asked",
        "recipes.paper.schedule: absent there, one-cycle asked",
        "variants: mlp, lenet5 there, mlp asked",
        "runs: 10 there, 1 asked",
        "seed: 0 there, 7 asked",
        "device: cpu there, cuda asked",
        "test_every_epoch: false there, true asked",
        "data.t10k-images-idx3-ubyte: absent there, 0fa7 asked",
        "data.train-images-idx3-ubyte: ba89 there, absent asked",
    ];
    assert_eq!(lines(&asked), expected);
}

#[test]
fn another_version_of_a_sweep_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(sweep_path(dir.path()), r#"{"format": 2}"#).unwrap();
    let error = read_sweep(dir.path()).unwrap_err();
    assert!(matches!(error, RecordError::Version { .. }), "{error}");
    assert!(error.to_string().contains("sweep format 2"), "{error}");
}

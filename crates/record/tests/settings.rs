//! Whether a sweep can go on, and the words that say why not.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pairnet_network::{Architecture, Layer};
use pairnet_record::{
    Provenance, RECORD_FORMAT, RecipeSettings, Record, RecordError, SWEEP_FORMAT, Settings, Sweep,
    Timing, read_sweep, record_path, sweep_path, write_sweep,
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

fn lines(asked: Settings) -> Vec<String> {
    let asked = Sweep { settings: asked, ..sweep() };
    sweep().differences(&asked).iter().map(ToString::to_string).collect()
}

#[test]
fn a_sweep_comes_back_with_settings_that_do_not_differ() {
    let dir = tempfile::tempdir().unwrap();
    write_sweep(dir.path(), &sweep()).unwrap();
    let there = read_sweep(dir.path()).unwrap().unwrap();
    assert_eq!(there, sweep());
    assert_eq!(there.differences(&sweep()), []);
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
    asked.seed = 7;
    asked.device = "cuda".to_owned();
    asked.test_every_epoch = true;
    asked.data = BTreeMap::from([("t10k-images-idx3-ubyte".to_owned(), "0fa7".to_owned())]);
    let expected = [
        "recipes.paper.learning_rate: 0.01 there, 0.001 asked",
        "recipes.paper.loss.main: binary-cross-entropy there, squared-error asked",
        "recipes.paper.schedule: absent there, one-cycle asked",
        "seed: 0 there, 7 asked",
        "device: cpu there, cuda asked",
        "test_every_epoch: false there, true asked",
        "data.t10k-images-idx3-ubyte: absent there, 0fa7 asked",
        "data.train-images-idx3-ubyte: ba89 there, absent asked",
    ];
    assert_eq!(lines(asked), expected);
}

#[test]
fn another_version_of_a_sweep_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(sweep_path(dir.path()), r#"{"format": 2}"#).unwrap();
    let error = read_sweep(dir.path()).unwrap_err();
    assert!(matches!(error, RecordError::Version { .. }), "{error}");
    assert!(error.to_string().contains("sweep format 2"), "{error}");
}

#[test]
fn runs_recipes_and_variants_that_are_added_change_nothing() {
    let mut asked = settings();
    asked.recipes.push(RecipeSettings { name: "authors".to_owned(), fields: json!({}) });
    asked.variants.rotate_left(1);
    asked.variants.push("mlp-ws".to_owned());
    asked.runs = 20;
    assert_eq!(lines(asked), [""; 0]);
}

#[test]
fn a_network_that_is_built_otherwise_is_named() {
    let network = |units| Architecture {
        name: "mlp".to_owned(),
        backbone: "mlp".to_owned(),
        weight_sharing: false,
        auxiliary_loss: false,
        branch: None,
        comparator: vec![Layer::linear(392, units, &[]), Layer::linear(units, 1, &[])],
    };
    let there = Sweep { networks: vec![network(7)], ..sweep() };
    let asked = Sweep { networks: vec![network(8)], ..sweep() };
    let lines: Vec<String> = there.differences(&asked).iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "networks.mlp.comparator.0.outputs: 7 there, 8 asked",
            "networks.mlp.comparator.1.inputs: 7 there, 8 asked",
            "networks.mlp.parameters: 2759 there, 3153 asked",
        ]
    );
    assert_ne!(there.follows_from("paper", "mlp"), asked.follows_from("paper", "mlp"));
}

/// What a record follows from, and what it does not.
#[test]
fn a_hash_changes_with_all_that_changes_a_record_and_with_nothing_else() {
    let hash = |settings: Settings| Sweep { settings, ..sweep() }.follows_from("paper", "mlp");
    let with = |change: fn(&mut Settings)| {
        let mut settings = settings();
        change(&mut settings);
        hash(settings)
    };
    let expected = hash(settings());
    // Python: sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()), value being
    // {"format": 2, "recipe": {"name": "paper", "fields": …}, "network": None, "seed": 0, …}.
    assert_eq!(
        expected.as_deref(),
        Some("3f1078d725d95e88d1d004b8b5f7f1a637b6e47d397d984cd8eedb2459e98028")
    );
    for same in [
        with(|settings| settings.runs = 3),
        with(|settings| settings.variants.truncate(1)),
        with(|settings| {
            let fields = json!({});
            settings.recipes.insert(0, RecipeSettings { name: "authors".to_owned(), fields });
        }),
    ] {
        assert_eq!(same, expected);
    }
    for other in [
        with(|settings| settings.recipes[0].fields["epochs"] = 24.into()),
        with(|settings| settings.recipes[0].fields["schedule"] = "one-cycle".into()),
        with(|settings| settings.seed = 1),
        with(|settings| settings.device = "cuda".to_owned()),
        with(|settings| settings.test_every_epoch = true),
        with(|settings| {
            settings.data.insert("train-images-idx3-ubyte".to_owned(), "ba88".to_owned());
        }),
        with(|settings| settings.data.clear()),
    ] {
        assert!(other.is_some() && other != expected);
    }
    assert_eq!(with(|settings| settings.recipes.clear()), None);
    assert_eq!(with(|settings| settings.variants.clear()), None);
}

fn record(sweep: &Sweep, seed: u64) -> Record {
    Record {
        format: RECORD_FORMAT,
        recipe: "paper".to_owned(),
        variant: "mlp".to_owned(),
        run: 3,
        seed,
        follows_from: sweep.follows_from("paper", "mlp").unwrap(),
        parameters: 7,
        train_accuracy: Some(99.0),
        test_accuracy: Some(80.0),
        failure: None,
        epochs: Vec::new(),
        timing: Timing::default(),
    }
}

#[test]
fn a_foreign_record_is_told_by_its_file_and_by_what_it_says() {
    let mut own = sweep();
    own.settings.recipes[0].fields = json!({});
    let other = |change: fn(&mut Settings)| {
        let mut other = own.clone();
        change(&mut other.settings);
        record(&other, other.settings.seed)
    };
    let dir = Path::new("sweep");
    own.check_records(dir, &[record(&own, 0), other(|settings| settings.runs = 3)]).unwrap();
    let elsewhere = Record { recipe: "authors".to_owned(), ..record(&own, 0) };
    let unknown = Record { variant: "mlp-ws".to_owned(), ..record(&own, 0) };
    for (record, told) in [
        (other(|settings| settings.seed = 5), "it has seed 5 and not 0"),
        (other(|settings| settings.data.clear()), "its recipe, network, device or data are others"),
        (elsewhere, "this one has no recipe authors"),
        (unknown, "this one has no variant mlp-ws"),
    ] {
        let (recipe, variant) = (record.recipe.clone(), record.variant.clone());
        let error = own.check_records(dir, &[record]).unwrap_err().to_string();
        let path = record_path(dir, &recipe, &variant, 3);
        let expected = format!("{} is a record of another sweep: {told}", path.display());
        assert!(error.starts_with(&expected), "{error}");
    }
}

//! Sweeps that were never trained.

use pairnet_record::{
    Failure, FailureKind, Provenance, RECORD_FORMAT, RecipeSettings, Record, SWEEP_FORMAT,
    Settings, Sweep, Timing,
};
use pairnet_report::MNIST;
use serde_json::json;

pub(crate) const VARIANTS: [&str; 8] =
    ["mlp", "mlp-ws", "mlp-al", "mlp-ws-al", "lenet5", "lenet5-ws", "lenet5-al", "lenet5-ws-al"];

pub(crate) fn sweep(recipes: &[&str], variants: &[&str], runs: usize) -> Sweep {
    let recipe = |name: &&str| {
        let (pair_draw, train_accuracy) = match *name {
            "paper" => ("each-run", "after-last-epoch"),
            _ => ("pytorch-once-per-kind", "during-last-epoch"),
        };
        let fields =
            json!({ "pairs": 1000, "pair_draw": pair_draw, "train_accuracy": train_accuracy });
        RecipeSettings { name: (*name).to_owned(), fields }
    };
    Sweep {
        format: SWEEP_FORMAT,
        settings: Settings {
            recipes: recipes.iter().map(recipe).collect(),
            variants: variants.iter().map(|&name| name.to_owned()).collect(),
            runs,
            seed: 0,
            device: "cpu".to_owned(),
            test_every_epoch: false,
            data: MNIST.map(|(name, sha256)| (name.to_owned(), sha256.to_owned())).into(),
        },
        networks: Vec::new(),
        provenance: Provenance {
            version: "0.1.0".to_owned(),
            git_revision: Some("0123456789abcdef".to_owned()),
            git_dirty: Some(true),
            machine: "a processor, 2 cores, linux".to_owned(),
        },
    }
}

pub(crate) fn record(recipe: &str, variant: &str, run: usize, accuracies: (f64, f64)) -> Record {
    Record {
        format: RECORD_FORMAT,
        recipe: recipe.to_owned(),
        variant: variant.to_owned(),
        run,
        seed: 0,
        follows_from: String::new(),
        parameters: 30_841,
        train_accuracy: Some(accuracies.0),
        test_accuracy: Some(accuracies.1),
        failure: None,
        epochs: vec![],
        timing: Timing { seconds: 1.0 },
    }
}

pub(crate) fn failed(record: Record) -> Record {
    let failure = Failure {
        kind: FailureKind::NotFinite,
        epoch: Some(2),
        batch: Some(4),
        reason: "main loss is NaN".to_owned(),
    };
    Record { train_accuracy: None, test_accuracy: None, failure: Some(failure), ..record }
}

/// Ten runs of everything, about the means of independent implementations of the recipes.
pub(crate) fn full() -> (Sweep, Vec<Record>) {
    let test_means = [
        ("paper", [79.8, 84.4, 94.5, 95.7, 80.1, 84.2, 96.6, 97.3]),
        ("authors", [79.7, 84.5, 92.2, 93.2, 79.9, 83.4, 95.2, 95.5]),
    ];
    let mut records = Vec::new();
    for (recipe, means) in test_means {
        for (index, (variant, mean)) in VARIANTS.iter().zip(means).enumerate() {
            for run in 0..10 {
                let spread = |factor: usize| ((run * factor + index) % 10) as f64 - 4.5;
                let accuracies = (98.5 + 0.1 * spread(7), mean + 0.3 * spread(3));
                let tenths = |value: f64| (value * 10.0).round() / 10.0;
                records.push(record(
                    recipe,
                    variant,
                    run,
                    (tenths(accuracies.0), tenths(accuracies.1)),
                ));
            }
        }
    }
    let sweep = sweep(&["paper", "authors"], &VARIANTS, 10);
    let records = of(&sweep, records);
    (sweep, records)
}

/// `records` as they lie in the folder of `sweep`.
pub(crate) fn of(sweep: &Sweep, records: Vec<Record>) -> Vec<Record> {
    let follows_from = |record: &Record| sweep.follows_from(&record.recipe, &record.variant);
    let own = |record| Record { follows_from: follows_from(&record).unwrap(), ..record };
    records.into_iter().map(own).collect()
}

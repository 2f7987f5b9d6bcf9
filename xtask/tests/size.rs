//! How long and how much memory the report of a large sweep takes.
#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "what was measured is for whoever asks for it")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pairnet_record::{
    Epoch, Mistake, PREDICTIONS_FORMAT, Pixels, Predictions, Provenance, RECORD_FORMAT,
    RecipeSettings, Record, SWEEP_FORMAT, Settings, Sweep, Timing, predictions_path, record_path,
    write_sweep,
};
use sha2::{Digest as _, Sha256};

const RUNS: usize = 625;
const EPOCHS: usize = 25;

/// Both recipes, eight networks, 625 runs of each: 10,000 records.
fn write(dir: &Path) {
    let recipes = ["paper", "authors"];
    let variants = [
        "mlp",
        "mlp-ws",
        "mlp-al",
        "mlp-ws-al",
        "lenet5",
        "lenet5-ws",
        "lenet5-al",
        "lenet5-ws-al",
    ];
    let recipe = |name: &str| {
        let draw = if name == "paper" { "each-run" } else { "pytorch-once-per-kind" };
        let fields = serde_json::json!({ "epochs": EPOCHS, "pair_draw": draw });
        RecipeSettings { name: name.to_owned(), fields }
    };
    let sweep = Sweep {
        format: SWEEP_FORMAT,
        settings: Settings {
            recipes: recipes.map(recipe).to_vec(),
            variants: variants.map(str::to_owned).to_vec(),
            runs: RUNS,
            seed: 0,
            device: "cpu".to_owned(),
            test_every_epoch: true,
            data: Default::default(),
        },
        networks: Vec::new(),
        provenance: Provenance {
            version: "0.1.0".to_owned(),
            git_revision: None,
            git_dirty: None,
            machine: "none".to_owned(),
        },
    };
    write_sweep(dir, &sweep).unwrap();
    for recipe in recipes {
        for (index, variant) in variants.iter().enumerate() {
            let follows_from = sweep.follows_from(recipe, variant).unwrap();
            for run in 0..RUNS {
                let wrong = 200 - 20 * index + (7 * run) % 20;
                let mut record = record(recipe, variant, run, 100.0 - wrong as f64 / 10.0);
                record.follows_from.clone_from(&follows_from);
                // Written plainly: syncing each would take longer than all the rest.
                let path = record_path(dir, recipe, variant, run);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, checksummed(&record)).unwrap();
                let path = predictions_path(dir, recipe, variant, run);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                if index == 7 {
                    let mut predictions = predictions(recipe, variant, run, wrong);
                    predictions.follows_from.clone_from(&follows_from);
                    fs::write(path, checksummed(&predictions)).unwrap();
                }
            }
        }
    }
}

/// `value` as the crate writes it, but for the layout.
fn checksummed<T: serde::Serialize>(value: &T) -> String {
    let mut fields = serde_json::to_value(value).unwrap();
    let mut content = fields.clone();
    content.as_object_mut().unwrap().remove("timing");
    // The keys of these values are in the order of the alphabet.
    let digest = Sha256::digest(content.to_string());
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    fields["checksum"] = digits.into();
    format!("{fields:#}\n")
}

fn record(recipe: &str, variant: &str, run: usize, test_accuracy: f64) -> Record {
    let epoch = |epoch: usize| {
        let left = 0.8_f64.powi(epoch as i32) * (1.0 + run as f64 / RUNS as f64);
        Epoch {
            total_loss: left,
            main_loss: left,
            auxiliary_loss: variant.ends_with("al").then_some(2.0 * left),
            train_accuracy: 100.0 - 20.0 * left,
            test_accuracy: Some(test_accuracy - 20.0 * left),
        }
    };
    Record {
        format: RECORD_FORMAT,
        recipe: recipe.to_owned(),
        variant: variant.to_owned(),
        run,
        seed: 0,
        follows_from: String::new(),
        parameters: 1,
        train_accuracy: Some(99.0 + (run % 10) as f64 / 10.0),
        test_accuracy: Some(test_accuracy),
        failure: None,
        epochs: (0..EPOCHS).map(epoch).collect(),
        timing: Timing { seconds: 1.0 },
    }
}

fn predictions(recipe: &str, variant: &str, run: usize, wrong: usize) -> Predictions {
    let images = [Pixels([(run % 256) as u8; Pixels::COUNT]); 2];
    let mistake = |pair| Mistake { pair, images, posteriors: [[0.1; 10]; 2] };
    Predictions {
        format: PREDICTIONS_FORMAT,
        recipe: recipe.to_owned(),
        variant: variant.to_owned(),
        run,
        seed: 0,
        follows_from: String::new(),
        classes: vec![[3, 5]; 1000],
        probabilities: (0..1000).map(|pair| if pair < wrong { 0.25 } else { 0.75 }).collect(),
        mistakes: (0..wrong).map(mistake).collect(),
    }
}

/// The most memory that the process has had, in MB, as long as it lives.
fn peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1000)
}

#[test]
fn ten_thousand_records_take_three_seconds_and_300_megabytes_at_most() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("report")
        .arg(dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut most = 0;
    let status = loop {
        most = most.max(peak(child.id()).unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let took = start.elapsed();
    assert!(status.success());
    println!("{:.2} s, {most} MB", took.as_secs_f64());
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert!((1..300).contains(&most), "{most} MB");
}

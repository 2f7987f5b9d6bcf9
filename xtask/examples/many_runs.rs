//! How folders, status, report and merging grow with the number of runs, on records that are made up.
//!
//! ```sh
//! cargo build --release --package xtask
//! cargo run --release --package xtask --example many_runs -- 10000 100000
//! cargo run --release --package xtask --example many_runs -- --without-predictions 1000000
//! ```
//!
//! Prints a table, a line for each number of runs of the paper's sweep: eight networks by two recipes. The
//! files are written to the folder for temporary files (`TMPDIR`), and need twice their size, since they are
//! merged. Records are as large as real ones; predictions are those of networks that tell no digits, and
//! smaller than those of the others.
#![expect(clippy::print_stdout, reason = "what was measured is what it is for")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use candle_core::Device;
use pairnet_data::Mnist;
use pairnet_models::{Kernels, variants};
use pairnet_record::{
    Epoch, PREDICTIONS_FORMAT, Predictions, Provenance, RECORD_FORMAT, Record, Sweep, Timing,
    predictions_path, record_path, write_sweep,
};
use pairnet_training::{Job, Plan, Recipe, Setup};
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

const SHARES: usize = 10;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let predictions = !arguments.iter().any(|argument| argument == "--without-predictions");
    println!(
        "| runs | files | in one folder | GB | status | | report | | merge of {SHARES} shares | | again | |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for argument in arguments.iter().filter(|argument| !argument.starts_with("--")) {
        let runs: usize = argument.parse().context("how many runs?")?;
        measure(runs, predictions)?;
    }
    Ok(())
}

fn measure(runs: usize, predictions: bool) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let [one, merged] = ["one", "merged"].map(|name| scratch.path().join(name));
    let recipes = Recipe::all().to_vec();
    let plan = Plan { runs: runs / 16, recipes, variants: variants().to_vec(), seed: 0 };
    let sweep = asked(&plan)?;
    let files = make_up(&one, &plan, &sweep, predictions)?;
    let shares = part(scratch.path(), &one, &plan, &sweep)?;

    let (runs, out) = (plan.runs.to_string(), one.as_os_str());
    let status = timed(
        Command::new(program()?)
            .args(["reproduce", "--dry-run", "--runs", &runs, "--out"])
            .arg(out),
    )?;
    let report = timed(Command::new(program()?).arg("report").arg(out))?;
    let merge =
        || timed(Command::new(program()?).arg("merge").args(&shares).arg("--out").arg(&merged));
    let (first, again) = (merge()?, merge()?);
    println!(
        "| {} | {} | {} | {:.1} | {status} | {report} | {first} | {again} |",
        plan.jobs().count(),
        files.count,
        plan.runs,
        files.bytes as f64 / 1e9
    );
    Ok(())
}

fn asked(plan: &Plan) -> Result<Sweep> {
    let setup =
        Setup { device: Device::Cpu, kernels: Kernels::Fused, test_every_epoch: false, keep: None };
    let program = Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        git_revision: None,
        git_dirty: None,
        machine: "none".to_owned(),
    };
    Ok(plan.asked(&setup, &Mnist::shipped()?, program)?)
}

#[derive(Clone, Copy, Default)]
struct Files {
    count: usize,
    bytes: usize,
}

/// All of `plan` in one folder. The files are written plainly: syncing each would take longer than the rest.
fn make_up(dir: &Path, plan: &Plan, sweep: &Sweep, predictions: bool) -> Result<Files> {
    fs::create_dir_all(dir)?;
    write_sweep(dir, sweep)?;
    let cells: Vec<Job<'_>> = plan.jobs().filter(|job| job.run == 0).collect();
    let cell = |cell: &Job<'_>| -> Result<Files> {
        let (recipe, variant, _) = cell.coordinates();
        let follows_from = sweep.follows_from(recipe, variant).context("a cell of the plan")?;
        let mut files = Files::default();
        let mut write = |path: PathBuf, text: String| {
            files.count += 1;
            files.bytes += text.len();
            fs::write(path, text)
        };
        for path in [record_path, predictions_path] {
            fs::create_dir_all(path(dir, recipe, variant, 0).with_file_name(""))?;
        }
        for run in 0..plan.runs {
            let record = record(cell, run, &follows_from);
            write(record_path(dir, recipe, variant, run), checksummed(&record, true)?)?;
            if predictions {
                let said = said(&record);
                write(predictions_path(dir, recipe, variant, run), checksummed(&said, false)?)?;
            }
        }
        Ok(files)
    };
    let sum = |one: Files, other: Files| Files {
        count: one.count + other.count,
        bytes: one.bytes + other.bytes,
    };
    cells.par_iter().map(cell).try_reduce(Files::default, |one, other| Ok(sum(one, other)))
}

/// A record of 25 epochs, all of whose numbers have as many digits as in a real one.
fn record(cell: &Job<'_>, run: usize, follows_from: &str) -> Record {
    let (recipe, variant, _) = cell.coordinates();
    let digits = cell.variant.auxiliary_loss;
    let epoch = |epoch: usize| {
        let left = 0.8_f64.powi(epoch as i32) * (1.0 + run as f64 / 1e7);
        Epoch {
            total_loss: left,
            main_loss: left / 3.0,
            auxiliary_loss: digits.then_some(left / 7.0),
            train_accuracy: 99.9 - (10.0 * left).round() / 10.0,
            test_accuracy: None,
        }
    };
    Record {
        format: RECORD_FORMAT,
        recipe: recipe.to_owned(),
        variant: variant.to_owned(),
        run,
        seed: 0,
        follows_from: follows_from.to_owned(),
        parameters: cell.variant.parameters(),
        train_accuracy: Some(99.0 + (run % 10) as f64 / 10.0),
        test_accuracy: Some(100.0 - wrong(run) as f64 / 10.0),
        failure: None,
        epochs: (0..cell.recipe.epochs).map(epoch).collect(),
        timing: Timing { seconds: 1.0 + run as f64 / 1e6 },
    }
}

/// Of a thousand pairs.
fn wrong(run: usize) -> usize {
    100 + run % 37
}

/// Answers to a thousand pairs. Those of networks that tell digits have pictures of their mistakes, too;
/// here they have not.
fn said(record: &Record) -> Predictions {
    let wrong = wrong(record.run);
    let probability = |pair| if pair < wrong { 0.0123 } else { 0.9876 };
    Predictions {
        format: PREDICTIONS_FORMAT,
        recipe: record.recipe.clone(),
        variant: record.variant.clone(),
        run: record.run,
        seed: record.seed,
        follows_from: record.follows_from.clone(),
        classes: vec![[3, 5]; 1000],
        probabilities: (0..1000).map(probability).collect(),
        mistakes: Vec::new(),
    }
}

/// `value` as its crate writes it.
fn checksummed<T: serde::Serialize>(value: &T, pretty: bool) -> Result<String> {
    let mut fields = serde_json::to_value(value)?;
    let mut content = fields.clone();
    let apart = content.as_object_mut().context("an object")?;
    apart.remove("timing");
    content.sort_all_objects();
    let digest = Sha256::digest(content.to_string());
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    fields["checksum"] = digits.into();
    Ok(if pretty { format!("{fields:#}\n") } else { format!("{fields}\n") })
}

/// The shares of the plan, a folder each, whose files are links to those in `one`.
fn part(parent: &Path, one: &Path, plan: &Plan, sweep: &Sweep) -> Result<Vec<PathBuf>> {
    let dirs: Vec<PathBuf> = (1..=SHARES).map(|number| parent.join(number.to_string())).collect();
    for dir in &dirs {
        write_sweep(dir, sweep)?;
        for job in plan.jobs().filter(|job| job.run == 0) {
            let (recipe, variant, _) = job.coordinates();
            for path in [record_path, predictions_path] {
                fs::create_dir_all(path(dir, recipe, variant, 0).with_file_name(""))?;
            }
        }
    }
    for (number, job) in plan.dealt(SHARES) {
        let (recipe, variant, run) = job.coordinates();
        for path in [record_path, predictions_path] {
            let from = path(one, recipe, variant, run);
            if from.exists() {
                fs::hard_link(from, path(&dirs[number - 1], recipe, variant, run))?;
            }
        }
    }
    Ok(dirs)
}

/// The program beside this one.
fn program() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(Path::parent).context("no folder of programs")?;
    let program = folder.join("xtask");
    ensure!(program.exists(), "{} is not there: build it first", program.display());
    Ok(program)
}

/// Runs `command` and tells how long it took, and how much memory: "2.3 s | 120 MB".
fn timed(command: &mut Command) -> Result<String> {
    let start = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn()?;
    let mut most = 0;
    let status = loop {
        most = most.max(peak(child.id()).unwrap_or(0));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(format!("{:.1} s | {most} MB", start.elapsed().as_secs_f64()))
}

/// The most memory that the process has had, in MB, as long as it lives; only Linux tells.
fn peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1000)
}

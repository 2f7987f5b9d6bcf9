//! The folder of a sweep: who owns it, what it can be asked for, and what is refused.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use pairnet_record::{
    Failure, FailureKind, Owner, Record, read_record, read_records, record_path, sweep_path,
    write_record,
};
use support::{ends, err, xtask};

/// `cargo xtask reproduce --recipe paper --variant mlp --out DIR`, and more.
fn reproduce(dir: &Path, more: &[&str]) -> Command {
    let mut command = xtask(&["reproduce", "--recipe", "paper", "--variant", "mlp", "--out"]);
    command.arg(dir).args(more);
    command
}

fn report(dir: &Path) -> Output {
    xtask(&["report"]).arg(dir).output().unwrap()
}

fn trained(dir: &Path, more: &[&str]) -> String {
    let output = reproduce(dir, more).output().unwrap();
    assert!(output.status.success(), "{}", err(&output));
    err(&output)
}

fn refused(output: &Output, told: &str) {
    ends(output, 1, told);
}

/// In use by another: the same command may do later.
fn busy(output: &Output, told: &str) {
    ends(output, 75, told);
}

fn mlp(dir: &Path, run: usize) -> PathBuf {
    record_path(dir, "paper", "mlp", run)
}

/// Every file below `dir` with its bytes.
fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push((path.clone(), fs::read(path).unwrap()));
        }
    }
    files.sort();
    files
}

/// Runs of a sweep that is to last while several other commands start and end.
const MANY: &str = "40";

/// Starts a sweep of many runs, and waits until some of its records are there.
fn start_long_sweep(dir: &Path) -> Child {
    let mut command = reproduce(dir, &["--runs", MANY, "--jobs", "1"]);
    let child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while !mlp(dir, 2).exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "no record after a minute");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

#[test]
fn a_second_sweep_is_told_of_the_first_which_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("sweep");
    let first = start_long_sweep(&dir);
    let in_use = format!("is in use by process {}", first.id());
    for more in [
        &["--runs", MANY, "--fresh", "--seed", "1"][..],
        &["--runs", MANY, "--seed", "1"],
        &["--runs", MANY],
        &["--runs", MANY, "--dry-run"],
        &["--runs", MANY, "--fresh", "--dry-run"],
    ] {
        let second = reproduce(&dir, more).output().unwrap();
        busy(&second, &in_use);
        assert!(err(&second).contains("cargo xtask reproduce --recipe paper"), "{}", err(&second));
    }
    // Whoever only looks needs no turn.
    assert!(report(&dir).status.success());
    let first = first.wait_with_output().unwrap();
    assert!(first.status.success(), "{}", err(&first));
    let records = read_records(&dir).unwrap();
    assert_eq!(records.len().to_string(), MANY);
    assert!(records.iter().all(|record| record.seed == 0));
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["sweep"]);
    assert!(!dir.join(".owner").exists());
}

/// A lock ends with its process, and what else it left is in nobody's way.
#[test]
fn a_killed_sweep_leaves_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("sweep");
    let mut first = start_long_sweep(&dir);
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(dir.join(".owner").exists());
    let told = trained(&dir, &["--runs", "3"]);
    assert!(told.contains("3 of 3 networks are trained already and kept; 0 to train"), "{told}");
    let kept = format!("has {MANY} runs of each network, and is reported with all of them");
    assert!(told.contains(&kept), "{told}");
    assert!(!dir.join(".owner").exists());
}

#[test]
fn runs_recipes_and_variants_can_be_added() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    trained(dir, &["--runs", "1"]);
    let first = fs::read(mlp(dir, 0)).unwrap();
    let told = trained(dir, &["--runs", "2"]);
    assert!(told.contains("1 of 2 networks are trained already and kept; 1 to train"), "{told}");
    let told = trained(dir, &["--runs", "2", "--recipe", "authors", "--variant", "mlp-ws"]);
    assert!(told.contains("2 of 8 networks are trained already and kept; 6 to train"), "{told}");
    assert_eq!(fs::read(mlp(dir, 0)).unwrap(), first);
    let records = read_records(dir).unwrap();
    assert_eq!(records.len(), 8);
    let sweep = pairnet_record::read_sweep(dir).unwrap().unwrap();
    assert_eq!(
        (sweep.settings.runs, &*sweep.settings.variants),
        (2, &["mlp".to_owned(), "mlp-ws".to_owned()][..])
    );
    assert!(report(dir).status.success());
    // A part of what is there changes nothing.
    let before = fs::read(sweep_path(dir)).unwrap();
    trained(dir, &["--runs", "1"]);
    assert_eq!(fs::read(sweep_path(dir)).unwrap(), before);
}

/// Of the best network or any other, one digit of any file.
#[test]
fn a_changed_digit_reaches_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    trained(dir, &["--runs", "2", "--variant", "mlp-ws-al"]);
    for record in read_records(dir).unwrap() {
        let path = record_path(dir, &record.recipe, &record.variant, record.run);
        let whole = fs::read_to_string(&path).unwrap();
        let digit = whole.find("\"test_accuracy\": ").unwrap() + "\"test_accuracy\": ".len();
        let other = if whole.as_bytes()[digit] == b'9' { "8" } else { "9" };
        let mut changed = whole.clone();
        changed.replace_range(digit..=digit, other);
        fs::write(&path, changed).unwrap();
        let told = format!("{} was changed since it was written", path.display());
        let before = files(dir);
        refused(&report(dir), &told);
        for more in [&["--runs", "2"][..], &["--runs", "2", "--dry-run"]] {
            refused(&reproduce(dir, more).output().unwrap(), &told);
        }
        assert_eq!(files(dir), before);
        fs::write(&path, whole).unwrap();
    }
    assert!(report(dir).status.success());
}

#[test]
fn what_can_be_refused_is_refused_before_anything_happens() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("sweep");
    trained(&dir, &["--runs", "1"]);
    let file = folder.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    let (stray, below) = (mlp(&dir, 7).with_extension("txt"), file.join("sweep"));
    fs::write(&stray, "a note").unwrap();
    let stray_told = format!("{} is in the way", stray.display());
    let before = files(folder.path());
    for dry in [&["--runs", "2"][..], &["--runs", "2", "--dry-run"]] {
        refused(&reproduce(&dir, dry).output().unwrap(), &stray_told);
        refused(&reproduce(&file, dry).output().unwrap(), "failed to write");
        refused(&reproduce(&below, dry).output().unwrap(), "failed to write");
    }
    fs::remove_file(stray).unwrap();
    let other = reproduce(&dir, &["--seed", "3", "--dry-run"]).output().unwrap();
    refused(&other, "seed: 0 there, 3 asked");
    // Records of another sweep, whole and in their place.
    let elsewhere = folder.path().join("elsewhere");
    trained(&elsewhere, &["--runs", "2", "--seed", "3"]);
    fs::copy(mlp(&elsewhere, 1), mlp(&dir, 1)).unwrap();
    let foreign = format!("{} is a record of another sweep: it has seed 3", mlp(&dir, 1).display());
    refused(&reproduce(&dir, &["--runs", "2"]).output().unwrap(), &foreign);
    refused(&reproduce(&dir, &["--runs", "2", "--dry-run"]).output().unwrap(), &foreign);
    refused(&report(&dir), &foreign);
    fs::remove_file(mlp(&dir, 1)).unwrap();
    let after = files(&dir);
    assert!(after.iter().all(|file| before.contains(file)) && after.len() + 2 == before.len());
}

/// `run` has failed, as far as its record says.
fn fail(dir: &Path, run: usize, kind: FailureKind, reason: &str) {
    let record = read_record(&mlp(dir, run)).unwrap();
    let failure = Some(Failure { kind, epoch: None, batch: None, reason: reason.to_owned() });
    let failed = Record { train_accuracy: None, test_accuracy: None, failure, ..record };
    write_record(dir, &failed).unwrap();
}

#[test]
fn failed_runs_are_told_and_tried_again_where_that_can_help() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    trained(dir, &["--runs", "3"]);
    let whole: Vec<_> = read_records(dir).unwrap().iter().map(Record::without_timing).collect();
    fail(dir, 0, FailureKind::Panic, "panicked: for a test");
    fail(dir, 2, FailureKind::NotFinite, "main loss is NaN");
    for (kept, to_train) in [(2, 1), (3, 0)] {
        let output = reproduce(dir, &["--runs", "3"]).output().unwrap();
        let line =
            format!("{kept} of 3 networks are trained already and kept; {to_train} to train");
        refused(&output, &line);
        refused(
            &output,
            "1 of 3 runs failed:\n  paper mlp run 2: main loss is NaN (a result, which",
        );
        assert!(String::from_utf8(output.stdout).unwrap().contains("1 failed"));
        assert!(dir.join("results.json").exists());
    }
    let mended: Vec<_> = read_records(dir).unwrap().iter().map(Record::without_timing).collect();
    assert_eq!(mended[..2], whole[..2]);
    assert_eq!(mended[2].failure.as_ref().unwrap().kind, FailureKind::NotFinite);
}

#[test]
fn an_owner_that_is_no_sweep_keeps_sweeps_out_too() {
    let folder = tempfile::tempdir().unwrap();
    let _owner = Owner::take(folder.path(), "a test").unwrap();
    busy(&reproduce(folder.path(), &["--runs", "1"]).output().unwrap(), "UTC: a test; wait");
}

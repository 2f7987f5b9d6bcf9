//! Readers that go away, devices that are full, descriptors that are closed.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{err, out, plain, records, small_sweep, sweep, xtask};

/// A pipe that no one reads from.
fn pipe_without_reader() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn full_device() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

/// All that print what was asked for, with what it begins with.
fn commands(sweep: &Path) -> Vec<(Command, &'static str)> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/results.json");
    let command = |arguments: &[&str], path: Option<&Path>| {
        let mut command = xtask();
        command.args(arguments).args(path);
        command
    };
    vec![
        (command(&["report"], Some(sweep)), "# "),
        (command(&["report", "--check"], Some(&docs)), "results.md"),
        (command(&["data", "verify"], None), "MNIST as shipped"),
        (command(&["reproduce", "--dry-run", "--out"], Some(&sweep.join("none"))), "160 networks"),
        (command(&["reproduce", "--help"], None), "Train"),
        (command(&["--version"], None), "cargo xtask"),
    ]
}

#[test]
fn a_reader_that_goes_away_ends_no_work() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = sweep(6, dir.path())
        .env("RUST_LOG", "debug")
        .stdout(pipe_without_reader())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut reader = BufReader::new(child.stderr.take().unwrap());
    reader.read_line(&mut line).unwrap();
    assert!(line.contains("training 6 networks"), "{line}");
    drop(reader);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(records(dir.path()), 6);
    assert!(dir.path().join("report.html").exists());
}

#[test]
fn a_reader_that_goes_away_has_seen_enough() {
    let dir = small_sweep();
    for (mut command, begin) in commands(dir.path()) {
        let whole = command.output().unwrap();
        assert!(out(&whole).starts_with(begin), "{command:?}: {}", out(&whole));
        let output = command.stdout(pipe_without_reader()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{command:?}: {}", err(&output));
        assert_eq!(err(&output), err(&whole), "{command:?}");
    }
}

#[test]
fn a_full_device_is_one_line_and_a_failure() {
    let dir = small_sweep();
    for (mut command, _) in commands(dir.path()) {
        std::fs::remove_file(dir.path().join("results.md")).ok();
        let output = command.stdout(full_device()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        let told = err(&output);
        assert!(told.starts_with("error: "), "{command:?}: {told}");
        assert!(told.contains("failed to write to standard output: No space left"), "{told}");
        assert_eq!(told.lines().count(), 1, "{command:?}: {told}");
        if told.contains("results are in") {
            assert!(dir.path().join("results.md").exists(), "{told}");
        }
    }
}

#[test]
fn a_full_device_for_notes_is_no_matter() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = sweep(3, dir.path());
    command.env("RUST_LOG", "debug").stderr(full_device());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(out(&output).contains("Table 2: MLPNet"));
    assert_eq!(records(dir.path()), 3);
    // Neither is it where there is an error to tell.
    let output = xtask().arg("report").arg(dir.path().join("none")).stderr(full_device()).output();
    assert_eq!(output.unwrap().status.code(), Some(1));
    let output = xtask().arg("rerun").stderr(pipe_without_reader()).output();
    assert_eq!(output.unwrap().status.code(), Some(2));
}

/// No file of the sweep may then be opened as standard output and get the tables.
#[test]
fn closed_descriptors_get_nothing() {
    let whole = small_sweep();
    let read = |dir: &Path, name: &str| {
        let mut bytes = Vec::new();
        File::open(dir.join(name)).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    };
    let dir = tempfile::tempdir().unwrap();
    let mut command = plain(Command::new("sh"));
    command.args(["-c", "exec \"$@\" <&- >&- 2>&-", "sh"]);
    let sweep = sweep(1, dir.path());
    command.arg(sweep.get_program()).args(sweep.get_args());
    assert!(command.status().unwrap().success());
    for name in ["results.csv", "results.md"] {
        assert_eq!(read(dir.path(), name), read(whole.path(), name), "{name}");
    }
    assert_eq!(records(dir.path()), 1);
}

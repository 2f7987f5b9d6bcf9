//! The program as its users meet it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Runs `cargo xtask` with these arguments; `CARGO_MANIFEST_DIR` points elsewhere, so that no
/// default folder is the workspace's.
fn xtask(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(arguments).env_remove("CARGO_MANIFEST_DIR").env("CANDLE_NUM_THREADS", "1");
    command
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Every record below `dir`, by path, without its timing.
fn records(dir: &Path) -> Vec<pairnet_record::Record> {
    let records = pairnet_record::read_records(dir).unwrap();
    records.iter().map(pairnet_record::Record::without_timing).collect()
}

#[test]
fn one_variant_leaves_records_tables_and_exit_code_zero() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("a/b").display().to_string();
    let arguments = [
        "reproduce",
        "--recipe",
        "authors",
        "--variant",
        "mlp-ws-al",
        "--runs",
        "2",
        "--seed",
        "7",
    ];
    let output = xtask(&[&arguments[..], &["--out", &dir]].concat());
    assert!(output.status.success(), "{}", err(&output));
    assert!(out(&output).contains("Table 2: MLPNet"), "{}", out(&output));
    assert!(err(&output).contains("[2/2] authors mlp-ws-al run "), "{}", err(&output));
    let records = records(dir.as_ref());
    assert_eq!(records.iter().map(|record| record.run).collect::<Vec<_>>(), [0, 1]);
    assert!(records.iter().all(|record| record.seed == 7 && record.parameters == 79_439));
    for file in ["sweep.json", "results.json", "results.md"] {
        assert!(Path::new(&dir).join(file).exists(), "{file} is missing");
    }

    let again = xtask(&[&arguments[..], &["--out", &dir]].concat());
    assert!(err(&again).contains("2 of 2 networks are trained already and kept; 0 to train"));
    assert_eq!(out(&again), out(&output));
    assert_eq!(out(&xtask(&["report", &dir])), out(&output));
}

#[test]
fn other_settings_are_refused_and_fresh_moves_aside() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("sweep").display().to_string();
    let train = |more: &[&str]| {
        let arguments = ["reproduce", "--recipe", "paper", "--variant", "mlp", "--out", &dir];
        xtask(&[&arguments[..], more].concat())
    };
    assert!(train(&["--runs", "1"]).status.success());
    let first = records(dir.as_ref());
    let refused = train(&["--runs", "1", "--seed", "3"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("seed: 0 there, 3 asked"), "{}", err(&refused));
    assert!(err(&refused).contains("--fresh"), "{}", err(&refused));
    assert_eq!(records(dir.as_ref()), first);

    let fresh = train(&["--runs", "1", "--seed", "3", "--fresh"]);
    assert!(fresh.status.success(), "{}", err(&fresh));
    let aside = format!("{dir}.old-1");
    assert!(err(&fresh).contains(&aside), "{}", err(&fresh));
    assert_eq!(records(aside.as_ref()), first);
    assert_ne!(records(dir.as_ref()), first);
}

#[test]
fn wrong_arguments_exit_with_two_and_name_the_right_ones() {
    for (arguments, told) in [
        (&["reproduce", "--variant", "lenet"][..], "lenet5-ws-al"),
        (&["reproduce", "--recipe", "best"], "authors"),
        (&["reproduce", "--runs", "0"], "at least 1 is needed"),
        (&["reproduce", "--runs", "18446744073709551615", "--dry-run"], "at most 100000 are"),
        (&["reproduce", "--runs", "100001"], "at most 100000 are possible"),
        (&["reproduce", "--jobs", "0"], "at least 1 is needed"),
        (&["reproduce", "--jobs", "18446744073709551615"], "at most 1024 are possible"),
        (&["reproduce", "--seed", "-1"], "--seed"),
        (&["reproduce", "--device", "tpu"], "cuda"),
        (&["rerun"], "reproduce"),
    ] {
        let output = xtask(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(err(&output).contains(told), "{arguments:?}: {}", err(&output));
    }
}

#[test]
fn a_dry_run_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("sweep").display().to_string();
    let output = xtask(&["reproduce", "--dry-run", "--out", &dir]);
    assert!(output.status.success());
    assert!(out(&output).starts_with("160 networks to train, 0 kept"), "{}", out(&output));
    assert!(!Path::new(&dir).exists());
}

#[test]
fn a_build_without_a_feature_says_what_to_type() {
    #[cfg(not(feature = "cuda"))]
    {
        let output = xtask(&["reproduce", "--device", "cuda", "--dry-run"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(err(&output).contains("--features cuda"), "{}", err(&output));
    }
    #[cfg(not(feature = "hub"))]
    {
        let output = xtask(&["data", "fetch"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(err(&output).contains("--features hub -- data fetch"), "{}", err(&output));
    }
}

#[test]
fn data_is_verified_and_bad_data_is_named() {
    let output = xtask(&["data", "verify"]);
    assert!(output.status.success());
    let expected = "MNIST as shipped\n60000 training and 10000 test digits in the shipped files\n";
    assert!(out(&output).starts_with(expected), "{}", out(&output));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("train-images-idx3-ubyte"), b"not an IDX file").unwrap();
    let dir = folder.path().display().to_string();
    let output = xtask(&["reproduce", "--data-dir", &dir, "--out", &dir]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("train-images-idx3-ubyte begins with the magic number"));
}

#[test]
fn other_digits_are_said_to_be_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut labels = vec![0; 4];
    labels[2] = 7;
    let digits = pairnet_data::Digits::new(vec![0; 4 * 784], labels).unwrap();
    pairnet_data::Mnist::new(digits.clone(), digits).write_idx(folder.path()).unwrap();
    let dir = folder.path().display().to_string();
    let output = xtask(&["data", "verify", "--data-dir", &dir]);
    assert_eq!(output.status.code(), Some(1));
    let told = out(&output);
    // The row of the first image's first pixel that is not black.
    let expected = "other digits: train-images-idx3-ubyte differs from MNIST as shipped, first at \
                    image 0 (row 5, column 12: 0 here, 3 there)\n4 training and 4 test digits in ";
    assert!(told.starts_with(expected), "{told}");
    assert_eq!(told.lines().count(), 6, "{told}");
    assert_eq!(err(&output), format!("error: {dir} does not hold MNIST as shipped\n"));
}

#[cfg(unix)]
#[test]
fn a_cause_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    // A link to itself.
    let link = folder.path().join("train-images-idx3-ubyte");
    std::os::unix::fs::symlink(&link, &link).unwrap();
    let output = xtask(&["data", "verify", "--data-dir", &folder.path().display().to_string()]);
    assert_eq!(err(&output).matches("os error").count(), 1, "{}", err(&output));
}

/// Starts a sweep of many runs, and waits until some of its records are there.
#[cfg(unix)]
fn start_long_sweep(dir: &str) -> std::process::Child {
    let arguments =
        ["reproduce", "--recipe", "paper", "--variant", "mlp", "--runs", "40", "--out", dir];
    let child = command(&arguments).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let first = pairnet_record::record_path(dir.as_ref(), "paper", "mlp", 0);
    while !first.exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "no record after a minute");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

/// However a sweep ends, the same command goes on, and the records are those of a whole one.
#[cfg(unix)]
#[test]
fn a_killed_and_an_interrupted_sweep_go_on_to_the_same_records() {
    let folder = tempfile::tempdir().unwrap();
    let dir = |name: &str| folder.path().join(name).display().to_string();
    let sweep = |dir: &str| {
        let output = xtask(&[
            "reproduce",
            "--recipe",
            "paper",
            "--variant",
            "mlp",
            "--runs",
            "40",
            "--out",
            dir,
        ]);
        assert!(output.status.success(), "{}", err(&output));
        records(dir.as_ref())
    };
    let whole = sweep(&dir("whole"));

    let mut killed = start_long_sweep(&dir("killed"));
    killed.kill().unwrap(); // SIGKILL
    killed.wait().unwrap();
    assert!(records(dir("killed").as_ref()).len() < 40);
    assert_eq!(sweep(&dir("killed")), whole);

    let interrupted = start_long_sweep(&dir("interrupted"));
    let id = interrupted.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let output = interrupted.wait_with_output().unwrap();
    assert_eq!(output.status.code(), None, "it ends by the signal");
    assert!(err(&output).contains("the same command goes on from there"), "{}", err(&output));
    assert_eq!(sweep(&dir("interrupted")), whole);
}

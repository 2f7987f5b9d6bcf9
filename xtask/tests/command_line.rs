//! The program as its users meet it.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use support::{err, out, records, xtask};

/// Runs `cargo xtask` with these arguments.
fn run(arguments: &[&str]) -> Output {
    xtask(arguments).output().unwrap()
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
    let output = run(&[&arguments[..], &["--out", &dir]].concat());
    assert!(output.status.success(), "{}", err(&output));
    assert!(out(&output).contains("Table 2: MLPNet"), "{}", out(&output));
    assert!(err(&output).contains("[2/2] authors mlp-ws-al run "), "{}", err(&output));
    let records = records(dir.as_ref());
    assert_eq!(records.iter().map(|record| record.run).collect::<Vec<_>>(), [0, 1]);
    assert!(records.iter().all(|record| record.seed == 7 && record.parameters == 79_439));
    for file in ["sweep.json", "results.json", "results.md"] {
        assert!(Path::new(&dir).join(file).exists(), "{file} is missing");
    }

    let again = run(&[&arguments[..], &["--out", &dir]].concat());
    assert!(err(&again).contains("2 of 2 networks are trained already and kept; 0 to train"));
    assert_eq!(out(&again), out(&output));
    assert_eq!(out(&run(&["report", &dir])), out(&output));
}

#[test]
fn other_settings_are_refused_and_fresh_moves_aside() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("sweep").display().to_string();
    let train = |more: &[&str]| {
        let arguments = ["reproduce", "--recipe", "paper", "--variant", "mlp", "--out", &dir];
        run(&[&arguments[..], more].concat())
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
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(err(&output).contains(told), "{arguments:?}: {}", err(&output));
    }
}

/// A file of a terabyte, of which nothing is on the disk.
#[test]
fn files_that_are_too_long_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("long");
    fs::File::create(&file).unwrap().set_len(1 << 40).unwrap();
    let file = file.display().to_string();
    for arguments in [["study", &file, "--dry-run"], ["report", "--check", &file]] {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let told = format!("{file} has 1099511627776 bytes or more, what belongs there has ");
        assert!(err(&output).contains(&told), "{arguments:?}: {}", err(&output));
    }
}

#[test]
fn a_dry_run_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("sweep").display().to_string();
    let output = run(&["reproduce", "--dry-run", "--out", &dir]);
    assert!(output.status.success());
    assert!(out(&output).starts_with("160 networks to train, 0 kept"), "{}", out(&output));
    assert!(!Path::new(&dir).exists());
}

#[test]
fn a_build_without_a_feature_says_what_to_type() {
    #[cfg(not(feature = "cuda"))]
    {
        let output = run(&["reproduce", "--device", "cuda", "--dry-run"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(err(&output).contains("--features cuda"), "{}", err(&output));
    }
    #[cfg(not(feature = "hub"))]
    {
        let output = run(&["data", "fetch"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(err(&output).contains("--features hub -- data fetch"), "{}", err(&output));
    }
}

#[test]
fn data_is_verified_and_bad_data_is_named() {
    let output = run(&["data", "verify"]);
    assert!(output.status.success());
    let expected = "MNIST as shipped\n60000 training and 10000 test digits in the shipped files\n";
    assert!(out(&output).starts_with(expected), "{}", out(&output));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("train-images-idx3-ubyte"), b"not an IDX file").unwrap();
    let dir = folder.path().display().to_string();
    let output = run(&["reproduce", "--data-dir", &dir, "--out", &dir]);
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
    let output = run(&["data", "verify", "--data-dir", &dir]);
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
    let output = run(&["data", "verify", "--data-dir", &folder.path().display().to_string()]);
    assert_eq!(err(&output).matches("os error").count(), 1, "{}", err(&output));
}

/// Starts a sweep of many runs, and waits until some of its records are there.
#[cfg(unix)]
fn start_long_sweep(dir: &str) -> std::process::Child {
    let arguments =
        ["reproduce", "--recipe", "paper", "--variant", "mlp", "--runs", "40", "--out", dir];
    let child = xtask(&arguments).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
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
        let output = run(&[
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

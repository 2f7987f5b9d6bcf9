//! Notes and logs: what they say, and in which colours.

use std::process::{Command, Stdio};

use super::{err, out, plain, small_sweep, sweep, xtask};

/// Whether `text` has escape codes for colours, which end in m; a bar has others.
fn coloured(text: &str) -> bool {
    let codes = text.split("\x1b[").skip(1);
    codes
        .map(|code| code.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';'))
        .any(|code| code.starts_with('m'))
}

/// What a sweep of one run logs on a terminal.
fn on_a_terminal(variables: &[(&str, &str)]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let sweep = sweep(1, dir.path());
    let words = [sweep.get_program()].into_iter().chain(sweep.get_args());
    let line: Vec<&str> = words.map(|word| word.to_str().unwrap()).collect();
    let mut command = plain(Command::new("script"));
    command.args(["-q", "-e", "-c", &line.join(" "), "/dev/null"]).env("RUST_LOG", "debug");
    let output = command.envs(variables.iter().copied()).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{}", out(&output));
    assert!(out(&output).contains("DEBUG"), "{}", out(&output));
    out(&output)
}

#[test]
fn logs_in_a_file_are_plain_text() {
    let dir = tempfile::tempdir().unwrap();
    let output = sweep(1, dir.path()).env("RUST_LOG", "debug").output().unwrap();
    assert!(err(&output).contains("DEBUG"), "{}", err(&output));
    assert!(err(&output).contains("[1/1] paper mlp run 0: train"), "{}", err(&output));
    assert!(!err(&output).contains('\x1b'), "{}", err(&output));
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    assert!(coloured(&on_a_terminal(&[])));
    for variable in [("NO_COLOR", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")] {
        let text = on_a_terminal(&[variable]);
        assert!(!coloured(&text), "{variable:?}: {text}");
    }
}

#[test]
fn a_terminal_that_cannot_draw_gets_lines() {
    assert!(!on_a_terminal(&[]).contains("[1/1]"));
    let text = on_a_terminal(&[("TERM", "dumb")]);
    assert!(text.contains("[1/1] paper mlp run 0") && !text.contains('\x1b'), "{text}");
}

#[test]
fn a_bad_rust_log_is_named() {
    let run = |log: &str| xtask().args(["data", "verify"]).env("RUST_LOG", log).output().unwrap();
    for bad in ["pairnet_training=loud", "debug=a=b", "[{"] {
        let output = run(bad);
        assert_eq!(output.status.code(), Some(1), "{bad}");
        assert!(err(&output).contains(&format!("RUST_LOG={bad}")), "{}", err(&output));
        assert!(output.stdout.is_empty());
    }
    // It may be meant for another program.
    let output = run("dbug");
    assert_eq!(output.status.code(), Some(0));
    assert!(err(&output).starts_with("RUST_LOG: 'dbug' is no level"), "{}", err(&output));
    for good in ["", "debug", "WARN,pairnet_training=debug", "pairnet_training", "hyper=off", "off"]
    {
        let output = run(good);
        assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""), "{good}");
    }
}

#[test]
fn a_long_job_says_what_it_is_about_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let told = |runs| {
        let output = sweep(runs, dir.path()).output().unwrap();
        err(&output).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(told(2)[0], "training 2 networks, one at a time");
    assert!(!told(2).iter().any(|line| line.starts_with("training")), "there was nothing to train");
}

/// A folder in the place of a file cannot be replaced by it, whoever asks.
#[test]
fn results_that_cannot_be_kept_are_printed() {
    let dir = small_sweep();
    let report = || xtask().arg("report").arg(dir.path()).output().unwrap();
    let whole = report();
    assert!(out(&whole).contains("Table 2: MLPNet"));
    std::fs::remove_file(dir.path().join("results.json")).unwrap();
    std::fs::create_dir(dir.path().join("results.json")).unwrap();
    for output in [report(), sweep(1, dir.path()).output().unwrap()] {
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(out(&output), out(&whole));
        let told = err(&output);
        let last = told.lines().last().unwrap();
        assert!(
            last.starts_with("error: the results are printed, not kept: failed to write "),
            "{told}"
        );
        assert!(last.contains("results.json: Is a directory"), "{told}");
    }
}

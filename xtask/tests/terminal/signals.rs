//! Ctrl-C, and what else asks a program to end.

use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::{err, plain, records, small_sweep, sweep};

const HUP: i32 = 1;
const INT: i32 = 2;
const TERM: i32 = 15;

/// `command` in a process group of its own, as a shell starts it on a terminal, with signals as they
/// are by default, whatever the tests' own caller ignores.
fn start(command: &Command) -> Child {
    let mut started = plain(Command::new("env"));
    started.args(["--default-signal=HUP,INT,TERM", "--"]);
    started.arg(command.get_program()).args(command.get_args());
    started.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until there is something at `path`.
fn wait_for(path: &Path) {
    let start = Instant::now();
    while !path.exists() {
        assert!(start.elapsed() < Duration::from_secs(120), "no {}", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The child's end, for which it has two minutes.
fn end_of(mut child: Child) -> Output {
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(120) {
            child.kill().unwrap();
            panic!("it does not end: {}", err(&child.wait_with_output().unwrap()));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

/// Waits until a log that nobody reads fills its pipe, and whoever writes to it waits.
fn wait_until_its_log_is_full(child: &Child) {
    let start = Instant::now();
    let log = child.stderr.as_ref().unwrap();
    let mut before = 0;
    loop {
        assert!(start.elapsed() < Duration::from_secs(120), "{before} bytes are in the pipe");
        std::thread::sleep(Duration::from_millis(200));
        let bytes = rustix::io::ioctl_fionread(log).unwrap();
        // A line is shorter than what is left of the 64 KiB then.
        if bytes == before && bytes > 63 * 1024 {
            return;
        }
        before = bytes;
    }
}

fn first_record(dir: &Path) -> std::path::PathBuf {
    pairnet_record::record_path(dir, "paper", "mlp", 0)
}

/// Sends signals to all processes of the child's group, as a terminal does.
fn send(child: &Child, signals: &[&str]) {
    for signal in signals {
        let group = format!("-{}", child.id());
        let sent = Command::new("kill").args(["-s", signal, "--", &group]).status();
        assert!(sent.unwrap().success());
    }
}

fn interrupt(signals: &[&str]) -> (Output, usize) {
    let dir = tempfile::tempdir().unwrap();
    let child = start(&sweep(1000, dir.path()));
    wait_for(&first_record(dir.path()));
    send(&child, signals);
    (end_of(child), records(dir.path()))
}

#[test]
fn a_sweep_ends_by_the_signal_that_it_got() {
    for (name, signal) in [("HUP", HUP), ("INT", INT), ("TERM", TERM)] {
        let (output, records) = interrupt(&[name]);
        assert_eq!(output.status.signal(), Some(signal), "{name}: {}", err(&output));
        let told = format!("interrupted: {records} of 1000 networks are trained");
        assert!(err(&output).contains(&told), "{name}: {}", err(&output));
        assert!(err(&output).ends_with("the same command goes on from there\n"), "{name}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    // Nobody reads its log: with the pipe full it waits, and cannot do anything about the first.
    let dir = tempfile::tempdir().unwrap();
    let mut logged = Command::new("env");
    let sweep = sweep(1000, dir.path());
    logged.arg("RUST_LOG=debug").arg(sweep.get_program()).args(sweep.get_args());
    let mut child = start(&logged);
    wait_for(&first_record(dir.path()));
    wait_until_its_log_is_full(&child);
    send(&child, &["INT"]);
    std::thread::sleep(Duration::from_millis(200));
    assert!(child.try_wait().unwrap().is_none(), "the first signal was enough");
    send(&child, &["TERM"]);
    let output = end_of(child);
    assert_eq!(output.status.signal(), Some(TERM), "{}", output.status);
    assert!(!err(&output).contains("interrupted"), "{}", err(&output));
}

/// A signal ends a shell's loop where the program ends by it.
#[test]
fn a_loop_ends_with_the_program() {
    let dir = tempfile::tempdir().unwrap();
    let first = dir.path().join("1");
    let mut shell = Command::new("bash");
    let sweep = sweep(1000, "$s");
    let arguments: Vec<&str> = sweep.get_args().map(|part| part.to_str().unwrap()).collect();
    let script = format!(
        "for s in {0}/1 {0}/2; do echo START; {1} {2}; echo END; done",
        dir.path().display(),
        sweep.get_program().display(),
        arguments.join(" ")
    );
    shell.args(["-c", &script]);
    let child = start(&shell);
    wait_for(&first_record(&first));
    send(&child, &["INT"]);
    let output = end_of(child);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "START\n", "{}", err(&output));
    assert_eq!(output.status.signal(), Some(INT));
    assert!(records(&first) > 0);
}

#[test]
fn tables_that_no_one_reads_are_left_at_once() {
    let dir = small_sweep();
    std::fs::remove_file(dir.path().join("report.html")).unwrap();
    // Its 64 KiB are full, so that printing the tables takes for ever.
    let (_reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&[0; 65536]).unwrap();
    let mut command = sweep(1, dir.path());
    let mut child = plain(Command::new("env"));
    child.args(["--default-signal=INT", "--"]).arg(command.get_program()).args(command.get_args());
    let child = child.process_group(0).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&dir.path().join("report.html"));
    std::thread::sleep(Duration::from_millis(200));
    send(&child, &["INT"]);
    let output = end_of(child);
    assert_eq!(output.status.signal(), Some(INT), "{}", err(&output));
    // The results are whole all the same.
    assert!(command.output().unwrap().status.success());
}

/// As `nohup` starts it.
#[test]
fn a_signal_that_its_caller_ignores_is_ignored() {
    let dir = tempfile::tempdir().unwrap();
    let sweep = sweep(8, dir.path());
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]);
    shell.arg(sweep.get_program()).args(sweep.get_args());
    let child = start(&shell);
    wait_for(&first_record(dir.path()));
    send(&child, &["HUP"]);
    let output = end_of(child);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(records(dir.path()), 8);
}

//! What is lost where something fails: counted. `.ci/faults` runs all of it and prints the table that
//! `docs/reliability.md` has; a short share of it is among the ordinary tests.
#![cfg(target_os = "linux")]

mod bytes;
mod clock;
mod disk;
mod folders;
mod jobs;
mod kills;
mod memory;
mod pipes;
#[path = "../support/mod.rs"]
mod support;

use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use jobs::Job;

/// How much of a part is tried.
#[derive(Clone, Copy, PartialEq)]
enum Share {
    /// What an ordinary test has time for.
    Short,
    /// What the suite counts.
    Whole,
}

impl Share {
    fn of(self, whole: usize, short: usize) -> usize {
        if self == Self::Whole { whole } else { short }
    }
}

/// A line of the table: what was done how often, and what is not as it should be after that. Fails where
/// that is anything.
fn told(share: Share, what: &str, tried: usize, lost: &[String]) {
    if share == Share::Whole {
        pairnet_terminal::note(format_args!("| {what} | {tried} | {} |", lost.len()));
    }
    assert!(tried > 0, "{what}: nothing was tried");
    assert!(lost.is_empty(), "{what}:\n{}", lost.join("\n"));
}

/// Numbers for moments: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014). The seed is `PAIRNET_FAULTS_SEED`, or the time; it is told where a test fails.
struct Moments(u64);

impl Moments {
    fn new() -> Self {
        let asked = std::env::var("PAIRNET_FAULTS_SEED").ok().and_then(|seed| seed.parse().ok());
        let now = || {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            now.map_or(0, |now| now.subsec_nanos().into())
        };
        let seed: u64 = asked.unwrap_or_else(now);
        pairnet_terminal::note(format_args!("PAIRNET_FAULTS_SEED={seed}"));
        Self(seed)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }

    /// Up to `longest`.
    fn within(&mut self, longest: Duration) -> Duration {
        Duration::from_micros(self.below(longest.as_micros() as u64))
    }
}

/// `command` behind another program, such as one that sets a limit.
fn behind(program: &str, arguments: &[&str], command: &Command) -> Command {
    let mut limited = Command::new(program);
    limited.args(arguments).arg(command.get_program()).args(command.get_args());
    limited.current_dir(command.get_current_dir().unwrap_or(".".as_ref()));
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited
}

fn start(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Two minutes are for ever.
fn end_of(mut child: Child) -> Output {
    let begun = Instant::now();
    // What it prints is less than its pipes hold.
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(120) {
            child.kill().unwrap();
            panic!("it does not end: {:?}", child.wait_with_output().unwrap());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child.wait_with_output().unwrap()
}

/// What is wrong with how a program has ended that something was done to.
fn wrong_end(output: &Output) -> Option<String> {
    use std::os::unix::process::ExitStatusExt as _;
    let told = String::from_utf8_lossy(&output.stderr);
    // An error is one; a thread that panicked is a fault of the program's, and so is a bad access.
    let (code, signal) = (output.status.code(), output.status.signal());
    let panicked = told.contains("panicked") || code == Some(101);
    let crashed = matches!(signal, Some(4 | 7 | 8 | 11));
    let silent = !output.status.success() && signal.is_none() && told.trim().is_empty();
    (panicked || crashed || silent).then(|| format!("{}: {told}", output.status))
}

/// Runs what is left of `job`, and is what is not then as after an uninterrupted one.
fn gone_on_with(job: &Job, after: &str) -> Vec<String> {
    let output = end_of(start(&mut job.command()));
    let mut lost = Vec::new();
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        lost.push(format!("{after}: it does not go on, {}: {told}", output.status));
    }
    lost.extend(job.differences(true).into_iter().map(|lost| format!("{after}: {lost}")));
    lost
}

//! The program among pipes, folders, signals and terminals, where it has to stand like any well-made
//! command. `.ci/cases` says what each of these tests is about.
#![cfg(target_os = "linux")]

mod ask;
mod folders;
mod logs;
mod pipes;
mod signals;
#[path = "../support/mod.rs"]
mod support;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use support::{err, out};

/// The program, with the environment of a shell that has nothing set: colours follow `CI` and a
/// dozen others, and without `CARGO_MANIFEST_DIR` no default folder is the workspace's.
fn xtask() -> Command {
    plain(Command::new(env!("CARGO_BIN_EXE_xtask")))
}

fn plain(mut command: Command) -> Command {
    let kept = ["PATH", "HOME", "TMPDIR"].map(|name| (name, std::env::var_os(name)));
    command.env_clear();
    command.envs(kept.into_iter().filter_map(|(name, value)| Some((name, value?))));
    command.env("CANDLE_NUM_THREADS", "1").env("TERM", "xterm").stdin(Stdio::null());
    command
}

/// A sweep of small networks, one after the other.
fn sweep(runs: usize, out: impl AsRef<OsStr>) -> Command {
    let mut command = xtask();
    command.args(["reproduce", "--recipe", "paper", "--variant", "mlp", "--jobs", "1"]);
    command.args(["--runs", &runs.to_string()]).arg("--out").arg(out);
    command
}

/// The folder of a whole sweep of one run.
fn small_sweep() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let output = sweep(1, dir.path()).output().unwrap();
    assert!(output.status.success(), "{}", err(&output));
    dir
}

fn records(dir: &Path) -> usize {
    pairnet_record::read_records(dir).unwrap().len()
}

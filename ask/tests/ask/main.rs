//! `cargo xtask predict` and `cargo xtask serve` as their users meet them.

#[cfg(target_os = "linux")]
mod browser;
#[cfg(target_os = "linux")]
mod hosts;
mod pictures;
mod predict;
#[cfg(target_os = "linux")]
mod serve;

use std::ffi::OsStr;
use std::process::{Command, Output};

/// The program; the workspace is where it is, so that the shipped networks are found.
fn ask() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ask"));
    command.env("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR")).env("CANDLE_NUM_THREADS", "1");
    command
}

fn predict(arguments: &[impl AsRef<OsStr>]) -> Output {
    ask().arg("predict").args(arguments).output().unwrap()
}

/// What `predict --json` prints.
fn prediction(arguments: &[impl AsRef<OsStr>]) -> serde_json::Value {
    let output = ask().args(["predict", "--json"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", err(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

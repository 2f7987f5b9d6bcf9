//! What the tests of the program share: how it is started, what it said, and a small study.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::Path;
use std::process::{Command, Output};

use pairnet_record::{Record, read_records};

/// Two cells, two networks, two runs: `few.toml`.
pub(crate) const FEW: &str = r#"
title = "Few epochs"
question = "Are two enough?"
variants = ["mlp-ws-al", "narrow"]
runs = 2
seed = 3

[set]
epochs = 2
pairs = 200

[grid]
optimiser = ["adam", "sgd"]

[[network]]
name = "narrow"
from = "mlp-ws-al"
branch_outputs = [20, 15, 10]
"#;

/// `cargo xtask` with these arguments; without `CARGO_MANIFEST_DIR`, so that no default folder is the
/// workspace's.
pub(crate) fn xtask(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(arguments).env_remove("CARGO_MANIFEST_DIR").env("CANDLE_NUM_THREADS", "1");
    command
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// It ended with this code, and said so much.
pub(crate) fn ends(output: &Output, code: i32, told: &str) {
    assert_eq!(output.status.code(), Some(code), "{told}: {}", err(output));
    assert!(err(output).contains(told), "{told}: {}", err(output));
}

/// Every record of the sweep in `dir`, by path, without its timing.
pub(crate) fn records(dir: &Path) -> Vec<Record> {
    read_records(dir).unwrap().iter().map(Record::without_timing).collect()
}

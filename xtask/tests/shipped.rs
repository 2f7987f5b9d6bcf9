//! The shipped networks come out of the command that is said to make them.

use std::process::Command;

/// In the workspace, whose `data/networks` it is about.
#[test]
fn the_shipped_networks_are_what_training_gives() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["networks", "--check"])
        .env("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR"))
        .env("CANDLE_NUM_THREADS", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 8);
}

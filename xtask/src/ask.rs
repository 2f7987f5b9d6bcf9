//! `cargo xtask predict` and `cargo xtask serve`, which a program of their own does: it decodes images
//! and is a server, and the main job is not to wait for the building of that.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use pairnet_terminal::note;

/// All arguments are the other program's affair.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _all: Vec<OsString>,
}

/// Ends as the program `ask` ends that is given this one's arguments. Returns where there is none.
pub(crate) fn ask() -> Result<()> {
    let cargo = std::env::var_os("CARGO").map(PathBuf::from).context(
        "this command is built by cargo when it is first asked for: type `cargo xtask`, not the \
         program's own name",
    )?;
    let built = std::env::current_exe().is_ok_and(|path| path.with_file_name(NAME).exists());
    if !built {
        note("building what reads images and serves the page, once; it takes about a minute");
    }
    let mut command = Command::new(cargo);
    command.args(["run", "--release", "--quiet", "--package", "ask"]);
    // As the alias `cargo xtask` has it.
    command.args(["--config", "term.progress.when='always'"]);
    command.args(["--config", "term.progress.width=78"]);
    command.arg("--manifest-path").arg(crate::workspace().join("Cargo.toml"));
    // As they were typed: clap would drop a `--` among them.
    command.arg("--").args(std::env::args_os().skip(1));
    replaced_by(command)
}

const NAME: &str = if cfg!(windows) { "ask.exe" } else { "ask" };

/// In the place of this program, so that signals reach the other, and its end is this one's.
#[cfg(unix)]
fn replaced_by(mut command: Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(command.exec()).context("failed to start cargo")
}

#[cfg(not(unix))]
fn replaced_by(mut command: Command) -> Result<()> {
    let status = command.status().context("failed to start cargo")?;
    std::process::exit(status.code().unwrap_or(1));
}

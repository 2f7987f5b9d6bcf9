//! All that a program prints, and how it ends.
//!
//! Notes and logs are a courtesy, on standard error: where they cannot be written, work goes on.
//! Tables are what was asked for, on standard output: a reader that has gone has seen enough, and
//! any other error is told. `print!` and `eprintln!` panic in each of these cases, be it in the midst
//! of a training; the workspace's lints forbid them.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::exit::{Exit, ends_with, exit_of};
use crate::signals::Interrupted;

/// Tells whoever watches, in lines of their own; it is no matter if no one does.
pub fn note(text: impl Display) {
    // In one piece, so that the lines of two programs do not run into each other.
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// Prints what was asked for.
///
/// # Errors
///
/// Where it cannot be written, unless the reader of a pipe has gone.
pub fn print(text: &str) -> Result<()> {
    let mut output = io::stdout().lock();
    written(output.write_all(text.as_bytes()).and_then(|()| output.flush()))
}

/// Prints the help that was asked for, or what is wrong with the arguments.
pub fn print_usage(usage: &clap::Error) -> ExitCode {
    let printed = usage.print().and_then(|()| io::stdout().flush());
    if usage.use_stderr() {
        return Exit::Usage.into();
    }
    match written(printed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// How a program ends that has done its work, or was kept from it: by the signal that it got, or with the
/// code of [`Exit`].
pub fn end(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => match error.downcast_ref::<Interrupted>() {
            Some(interrupted) => interrupted.end_program(),
            None => fail(&error),
        },
    }
}

/// Tells the error, and is its exit code.
fn fail(error: &anyhow::Error) -> ExitCode {
    note(format_args!("error: {}", told_once(error)));
    exit_of(error).into()
}

/// An error and its causes, each told once: most errors already tell their cause.
fn told_once(error: &anyhow::Error) -> String {
    error.chain().skip(1).fold(error.to_string(), |told, cause| {
        let cause = cause.to_string();
        if told.contains(&cause) { told } else { format!("{told}: {cause}") }
    })
}

fn written(result: io::Result<()>) -> Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        // What was to be kept is in its files: no disk that has room again changes that.
        result => result
            .context("failed to write to standard output")
            .map_err(|error| ends_with(Exit::Failed, error)),
    }
}

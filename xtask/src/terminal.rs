//! All that the program prints.
//!
//! Notes and logs are a courtesy, on standard error: where they cannot be written, work goes on.
//! Tables are what was asked for, on standard output: a reader that has gone has seen enough, and
//! any other error is told. `print!` and `eprintln!` panic in each of these cases, be it in the midst
//! of a training; the workspace's lints forbid them.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Tells whoever watches, in lines of their own; it is no matter if no one does.
pub(crate) fn note(text: impl Display) {
    // In one piece, so that the lines of two programs do not run into each other.
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// Prints what was asked for.
///
/// # Errors
///
/// Where it cannot be written, unless the reader of a pipe has gone.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut output = io::stdout().lock();
    written(output.write_all(text.as_bytes()).and_then(|()| output.flush()))
}

/// Prints the help that was asked for, or what is wrong with the arguments.
pub(crate) fn print_usage(usage: &clap::Error) -> ExitCode {
    let printed = usage.print().and_then(|()| io::stdout().flush());
    if usage.use_stderr() {
        return ExitCode::from(2);
    }
    match written(printed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// Tells the error, and is the exit code of a program that has failed.
pub(crate) fn fail(error: &anyhow::Error) -> ExitCode {
    note(format_args!("error: {}", told_once(error)));
    ExitCode::FAILURE
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
        result => result.context("failed to write to standard output"),
    }
}

/// Logs what `RUST_LOG` asks for: `RUST_LOG=pairnet_training=debug`, say. Colour is where clap has
/// it: on a terminal, and not where `NO_COLOR` is set.
///
/// # Errors
///
/// Where `RUST_LOG` is not understood.
pub(crate) fn start_logs() -> Result<()> {
    let asked = std::env::var_os("RUST_LOG").unwrap_or_default();
    let refused = || format!("RUST_LOG={} is not understood", asked.display());
    let text = asked.to_str().with_context(refused)?;
    let default = LevelFilter::ERROR.into();
    let filter = EnvFilter::builder().with_default_directive(default).parse(text);
    let filter = filter.with_context(refused)?;
    // A misspelt level is the name of a crate to whoever reads RUST_LOG.
    let is_name = |word: &&str| word.chars().all(|c| c.is_alphanumeric() || c == '_');
    for word in text.split(',').map(str::trim).filter(is_name) {
        if !word.is_empty() && !word.starts_with("pairnet") && word.parse::<LevelFilter>().is_err()
        {
            note(format_args!(
                "RUST_LOG: '{word}' is no level, and nothing here logs under that name"
            ));
        }
    }
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(AutoStream::choice(&io::stderr()) != ColorChoice::Never)
        // What it would print then is by eprintln!, which panics where the log could not be written.
        .log_internal_errors(false)
        .with_env_filter(filter)
        .init();
    Ok(())
}

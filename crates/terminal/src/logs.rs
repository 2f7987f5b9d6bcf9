//! What the libraries log.

use std::io;

use anstream::{AutoStream, ColorChoice};
use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::output::note;

/// Logs what `RUST_LOG` asks for: `RUST_LOG=pairnet_training=debug`, say. Colour is where clap has
/// it: on a terminal, and not where `NO_COLOR` is set.
///
/// # Errors
///
/// Where `RUST_LOG` is not understood.
pub fn start_logs() -> Result<()> {
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

//! Asks kept networks: `cargo xtask predict` and `cargo xtask serve` end here.
//!
//! A program of its own, because reading images and serving a page take long to build, which the main
//! job is not to wait for.

mod networks;
mod predict;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use pairnet_terminal::{end, print_usage, start_logs};
use pairnet_training::start_threads;

/// Asks kept networks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show two pictures of digits to a network, and say what it makes of them
    Predict(predict::Arguments),
    /// Serve a page to draw two digits on, where all networks answer
    Serve(serve::Arguments),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(usage) => return print_usage(&usage),
    };
    end(start_logs().and_then(|()| Ok(start_threads()?)).and_then(|()| match arguments.command {
        Command::Predict(arguments) => predict::predict(&arguments),
        Command::Serve(arguments) => serve::serve(&arguments),
    }))
}

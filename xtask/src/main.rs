//! The front door: `cargo xtask reproduce`, and what stands beside it.
//!
//! Arguments, terminal, files and exit codes are here; the work is in the crates.

mod aside;
mod ask;
mod bench;
mod claim;
mod data;
mod described;
mod device;
mod evaluate;
mod merge;
mod networks;
mod progress;
mod provenance;
mod report;
mod reproduce;
mod study;
mod sweep;
mod text;
mod train;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use pairnet_terminal::{end, print_usage, start_logs};

/// Training allocates and frees the same few sizes at every step. The system's allocator returns
/// that memory to the kernel and faults it in again; mimalloc keeps it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// For whoever starts programs again, a scheduler say.
const EXIT_CODES: &str = "\
Exit codes:
   0  done
   1  refused or failed; the same command would end so again
   2  the arguments are not understood
   3  merge: some networks are missing
  75  worth another try: the folder is in use, the disk is full, a run failed that may not fail again
Ctrl-C and SIGTERM leave what is done; the program ends by the signal (128 + its number in a shell), and the
same command goes on from there.";

/// Reproduces "Classification, weight sharing, auxiliary losses".
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Train the networks and print the paper's tables beside the published ones
    #[command(after_help = EXIT_CODES)]
    Reproduce(reproduce::Arguments),
    /// Train what a file asks for: other settings, other networks, a grid of them
    #[command(after_help = EXIT_CODES)]
    Study(study::Arguments),
    /// Join the folders that the shares of a sweep were trained into
    #[command(after_help = EXIT_CODES)]
    Merge(merge::Arguments),
    /// Train one network, and keep it
    Train(train::Arguments),
    /// Say how good kept networks are, on fresh test pairs
    Evaluate(evaluate::Arguments),
    /// Show two pictures of digits to a network, and say what it makes of them
    #[command(disable_help_flag = true)]
    Predict(ask::Arguments),
    /// Serve a page to draw two digits on, where all networks answer
    #[command(disable_help_flag = true)]
    Serve(ask::Arguments),
    /// Train the shipped networks again
    Networks(networks::Arguments),
    /// Make the results of a sweep again from its records, without training
    Report(report::Arguments),
    /// Time this project, stock candle and PyTorch side by side
    Bench(bench::Arguments),
    /// Fetch and verify MNIST
    #[command(subcommand)]
    Data(data::Command),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(usage) => return print_usage(&usage),
    };
    end(start_logs().and_then(|()| match arguments.command {
        Command::Reproduce(arguments) => reproduce::reproduce(&arguments),
        Command::Study(arguments) => study::study(&arguments),
        Command::Merge(arguments) => merge::merge(&arguments),
        Command::Train(arguments) => train::train(&arguments),
        Command::Evaluate(arguments) => evaluate::evaluate(&arguments),
        Command::Predict(_) | Command::Serve(_) => ask::ask(),
        Command::Networks(arguments) => networks::networks(&arguments),
        Command::Report(arguments) => report::report(&arguments),
        Command::Bench(arguments) => bench::bench(&arguments),
        Command::Data(command) => data::data(&command),
    }))
}

/// The folder of the workspace, where `cargo run` says so; else the working directory.
fn workspace() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    manifest.as_deref().and_then(Path::parent).unwrap_or(Path::new(".")).to_owned()
}

//! `cargo xtask bench`: this project, the same networks on stock candle, and PyTorch, side by side.

mod growth;
mod measure;
mod other_networks;
mod table;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::Result;
use pairnet_data::Mnist;
use pairnet_models::{Kernels, variants};
use pairnet_training::Recipe;

use measure::{Machine, Measurement, measure_alone, measure_ours, measure_pytorch, multiply_speed};

use pairnet_terminal::{Interrupted, Signals};
use pairnet_terminal::{note, print};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A Python that has torch; without one, PyTorch's column is empty
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// How often everything is measured, in turn
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: usize,
    /// Runs of each variant in one measurement, here and in PyTorch
    #[arg(long, value_name = "N", default_value_t = 10)]
    runs: usize,
    /// Runs of each variant on stock candle in one measurement; 0 leaves it out
    #[arg(long, value_name = "N", default_value_t = 2)]
    stock_runs: usize,
    /// Time other networks, and not the paper's: with candle's MNIST network, LeNet-5 on 28×28, a
    /// residual network and an MLP
    #[arg(long)]
    other_networks: bool,
    /// Time other networks at growing batches, widths and image sizes, and sweeps of more and more runs; leaves a
    /// picture too
    #[arg(long, conflicts_with = "other_networks")]
    growth: bool,
    /// Time all of these, one after another: the paper's networks, the others, and growth
    #[arg(long, conflicts_with_all = ["other_networks", "growth"])]
    all: bool,
    /// Seconds that each step of another network is repeated for
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    seconds: f64,
    /// Folder for the tables [default: runs/bench in the workspace]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn bench(arguments: &Arguments) -> Result<()> {
    let workspace = crate::workspace();
    let machine = Machine::here();
    let dir = arguments.out.clone().unwrap_or_else(|| workspace.join("runs/bench"));
    let Arguments { other_networks: others, growth: grown, all, .. } = *arguments;
    if all || !(others || grown) {
        papers_networks(arguments, &workspace, &machine, &dir)?;
    }
    if all || others {
        other_networks(arguments, &workspace, &machine, &dir)?;
    }
    if all || grown {
        growth(arguments, &workspace, &machine, &dir)?;
    }
    Ok(())
}

fn papers_networks(
    arguments: &Arguments,
    workspace: &Path,
    machine: &Machine,
    dir: &Path,
) -> Result<()> {
    let data = Mnist::shipped()?;
    let signals = Signals::listen()?;
    let mut rounds = Vec::with_capacity(arguments.rounds);
    let mut measure_all = || -> Result<()> {
        for number in 1..=arguments.rounds {
            let name = format!("round {number} of {}", arguments.rounds);
            rounds.push(round(arguments, &name, workspace, machine, &data, signals.stop())?);
            // After each round: a later one that fails must not take the others along.
            write(dir, &table::Report::new(machine, &rounds)?)?;
        }
        Ok(())
    };
    let measured = measure_all();
    if let Some(signal) = signals.end() {
        let (whole, all, dir) = (rounds.len(), arguments.rounds, dir.display());
        let told = match whole {
            0 => "interrupted in the first round: nothing is left of it".to_owned(),
            _ => format!("interrupted after {whole} of {all} rounds, which are in {dir}"),
        };
        return Err(Interrupted { signal, told }.into());
    }
    measured?;
    note(format_args!("bench.md and bench.json are in {}", dir.display()));
    print(&table::Report::new(machine, &rounds)?.to_markdown())
}

fn other_networks(
    arguments: &Arguments,
    workspace: &Path,
    machine: &Machine,
    dir: &Path,
) -> Result<()> {
    let asked = other_networks::Asked {
        python: arguments.python.as_deref(),
        rounds: arguments.rounds.max(1),
        stock: arguments.stock_runs > 0,
        seconds: arguments.seconds,
    };
    let report =
        other_networks::measure(workspace, machine, &asked, &|row| note(format_args!("{row}")))?;
    let write = |name: &str, text: String| {
        pairnet_record::write_atomically(&dir.join(name), text.as_bytes())
    };
    write("other-networks.json", report.to_json()?)?;
    write("other-networks.md", report.to_markdown())?;
    note(format_args!("other-networks.md and other-networks.json are in {}", dir.display()));
    print(&report.to_markdown())
}

fn growth(arguments: &Arguments, workspace: &Path, machine: &Machine, dir: &Path) -> Result<()> {
    let asked = (arguments.python.as_deref(), arguments.seconds);
    let report = growth::measure(workspace, machine, asked, &|row| note(format_args!("{row}")))?;
    let write = |name: &str, text: String| {
        pairnet_record::write_atomically(&dir.join(name), text.as_bytes())
    };
    write("growth.json", report.to_json()?)?;
    write("growth.md", report.to_markdown())?;
    write("growth.svg", report.to_svg()?)?;
    note(format_args!("growth.md, growth.json and growth.svg are in {}", dir.display()));
    print(&report.to_markdown())
}

/// Measures everything once.
fn round(
    arguments: &Arguments,
    name: &str,
    workspace: &Path,
    machine: &Machine,
    data: &Mnist,
    stop: &AtomicBool,
) -> Result<Measurement> {
    let recipe = Recipe::paper();
    note(format_args!("{name}: matrix products"));
    let sgemm = multiply_speed(machine.cores)?;
    let mut measurement = Measurement::new(sgemm);
    for variant in variants() {
        note(format_args!("{name}: {}", variant.name));
        let ours = |kernels, runs| {
            let workers = (runs, machine.cores);
            measure_ours(&recipe, variant, kernels, data, workers, machine.cores, stop)
        };
        measurement.ours.push(ours(Kernels::Fused, arguments.runs)?);
        let (one_thread, all_threads) = measure_alone(&recipe, variant, data, machine.cores, stop)?;
        measurement.alone_one_thread.push(one_thread);
        measurement.alone_all_threads.push(all_threads);
        if arguments.stock_runs > 0 {
            measurement.stock.push(ours(Kernels::Composed, arguments.stock_runs)?);
        }
        if let Some(python) = &arguments.python {
            let script = workspace.join("bench/pytorch.py");
            let seconds = measure_pytorch(
                python,
                &script,
                &recipe.name,
                &variant.name,
                arguments.runs,
                machine.cores,
            )?;
            measurement.pytorch.push(seconds);
        }
    }
    Ok(measurement)
}

fn write(dir: &Path, report: &table::Report) -> Result<()> {
    pairnet_record::write_atomically(&dir.join("bench.json"), report.to_json()?.as_bytes())?;
    pairnet_record::write_atomically(&dir.join("bench.md"), report.to_markdown().as_bytes())?;
    Ok(())
}

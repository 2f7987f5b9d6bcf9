//! `cargo xtask bench`: this project, the same networks on stock candle, and PyTorch, side by side.

mod measure;
mod table;

use std::path::{Path, PathBuf};

use anyhow::Result;
use pairnet_data::Mnist;
use pairnet_models::{Kernels, VARIANTS};
use pairnet_training::Recipe;

use measure::{Machine, Measurement, measure_alone, measure_ours, measure_pytorch, multiply_speed};

use crate::terminal::{note, print};

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
    /// Folder for bench.md and bench.json [default: runs/bench in the workspace]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn bench(arguments: &Arguments) -> Result<()> {
    let workspace = crate::workspace();
    let data = Mnist::shipped()?;
    let recipe = Recipe::paper();
    let machine = Machine::here();
    let dir = arguments.out.clone().unwrap_or_else(|| workspace.join("runs/bench"));
    let mut rounds = Vec::with_capacity(arguments.rounds);
    for round in 1..=arguments.rounds {
        note(format_args!("round {round} of {}: matrix products", arguments.rounds));
        let sgemm = multiply_speed(machine.cores)?;
        let mut measurement = Measurement::new(sgemm);
        for variant in &VARIANTS {
            note(format_args!("round {round} of {}: {}", arguments.rounds, variant.name));
            let ours = |kernels, runs, workers| {
                measure_ours(&recipe, variant, kernels, &data, (runs, workers), machine.cores)
            };
            measurement.ours.push(ours(Kernels::Fused, arguments.runs, machine.cores)?);
            let (one_thread, all_threads) = measure_alone(&recipe, variant, &data, machine.cores)?;
            measurement.alone_one_thread.push(one_thread);
            measurement.alone_all_threads.push(all_threads);
            if arguments.stock_runs > 0 {
                measurement.stock.push(ours(
                    Kernels::Composed,
                    arguments.stock_runs,
                    machine.cores,
                )?);
            }
            if let Some(python) = &arguments.python {
                let script = workspace.join("bench/pytorch.py");
                let seconds = measure_pytorch(
                    python,
                    &script,
                    recipe.name,
                    variant.name,
                    arguments.runs,
                    machine.cores,
                )?;
                measurement.pytorch.push(seconds);
            }
        }
        rounds.push(measurement);
        // After each round: a later one that fails must not take the others along.
        write(&dir, &table::Report::new(&machine, &rounds))?;
    }
    note(format_args!("bench.md and bench.json are in {}", dir.display()));
    print(&table::Report::new(&machine, &rounds).to_markdown())
}

fn write(dir: &Path, report: &table::Report) -> Result<()> {
    pairnet_record::write_atomically(&dir.join("bench.json"), report.to_json()?.as_bytes())?;
    pairnet_record::write_atomically(&dir.join("bench.md"), report.to_markdown().as_bytes())?;
    Ok(())
}

//! `cargo xtask bench --other-networks`: networks that have nothing to do with digits in pairs, by a program
//! of one's own, by stock candle and by PyTorch.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::measure::Machine;
use super::table::{Spread, cell};

const NETWORKS: [&str; 8] =
    ["mnist", "lenet5", "lenet5-tanh", "residual", "vgg11", "mobilenet", "resnext", "mlp"];
const BATCHES: [usize; 3] = [1, 32, 256];
/// What `examples/src/bench` computes with, ours first.
const STYLES: [&str; 3] = ["functions", "layers", "candle"];

/// What the table is of.
pub(crate) struct Asked<'a> {
    pub(crate) python: Option<&'a Path>,
    pub(crate) rounds: usize,
    /// Whether stock candle is measured, which takes longest.
    pub(crate) stock: bool,
    /// That each program repeats its step for.
    pub(crate) seconds: f64,
}

/// The contents of `other-networks.json`; times are milliseconds of a training step.
#[derive(Serialize)]
pub(crate) struct Report {
    format: u32,
    machine: String,
    rounds: usize,
    rows: Vec<Row>,
    /// PyTorch's time over that of functions, and over that of layers.
    pytorch_ratio: Option<Ratios>,
    pytorch_layers_ratio: Option<Ratios>,
}

/// Of all rows.
#[derive(Serialize)]
struct Ratios {
    geometric_mean: f64,
    smallest: f64,
}

impl Ratios {
    fn of(ratios: &[f64]) -> Option<Self> {
        let smallest = ratios.iter().copied().min_by(f64::total_cmp)?;
        let logarithms = ratios.iter().map(|ratio| ratio.ln()).sum::<f64>();
        Some(Self { geometric_mean: (logarithms / ratios.len() as f64).exp(), smallest })
    }
}

#[derive(Serialize)]
struct Row {
    network: &'static str,
    batch: usize,
    threads: usize,
    functions: Spread,
    layers: Spread,
    candle: Option<Spread>,
    pytorch: Option<Spread>,
    /// The other's time over that of functions, round by round; of PyTorch's, over that of layers, too.
    pytorch_ratio: Option<Spread>,
    pytorch_layers_ratio: Option<Spread>,
    candle_ratio: Option<Spread>,
    /// One thread's time over this one's.
    speedup: Option<f64>,
    /// MiB by which a process's memory grew at most.
    functions_memory: Option<f64>,
    pytorch_memory: Option<f64>,
}

/// Measures everything in turn, round after round.
pub(crate) fn measure(
    workspace: &Path,
    machine: &Machine,
    asked: &Asked<'_>,
    note: &dyn Fn(&str),
) -> Result<Report> {
    note("building examples/src/bin/other_networks.rs");
    let program = build(workspace)?;
    let script = workspace.join("bench/other_networks.py");
    let threads = if machine.cores > 1 { vec![1, machine.cores] } else { vec![1] };
    let mut rows = Vec::new();
    for network in NETWORKS {
        for batch in BATCHES {
            for &threads in &threads {
                note(&format!("{network}, batches of {batch}, {threads} thread(s)"));
                let numbers = [batch.to_string(), threads.to_string(), asked.seconds.to_string()];
                let mut steps = [const { Vec::new() }; 4];
                for _ in 0..asked.rounds {
                    for (index, style) in STYLES.into_iter().enumerate() {
                        if style != "candle" || asked.stock {
                            let mut command = alone(&program);
                            command.args([network, style]).args(&numbers);
                            steps[index].push(Step::of(&mut command)?);
                        }
                    }
                    if let Some(python) = asked.python {
                        let mut command = alone(python);
                        command.arg(&script).arg(network).args(&numbers);
                        steps[3].push(Step::of(&mut command)?);
                    }
                }
                rows.push(row((network, batch, threads), &steps, &rows)?);
            }
        }
    }
    let of_rows = |ratio: fn(&Row) -> &Option<Spread>| {
        let medians: Vec<f64> =
            rows.iter().filter_map(|row| Some(ratio(row).as_ref()?.median)).collect();
        Ratios::of(&medians)
    };
    let pytorch_ratio = of_rows(|row| &row.pytorch_ratio);
    let pytorch_layers_ratio = of_rows(|row| &row.pytorch_layers_ratio);
    Ok(Report {
        format: 1,
        machine: machine.name.clone(),
        rounds: asked.rounds,
        rows,
        pytorch_ratio,
        pytorch_layers_ratio,
    })
}

/// The program outside the workspace, as whoever has such a one would build it.
pub(super) fn build(workspace: &Path) -> Result<PathBuf> {
    let folder = workspace.join("examples");
    let built = Command::new("cargo")
        .args(["build", "--release", "--quiet", "--bin", "other_networks"])
        .current_dir(&folder)
        .status()
        .context("failed to start cargo")?;
    if !built.success() {
        bail!("{} could not be built", folder.display());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| folder.join("target"));
    Ok(target.join("release/other_networks"))
}

/// A program without what this repository sets for its own.
pub(super) fn alone(program: &Path) -> Command {
    let mut command = Command::new(program);
    for name in ["CANDLE_NUM_THREADS", "MIMALLOC_PURGE_DELAY", "RAYON_NUM_THREADS"] {
        command.env_remove(name);
    }
    command
}

/// What a program says of the steps that it took.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Step {
    pub(super) milliseconds: f64,
    /// MiB by which the process's memory grew at most, where its kernel tells.
    pub(super) memory: Option<f64>,
}

impl Step {
    pub(super) fn of(command: &mut Command) -> Result<Self> {
        let output = command.output().with_context(|| format!("failed to start {command:?}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut numbers = text.split_whitespace().map(str::parse::<f64>);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(milliseconds)), Some(Ok(memory))) if output.status.success() => {
                Ok(Self { milliseconds, memory: Some(memory).filter(|memory| memory.is_finite()) })
            }
            _ => bail!("{command:?} failed: {}{text}", String::from_utf8_lossy(&output.stderr)),
        }
    }
}

fn row(
    (network, batch, threads): (&'static str, usize, usize),
    steps: &[Vec<Step>; 4],
    before: &[Row],
) -> Result<Row> {
    let spread = |steps: &[Step]| Spread::of(steps.iter().map(|step| step.milliseconds));
    let memory =
        |steps: &[Step]| Some(Spread::of(steps.iter().filter_map(|step| step.memory))?.median);
    let [ours, layers, candle, pytorch] = steps;
    let ratio = |other: &[Step], ours: &[Step]| {
        let pairs = other.iter().zip(ours);
        Spread::of(pairs.map(|(other, ours)| other.milliseconds / ours.milliseconds))
    };
    let functions = spread(ours).context("there was no round")?;
    let alone =
        before.iter().find(|row| (row.network, row.batch, row.threads) == (network, batch, 1));
    Ok(Row {
        network,
        batch,
        threads,
        speedup: alone.map(|alone| alone.functions.median / functions.median),
        functions,
        layers: spread(layers).context("there was no round")?,
        candle: spread(candle),
        pytorch: spread(pytorch),
        pytorch_ratio: ratio(pytorch, ours),
        pytorch_layers_ratio: ratio(pytorch, layers),
        candle_ratio: ratio(candle, ours),
        functions_memory: memory(ours),
        pytorch_memory: memory(pytorch),
    })
}

impl Report {
    pub(crate) fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    pub(crate) fn to_markdown(&self) -> String {
        let mut text = format!(
            "# Other networks\n\n{}; {} rounds, median [min, max]. Milliseconds of a training step (forward, \
             backward, Adam), with the system's allocator and no variable set: by the functions of \
             `pairnet-ops` (channels last, on a tape) and by its layers (channels second, by `backward_step`; \
             `examples/src/bench`); by PyTorch in the faster of its layouts (`bench/other_networks.py`); by \
             candle-nn. Ratios are the other's time over that of the functions, and once of the layers. MiB: by how much the memory of the functions' process and \
             of PyTorch's (both layouts) grew at most, after a small network was trained.\n\n\
             | network | batch | threads | functions | layers | PyTorch | ratio | to layers | stock candle | ratio | 1 thread / all | MiB: functions | PyTorch |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
            self.machine, self.rounds,
        );
        let optional = |spread: &Option<Spread>, digits| {
            spread.as_ref().map_or_else(|| "—".to_owned(), |spread| cell(spread, digits))
        };
        for row in &self.rows {
            text += &format!(
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
                row.network,
                row.batch,
                row.threads,
                cell(&row.functions, 2),
                cell(&row.layers, 2),
                optional(&row.pytorch, 2),
                optional(&row.pytorch_ratio, 2),
                optional(&row.pytorch_layers_ratio, 2),
                optional(&row.candle, 1),
                optional(&row.candle_ratio, 1),
                row.speedup.map_or_else(|| "—".to_owned(), |speedup| format!("{speedup:.2}")),
                mebibytes(row.functions_memory),
                mebibytes(row.pytorch_memory),
            );
        }
        if let (Some(functions), Some(layers)) = (&self.pytorch_ratio, &self.pytorch_layers_ratio) {
            text += &format!(
                "\nPyTorch's time over that of the functions: {:.2} in the geometric mean of all rows, {:.2} in the \
                 smallest; over that of the layers: {:.2} and {:.2}.\n",
                functions.geometric_mean,
                functions.smallest,
                layers.geometric_mean,
                layers.smallest,
            );
        }
        text
    }
}

/// A number of MiB, or that there is none.
pub(super) fn mebibytes(memory: Option<f64>) -> String {
    memory.map_or_else(|| "—".to_owned(), |memory| format!("{memory:.0}"))
}

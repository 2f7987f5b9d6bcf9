//! `cargo xtask bench --growth`: how time and memory grow with batch, width, image size and runs.

mod picture;

use std::path::Path;

use anyhow::Result;
use pairnet_data::Mnist;
use pairnet_models::{Kernels, variant};
use pairnet_training::Recipe;
use serde::Serialize;

use super::measure::{Machine, measure_ours};
use super::other_networks::{Step, alone, build, mebibytes};

/// What grows, beside what stays.
struct Series {
    title: &'static str,
    /// What is counted along it.
    along: &'static str,
    /// Network and batch for a size.
    network: fn(usize) -> (String, usize),
    sizes: &'static [usize],
}

const SERIES: [Series; 3] = [
    Series {
        title: "residual network, 32×32",
        along: "images in a batch",
        network: |size| ("residual".to_owned(), size),
        sizes: &[1, 2, 4, 8, 16, 32, 64, 128, 256],
    },
    Series {
        title: "MLP, batches of 64",
        along: "units in a hidden layer",
        network: |size| (format!("mlp:{size}"), 64),
        sizes: &[32, 64, 128, 256, 512, 1024, 2048, 4096],
    },
    Series {
        title: "residual network, batches of 8",
        along: "pixels along a side",
        network: |size| (format!("residual:{size}"), 8),
        sizes: &[8, 16, 32, 64, 128, 256],
    },
];

/// Runs of a sweep of `mlp`.
const RUNS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

/// The contents of `growth.json`.
#[derive(Serialize)]
pub(crate) struct Report {
    format: u32,
    machine: String,
    series: Vec<Measured>,
}

/// What was measured along one axis.
#[derive(Serialize)]
struct Measured {
    title: &'static str,
    along: &'static str,
    /// Of what a time is.
    of: &'static str,
    points: Vec<Point>,
}

#[derive(Serialize)]
struct Point {
    size: usize,
    functions: Step,
    pytorch: Option<Step>,
}

/// Measures everything once, on all cores; a step is repeated for so many seconds.
pub(crate) fn measure(
    workspace: &Path,
    machine: &Machine,
    (python, seconds): (Option<&Path>, f64),
    note: &dyn Fn(&str),
) -> Result<Report> {
    note("building examples/src/bin/other_networks.rs");
    let program = build(workspace)?;
    let script = workspace.join("bench/other_networks.py");
    let mut series = Vec::new();
    for Series { title, along, network, sizes } in SERIES {
        let mut points = Vec::new();
        for &size in sizes {
            note(&format!("{title}: {size} {along}"));
            let (network, batch) = network(size);
            let numbers = [batch.to_string(), machine.cores.to_string(), seconds.to_string()];
            let mut ours = alone(&program);
            let functions = Step::of(ours.args([&*network, "functions"]).args(&numbers))?;
            let pytorch = |python| {
                let mut theirs = alone(python);
                Step::of(theirs.arg(&script).arg(&network).args(&numbers))
            };
            points.push(Point { size, functions, pytorch: python.map(pytorch).transpose()? });
        }
        series.push(Measured { title, along, of: "a training step", points });
    }
    series.push(runs(machine, note)?);
    Ok(Report { format: 1, machine: machine.name.clone(), series })
}

/// Sweeps of the paper's smallest network.
fn runs(machine: &Machine, note: &dyn Fn(&str)) -> Result<Measured> {
    let (data, recipe, variant) = (Mnist::shipped()?, Recipe::paper(), variant("mlp")?);
    let mut points = Vec::new();
    for size in RUNS {
        note(&format!("mlp by paper: {size} runs"));
        let (workers, stop) = ((size, machine.cores), false.into());
        let kernels = Kernels::Fused;
        let seconds =
            measure_ours(&recipe, variant, kernels, &data, workers, machine.cores, &stop)?;
        let milliseconds = seconds * size as f64 * 1e3;
        points.push(Point { size, functions: Step { milliseconds, memory: None }, pytorch: None });
    }
    let (title, along, of) = ("sweep of `mlp`", "runs", "a whole sweep");
    Ok(Measured { title, along, of, points })
}

impl Report {
    pub(crate) fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// The picture, as SVG.
    pub(crate) fn to_svg(&self) -> Result<String> {
        picture::draw(&self.series)
    }

    pub(crate) fn to_markdown(&self) -> String {
        let mut text = format!(
            "# Growth\n\n{}; once each, on all cores. Milliseconds of a training step by the functions of \
             `pairnet-ops` and by PyTorch in the faster of its layouts, or of a whole sweep; MiB as in the table \
             of other networks.\n",
            self.machine,
        );
        for Measured { title, along, of, points } in &self.series {
            text += &format!(
                "\n| {along} ({title}) | ms of {of} | PyTorch | MiB | PyTorch |\n|--:|--:|--:|--:|--:|\n"
            );
            for Point { size, functions, pytorch } in points {
                let theirs =
                    pytorch.map_or("—".to_owned(), |step| format!("{:.2}", step.milliseconds));
                text += &format!(
                    "| {size} | {:.2} | {theirs} | {} | {} |\n",
                    functions.milliseconds,
                    mebibytes(functions.memory),
                    mebibytes(pytorch.and_then(|step| step.memory)),
                );
            }
        }
        text
    }
}

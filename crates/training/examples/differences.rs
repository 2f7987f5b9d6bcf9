//! What each difference between the paper's text and its code does to the test accuracy.
//!
//! ```text
//! cargo run --release --package pairnet-training --example differences
//! ```
//!
//! Takes the recipe `paper`, gives it one trait of `authors` at a time, and trains every variant
//! with it: same pairs, initial weights and dropout, so that the difference of each run is the
//! trait's. Prints a Markdown table, in percentage points: mean over the runs, and its 95 %
//! interval by Student's t.
#![expect(clippy::print_stdout, reason = "it is a program")]

use std::error::Error;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use candle_core::Device;
use pairnet_data::Mnist;
use pairnet_models::{Kernels, VARIANTS};
use pairnet_training::{Recipe, Setup, run};

const RUNS: usize = 10;
const SEED: u64 = 0;
/// The 97.5 % point of Student's t with 9 degrees of freedom.
const T: f64 = 2.262;

fn traits() -> Vec<(&'static str, Recipe)> {
    let (paper, authors) = (Recipe::paper(), Recipe::authors());
    let Recipe { main_loss, auxiliary_loss, auxiliary_weight, adam_state, evaluation, .. } =
        authors;
    vec![
        ("`paper` itself", paper.clone()),
        ("squared error of the sigmoid", Recipe { main_loss, ..paper.clone() }),
        ("softmax twice", Recipe { auxiliary_loss, ..paper.clone() }),
        ("auxiliary weight 0.05", Recipe { auxiliary_weight, ..paper.clone() }),
        ("Adam made anew each step", Recipe { adam_state, ..paper.clone() }),
        ("evaluation in train mode", Recipe { evaluation, ..paper.clone() }),
        (
            "all of these",
            Recipe { main_loss, auxiliary_loss, auxiliary_weight, adam_state, evaluation, ..paper },
        ),
    ]
}

fn main() -> Result<(), Box<dyn Error>> {
    let data = Mnist::shipped()?;
    let traits = traits();
    let setup = Setup { device: Device::Cpu, kernels: Kernels::Fused, test_every_epoch: false };
    let jobs = traits.len() * VARIANTS.len() * RUNS;
    let accuracies = Mutex::new(vec![None; jobs]);
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let job = next.fetch_add(1, Ordering::Relaxed);
                    if job >= jobs {
                        break;
                    }
                    let (_, recipe) = &traits[job / (VARIANTS.len() * RUNS)];
                    let variant = &VARIANTS[job / RUNS % VARIANTS.len()];
                    let finished = run(recipe, variant, (job % RUNS, SEED), &data, &setup, &stop);
                    if let (Ok(finished), Ok(mut accuracies)) = (finished, accuracies.lock()) {
                        accuracies[job] = finished.record.test_accuracy;
                    }
                }
            });
        }
    });
    let accuracies = accuracies.into_inner()?;
    let of = |index: usize, variant: usize, run: usize| {
        accuracies[(index * VARIANTS.len() + variant) * RUNS + run]
    };

    let names: Vec<String> = VARIANTS.iter().map(|variant| format!("`{}`", variant.name)).collect();
    println!("| | {} |\n|---|{}", names.join(" | "), "---|".repeat(VARIANTS.len()));
    for (index, (name, _)) in traits.iter().enumerate() {
        let cells: Vec<String> = (0..VARIANTS.len())
            .map(|variant| {
                let base = |run| if index == 0 { Some(0.0) } else { of(0, variant, run) };
                let differences: Option<Vec<f64>> =
                    (0..RUNS).map(|run| Some(of(index, variant, run)? - base(run)?)).collect();
                differences.map_or_else(|| "a run failed".to_owned(), |d| describe(&d, index > 0))
            })
            .collect();
        println!("| {name} | {} |", cells.join(" | "));
    }
    Ok(())
}

/// Mean and half the width of its interval.
fn describe(values: &[f64], signed: bool) -> String {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let half = T * (squares / (count - 1.0) / count).sqrt();
    if signed && squares == 0.0 && mean == 0.0 {
        return "0".to_owned();
    }
    if signed { format!("{mean:+.1} ± {half:.1}") } else { format!("{mean:.1} ± {half:.1}") }
}

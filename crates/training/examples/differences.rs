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

mod support;

use std::error::Error;

use pairnet_models::variants;
use pairnet_training::{Job, Recipe};
use support::{moments, test_accuracies};

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
    let traits = traits();
    let mut jobs = Vec::new();
    for (_, recipe) in &traits {
        for variant in variants() {
            jobs.extend((0..RUNS).map(|run| (Job { recipe, variant, run }, SEED)));
        }
    }
    let accuracies = test_accuracies(&jobs)?;
    let of = |index: usize, variant: usize, run: usize| {
        accuracies[(index * variants().len() + variant) * RUNS + run]
    };

    let names: Vec<String> =
        variants().iter().map(|variant| format!("`{}`", variant.name)).collect();
    println!("| | {} |\n|---|{}", names.join(" | "), "---|".repeat(variants().len()));
    for (index, (name, _)) in traits.iter().enumerate() {
        let cells: Vec<String> = (0..variants().len())
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
    let (mean, variance) = moments(values);
    let half = T * (variance / values.len() as f64).sqrt();
    if signed && variance == 0.0 && mean == 0.0 {
        return "0".to_owned();
    }
    let mean = if signed { format!("{mean:+.1}") } else { format!("{mean:.1}") };
    format!("{} ± {half:.1}", mean.replace('-', "−"))
}

//! How far the draw of pairs moves the test accuracies of the recipe `authors`.
//!
//! ```text
//! cargo run --release --package pairnet-training --example draws
//! ```
//!
//! All runs of a network share one draw of pairs, so the luck of that draw is in their mean and not
//! in their spread. Trains every variant with other seeds, which have other pairs, and prints a
//! Markdown table in percent: the mean over the runs at each seed; then two standard deviations,
//! between draws and between runs of one draw. The means of few runs would differ without any luck
//! of the draw, so the variance between draws is that of the means less the runs' variance divided
//! by their number, and 0 where that is below 0 (one-way analysis of variance with random effects).
#![expect(clippy::print_stdout, reason = "it is a program")]

mod support;

use std::error::Error;

use pairnet_models::variants;
use pairnet_training::{Job, Recipe};
use support::{moments, test_accuracies};

const RUNS: usize = 10;
const SEEDS: u64 = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let recipe = Recipe::authors();
    let mut jobs = Vec::new();
    for variant in variants() {
        for seed in 0..SEEDS {
            jobs.extend((0..RUNS).map(|run| (Job { recipe: &recipe, variant, run }, seed)));
        }
    }
    let accuracies = test_accuracies(&jobs)?;

    let seeds: String = (0..SEEDS).map(|seed| format!(" seed {seed} |")).collect();
    println!("| |{seeds} sd between draws | sd within a draw |");
    println!("|---|{}", "---|".repeat(SEEDS as usize + 2));
    for (variant, accuracies) in variants().iter().zip(accuracies.chunks(SEEDS as usize * RUNS)) {
        let row = match accuracies.iter().copied().collect::<Option<Vec<f64>>>() {
            Some(accuracies) => row(&accuracies),
            None => "a run failed |".to_owned(),
        };
        println!("| `{}` | {row}", variant.name);
    }
    Ok(())
}

/// The cells of one variant, from its accuracies seed by seed.
fn row(accuracies: &[f64]) -> String {
    let (means, variances): (Vec<f64>, Vec<f64>) = accuracies.chunks(RUNS).map(moments).unzip();
    let (within, _) = moments(&variances);
    let (_, of_means) = moments(&means);
    let between = (of_means - within / RUNS as f64).max(0.0);
    let cells: Vec<String> = means
        .into_iter()
        .chain([between.sqrt(), within.sqrt()])
        .map(|cell| format!("{cell:.2} |"))
        .collect();
    cells.join(" ")
}

//! What is told of a sweep's plan and of its failures.

use std::collections::HashMap;
use std::path::Path;

use pairnet_record::Record;
use pairnet_training::{Job, Plan, Recipe, Shard, Status};

/// What would be trained of a plan's share, network by network, and by which settings.
pub(crate) fn described(plan: &Plan, shard: Shard, status: &Status<'_>, dir: &Path) -> String {
    let Status { missing, kept, .. } = status;
    let mut text =
        format!("{} networks to train, {kept} kept, in {}", missing.len(), dir.display());
    if shard != Shard::WHOLE {
        text += &format!(": share {shard} of {} networks", plan.jobs().count());
    }
    text.push('\n');
    let width = plan.recipes.iter().map(|recipe| recipe.name.len()).max().unwrap_or(0).max(8);
    let share: Vec<Job<'_>> = plan.share(shard).collect();
    let (share, missing) = (cells(&share), cells(missing));
    for recipe in &plan.recipes {
        for variant in &plan.variants {
            let (recipe, variant) = (&*recipe.name, &*variant.name);
            let count = |of: &HashMap<_, usize>| of.get(&(recipe, variant)).copied().unwrap_or(0);
            let (missing, runs) = (count(&missing), count(&share));
            text += &format!("  {recipe:width$} {variant:13} {missing} of {runs} runs\n");
        }
    }
    plan.recipes.iter().fold(text, |text, recipe| text + &settings(recipe))
}

/// How many runs there are of each recipe and variant.
fn cells<'a>(jobs: &'a [Job<'_>]) -> HashMap<(&'a str, &'a str), usize> {
    let mut counts = HashMap::new();
    for (recipe, variant, _) in jobs.iter().map(Job::coordinates) {
        *counts.entry((recipe, variant)).or_default() += 1;
    }
    counts
}

/// What is to do when a share is trained and the folder lacks `others` networks of other shares.
pub(crate) fn what_comes_next(shard: Shard, trained: usize, others: usize, dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "share {shard} is done: its {trained} networks are in {dir}, {others} of other shares are not, so \
         there is no report yet\n\
         when all shares are done, join their folders: cargo xtask merge {dir} … --out DIR"
    )
}

/// All of a recipe's settings, as they could stand in a study's file.
fn settings(recipe: &Recipe) -> String {
    let mut text = format!("\n{}\n", recipe.name);
    for (field, value) in recipe.settings() {
        let value = if value.is_null() { "\"none\"".to_owned() } else { value.to_string() };
        text += &format!("  {field} = {value}\n");
    }
    text
}

/// Which runs failed, and what becomes of them.
pub(crate) fn told_failures(failed: &[Record], all: usize) -> String {
    const MOST_TOLD: usize = 10;
    let mut told = format!("{} of {all} runs failed:", failed.len());
    for record in failed.iter().take(MOST_TOLD) {
        let Record { recipe, variant, run, failure, .. } = record;
        let Some(failure) = failure else { continue };
        told += &format!("\n  {recipe} {variant} run {run}: {failure}");
        if !failure.kind.is_worth_another_try() {
            told += " (a result, which is kept)";
        }
    }
    if failed.len() > MOST_TOLD {
        told += &format!("\n  and {} more", failed.len() - MOST_TOLD);
    }
    let again = |record: &Record| {
        record.failure.as_ref().is_some_and(|failure| failure.kind.is_worth_another_try())
    };
    match failed.iter().filter(|record| again(record)).count() {
        0 => told,
        count => told + &format!("\nthe same command tries {count} of them again"),
    }
}

/// How many networks, and how many at a time.
pub(crate) fn what_is_to_do(networks: usize, workers: usize) -> String {
    match (networks, workers) {
        (1, _) => "training 1 network".to_owned(),
        (_, 1) => format!("training {networks} networks, one at a time"),
        _ => format!("training {networks} networks, {} side by side", workers.min(networks)),
    }
}

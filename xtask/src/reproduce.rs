//! `cargo xtask reproduce`: the main job.

use std::path::Path;

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use pairnet_models::{variant, variants};
use pairnet_record::MOST_RUNS;
use pairnet_study::{Setting, changed};
use pairnet_training::{Plan, Recipe};

use crate::sweep::{SweepArguments, from_one_to, train_all};

/// Both recipes, all variants, ten runs each, unless told otherwise.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Train with this recipe only; may be repeated
    #[arg(long = "recipe", value_name = "NAME", value_parser = PossibleValuesParser::new(Recipe::NAMES))]
    recipes: Vec<String>,
    /// Train this variant only; may be repeated
    #[arg(long = "variant", value_name = "NAME", value_parser = PossibleValuesParser::new(pairnet_models::names()))]
    variants: Vec<String>,
    /// Change a field of the recipes, such as epochs=50; may be repeated. The recipes are then called by
    /// what is changed, and stand beside the unchanged ones in a folder
    #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = Setting::parse)]
    settings: Vec<Setting>,
    /// Runs of each recipe and variant
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = from_one_to::<MOST_RUNS>)]
    runs: usize,
    /// Where every random number comes from; 0 gives recipe authors the pairs of the published runs
    #[arg(long, value_name = "SEED", default_value_t = 0, allow_negative_numbers = true)]
    seed: u64,
    #[command(flatten)]
    sweep: SweepArguments,
}

pub(crate) fn reproduce(arguments: &Arguments) -> Result<()> {
    train_all(&plan(arguments)?, None, &arguments.sweep, Path::new("runs/reproduce"))
}

fn plan(arguments: &Arguments) -> Result<Plan> {
    let recipes = if arguments.recipes.is_empty() {
        Recipe::all().to_vec()
    } else {
        let names = unique(&arguments.recipes);
        names.map(|name| Recipe::named(name)).collect::<Result<Vec<_>, _>>()?
    };
    let changed = recipes.iter().map(|recipe| changed(recipe, &arguments.settings));
    let recipes = changed.collect::<Result<_, _>>()?;
    let variants = if arguments.variants.is_empty() {
        variants().to_vec()
    } else {
        let names = unique(&arguments.variants);
        names.map(|name| variant(name).cloned()).collect::<Result<_, _>>()?
    };
    Ok(Plan { recipes, variants, runs: arguments.runs, seed: arguments.seed })
}

/// Each name once, where it comes first.
fn unique(names: &[String]) -> impl Iterator<Item = &String> {
    names
        .iter()
        .enumerate()
        .filter(|(index, name)| !names[..*index].contains(name))
        .map(|(_, name)| name)
}

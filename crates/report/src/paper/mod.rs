//! The report of the paper's own sweep: its published numbers, its claims, and what its text and its code
//! have in common.

mod backbones;
pub(crate) mod claims;
mod compare;
mod figures;
mod published;
mod sections;
pub(crate) mod text_and_code;

use pairnet_record::{RecipeSettings, Settings};

use self::backbones::{backbones, published_backbones};
use self::claims::test_claims;
use self::compare::{against_tables, compare, judge, margin, published_pairs};
use self::text_and_code::paper_against_authors;
use crate::data_set::DataSet;
use crate::difference::{Difference, Pair, family};
use crate::entry::Entry;
use crate::factorial::effects;
use crate::summary::Summary;

pub(crate) use figures::{of_records as figures_of_records, of_summary as figures};
pub use published::{
    KINDS, PAPER, PUBLISHED, PUBLISHED_RUNS, Published, PublishedRow, PublishedTable, published,
};
pub(crate) use sections::{document, page};

/// The recipes that retrain what the paper's tables are about.
const COMPARED_RECIPES: [&str; 2] = ["paper", "authors"];

/// Whether `settings` have a recipe of the paper's.
pub(crate) fn is_asked(settings: &Settings) -> bool {
    settings.recipes.iter().any(|recipe| COMPARED_RECIPES.contains(&&*recipe.name))
}

/// Variants as the paper's tables have them, and then all others as they were asked for.
pub(crate) fn in_order(asked: &[String]) -> Vec<String> {
    let place = |variant: &String| {
        let mut rows = PUBLISHED.iter().flat_map(|table| &table.rows);
        rows.position(|row| row.variant == variant).unwrap_or(usize::MAX)
    };
    let mut variants = asked.to_vec();
    variants.sort_by_key(place);
    variants
}

/// Sets the published numbers beside what was measured of the paper's networks by its recipes, on
/// MNIST.
pub(crate) fn set_beside(summary: &mut Summary) {
    if summary.data != DataSet::Mnist {
        return;
    }
    for entry in &mut summary.entries {
        let recipe = summary.recipes.iter().find(|recipe| recipe.name == entry.recipe);
        let recipe = recipe.filter(|recipe| COMPARED_RECIPES.contains(&&*recipe.name));
        if let Some((recipe, row)) = recipe.zip(published(&entry.variant)) {
            set_row_beside(recipe, row, entry);
        }
    }
    summary.entries.chunk_by_mut(|a, b| a.recipe == b.recipe).for_each(judge);
}

fn set_row_beside(recipe: &RecipeSettings, row: &PublishedRow, entry: &mut Entry) {
    for (split, published, accuracy) in
        [("test", row.test, &mut entry.test), ("train", row.train, &mut entry.train)]
    {
        let margin = margin(recipe, split);
        accuracy.published = Some(compare(published, &accuracy.statistics, margin));
    }
}

/// What the paper's sweep is asked: whether its numbers came back and its claims hold.
pub(crate) fn answer(summary: &mut Summary, settings: &Settings) {
    let mnist = summary.data == DataSet::Mnist;
    let own = |recipe: &RecipeSettings| {
        let entries: Vec<&Entry> =
            summary.entries.iter().filter(|entry| entry.recipe == recipe.name).collect();
        against_tables(recipe, mnist && published_pairs(recipe, settings), &entries)
    };
    let tables = summary.recipes.iter().filter_map(own).collect();
    let ours = backbones(&summary.recipes, &summary.entries);
    let theirs = if mnist { published_backbones().to_vec() } else { Vec::new() };
    summary.against_tables = tables;
    summary.claims = if mnist { test_claims(&ours) } else { Vec::new() };
    summary.published_claims = test_claims(&theirs);
    summary.effects = effects(&ours);
    summary.published_effects = effects(&theirs);
    summary.paper_against_authors = paper_against_authors(&summary.entries);
    summary.differences = others_against_first(summary);
}

/// How far recipes that the paper has not are from the first that it has.
fn others_against_first(summary: &Summary) -> Vec<Difference> {
    let is_own = |recipe: &str| COMPARED_RECIPES.contains(&recipe);
    let Some(first) = summary.recipe_names().find(|recipe| is_own(recipe)) else {
        return Vec::new();
    };
    let others = summary.entries.iter().filter(|entry| !is_own(&entry.recipe));
    let pairs: Vec<Pair<'_>> = others
        .filter_map(|of| Some(Pair { of, from: summary.entry(first, &of.variant)? }))
        .collect();
    family(&pairs, &summary.recipes)
}

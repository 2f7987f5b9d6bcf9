//! The paper's two backbones with their four kinds of network, ours and the published ones.

use pairnet_record::RecipeSettings;

use super::published::{PUBLISHED, PublishedRow};
use crate::entry::Entry;
use crate::runs::{Backbone, Comparison, Runs, within};

/// Every backbone of every recipe that has all four kinds among `entries`.
pub(crate) fn backbones(recipes: &[RecipeSettings], entries: &[Entry]) -> Vec<Backbone> {
    let mut backbones = Vec::new();
    for recipe in recipes {
        let find = |row: &PublishedRow| {
            let same = |e: &&Entry| (&*e.recipe, &*e.variant) == (&*recipe.name, row.variant);
            entries.iter().find(same).map(Runs::of)
        };
        for table in &PUBLISHED {
            let [basic, sharing, auxiliary, both] = table.rows.each_ref().map(find);
            let kinds = basic.zip(sharing).zip(auxiliary.zip(both));
            backbones.extend(kinds.map(|((basic, sharing), (auxiliary, both))| Backbone {
                recipe: recipe.name.clone(),
                name: table.backbone.to_owned(),
                comparison: within(recipe),
                kinds: [basic, sharing, auxiliary, both],
            }));
        }
    }
    backbones
}

/// The paper's own runs.
pub(crate) fn published_backbones() -> [Backbone; 2] {
    let runs = |row: &PublishedRow| Runs::of_values(row.variant, row.test.runs.to_vec());
    PUBLISHED.each_ref().map(|table| Backbone {
        recipe: "published".to_owned(),
        name: table.backbone.to_owned(),
        comparison: Comparison::Welch,
        kinds: table.rows.each_ref().map(runs),
    })
}

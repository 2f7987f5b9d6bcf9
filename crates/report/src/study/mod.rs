//! The report of a study: what its cells and networks make of its question.

mod asked;
mod axes;
mod figures;
mod kinds;
mod sections;
mod within;

use pairnet_network::Architecture;
use pairnet_record::Study;

use self::kinds::backbones;
use crate::difference::{Pair, family};
use crate::factorial::effects;
use crate::summary::Summary;

pub(crate) use asked::{checked, implied};
pub(crate) use figures::{of_records as figures_of_records, of_summary as figures};
pub(crate) use sections::document;

/// How far cells are from the base, and networks from the base network, all in one family of tests; and
/// what sharing and the auxiliary loss are worth where the networks tell.
pub(crate) fn answer(asked: &Study, networks: &[Architecture], summary: &mut Summary) {
    let mut pairs = Vec::new();
    for entry in summary.entries.iter().filter(|entry| entry.recipe != asked.base) {
        let base = summary.entry(&asked.base, &entry.variant);
        pairs.extend(base.map(|from| Pair { of: entry, from }));
    }
    if let Some(base) = &asked.base_network {
        for entry in summary.entries.iter().filter(|entry| entry.variant != *base) {
            let base = summary.entry(&entry.recipe, base);
            pairs.extend(base.map(|from| Pair { of: entry, from }));
        }
    }
    for [network, than] in &asked.contrasts {
        let known = |pair: &&Pair<'_>| (&pair.of.variant, &pair.from.variant) == (network, than);
        if pairs.iter().any(|pair| known(&pair)) {
            continue;
        }
        for recipe in summary.recipe_names() {
            let both = summary.entry(recipe, network).zip(summary.entry(recipe, than));
            pairs.extend(both.map(|(of, from)| Pair { of, from }));
        }
    }
    let differences = family(&pairs, &summary.recipes);
    summary.differences = differences;
    summary.effects = effects(&backbones(networks, &summary.recipes, &summary.entries));
}

//! Effects of sharing and of the auxiliary loss, side by side.

use crate::factorial::{EFFECTS, FactorialEffect};

use super::block::Block;
use super::cells::{NOTHING, difference};
use super::table::Align::{Left, Right};

/// A table a backbone of `effects`, with `others` beside them; a column for each of `sources`, by the recipe
/// that its effects have and a title.
pub(crate) fn tables(
    effects: &[FactorialEffect],
    others: &[FactorialEffect],
    sources: &[(&str, String)],
) -> Vec<Block> {
    let mut backbones: Vec<&str> = effects.iter().map(|effect| &*effect.backbone).collect();
    backbones.sort_unstable();
    backbones.dedup();
    let table = |backbone: &&str| {
        let mut header = vec![("Effect".to_owned(), Left)];
        header.extend(sources.iter().map(|(_, title)| (title.clone(), Right)));
        let rows = EFFECTS.map(|(effect, _)| {
            let cell = |(source, _): &(&str, String)| {
                let same = |found: &&FactorialEffect| {
                    (&*found.recipe, &*found.backbone, &*found.effect)
                        == (*source, *backbone, effect)
                };
                effects.iter().chain(others).find(same).map_or(NOTHING.to_owned(), |found| {
                    difference(found.value, found.total95.or(found.ci95))
                })
            };
            [effect.to_owned()].into_iter().chain(sources.iter().map(cell)).collect()
        });
        Block::captioned(*backbone, header, rows.to_vec())
    };
    backbones.iter().map(table).collect()
}

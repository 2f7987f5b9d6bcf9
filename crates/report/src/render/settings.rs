//! In which settings recipes differ.

use pairnet_record::RecipeSettings;

use crate::fields::{self, names};

use super::block::Block;
use super::table::Align::Left;
use super::terms;

/// What `others` set otherwise than `base` does, one row a recipe and setting; `title` is what a recipe
/// is called. `None` where nothing differs.
pub(crate) fn differing<'a>(
    title: &str,
    base: &RecipeSettings,
    others: impl IntoIterator<Item = &'a RecipeSettings>,
) -> Option<Block> {
    let mut rows = Vec::new();
    for recipe in others {
        for field in terms::in_order(names(base).chain(names(recipe))) {
            let (there, here) = (fields::value(base, field), fields::value(recipe, field));
            if there != here {
                rows.push(vec![
                    format!("`{}`", recipe.name),
                    terms::field(field).to_owned(),
                    terms::value(here.as_ref()),
                    terms::value(there.as_ref()),
                ]);
            }
        }
    }
    let titles = [title.to_owned(), "setting".to_owned(), "here".to_owned()];
    let header = titles.into_iter().chain([format!("in `{}`", base.name)]);
    let caption = format!("What differs from `{}`", base.name);
    let header = header.map(|title| (title, Left)).collect();
    (!rows.is_empty()).then(|| Block::captioned(caption, header, rows))
}

/// All that `recipe` sets; `None` where it says nothing.
pub(crate) fn all(recipe: &RecipeSettings) -> Option<Block> {
    let row =
        |field: &str| vec![terms::field(field).to_owned(), terms::value(recipe.fields.get(field))];
    let rows: Vec<Vec<String>> = terms::in_order(names(recipe)).into_iter().map(row).collect();
    let header = ["Setting", "value"].map(|title| (title.to_owned(), Left)).to_vec();
    let caption = format!("All settings of `{}`", recipe.name);
    (!rows.is_empty()).then(|| Block::captioned(caption, header, rows))
}

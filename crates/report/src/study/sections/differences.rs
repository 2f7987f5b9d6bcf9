//! How far cells are from the base, and networks from the base network.

use pairnet_record::Study;

use super::words::of_cell;
use crate::difference::Difference;
use crate::render::{Block, difference_table};
use crate::study::within::{from_base, in_pairs};
use crate::summary::Summary;

const HOW: &str = "Differences of mean test accuracy in points. *p* is that of a two-sided t test, *p \
                   (Holm)* is adjusted for all differences of the study; the intervals speak each for \
                   itself. *Runs*: those that are compared.";

/// A table a network, or one for all networks of the only other cell.
pub(super) fn of_cells(asked: &Study, summary: &Summary) -> Vec<Block> {
    let own = |found: &&Difference| found.of.recipe != found.from.recipe;
    let own: Vec<&Difference> = summary.differences.iter().filter(own).collect();
    let base = &asked.base;
    let mut blocks = opening(format!("How far from the cell `{base}`?"), &own);
    let others = each(&own, |found| &found.of.recipe);
    match &others[..] {
        [] => {}
        [other] => blocks.push(difference_table(
            format!("`{other}` minus `{base}`"),
            "Network",
            &own,
            |found| format!("`{}`", found.of.network),
        )),
        _ => blocks.extend(each(&own, |found| &found.of.network).into_iter().map(|network| {
            let own: Vec<&Difference> =
                own.iter().copied().filter(|found| found.of.network == network).collect();
            let caption = format!("`{network}`: each cell minus `{base}`");
            difference_table(caption, "Cell", &own, |found| format!("`{}`", found.of.recipe))
        })),
    }
    blocks
}

/// A table a cell, or one for all cells of the only other network.
pub(super) fn of_networks(asked: &Study, summary: &Summary) -> Vec<Block> {
    let own = from_base(asked, summary);
    let Some(base) = &asked.base_network else { return Vec::new() };
    let mut blocks = opening(format!("How far from the network `{base}`?"), &own);
    let others = each(&own, |found| &found.of.network);
    match &others[..] {
        [] => {}
        [other] => blocks.push(difference_table(
            format!("`{other}` minus `{base}`"),
            "Cell",
            &own,
            |found| format!("`{}`", found.of.recipe),
        )),
        _ => blocks.extend(each(&own, |found| &found.of.recipe).into_iter().map(|cell| {
            let own: Vec<&Difference> =
                own.iter().copied().filter(|found| found.of.recipe == cell).collect();
            let caption = format!("Each network minus {}", of_cell(base, cell));
            difference_table(caption, "Network", &own, |found| format!("`{}`", found.of.network))
        })),
    }
    blocks
}

/// A table a cell of the pairs of networks that the study names.
pub(super) fn of_pairs(asked: &Study, summary: &Summary) -> Vec<Block> {
    let own = in_pairs(asked, summary);
    let mut blocks = opening("How much better is one network than another?".to_owned(), &own);
    for cell in each(&own, |found| &found.of.recipe) {
        let of_cell: Vec<&Difference> =
            own.iter().copied().filter(|found| found.of.recipe == cell).collect();
        blocks.push(difference_table(
            format!("The first network minus the second, in the cell `{cell}`"),
            "Networks",
            &of_cell,
            |found| format!("`{}`, `{}`", found.of.network, found.from.network),
        ));
    }
    blocks
}

fn opening(heading: String, differences: &[&Difference]) -> Vec<Block> {
    if differences.is_empty() {
        return Vec::new();
    }
    vec![Block::heading(2, heading), Block::paragraph(HOW)]
}

/// The names that `differences` have, each once.
fn each<'a>(differences: &[&'a Difference], name: fn(&Difference) -> &String) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for found in differences {
        let name = name(found).as_str();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

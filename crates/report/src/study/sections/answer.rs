//! The answer in words: all of it follows from the summary.

use pairnet_record::Study;

use super::words::of_cell;
use crate::difference::Difference;
use crate::entry::Entry;
use crate::factorial::FactorialEffect;
use crate::render::cells::{difference, p_in_words};
use crate::render::{Block, shortfall};
use crate::study::within::{from_base, in_pairs};
use crate::summary::Summary;

/// More would be a table, which comes below.
const MOST: usize = 12;

pub(super) fn blocks(asked: &Study, summary: &Summary) -> Vec<Block> {
    let mut blocks = vec![Block::heading(2, "The answer")];
    blocks.extend(shortfall(summary));
    let cells = summary.differences.iter().filter(|found| found.of.recipe != found.from.recipe);
    let cells: Vec<&Difference> = cells.collect();
    let (networks, pairs) = (from_base(asked, summary), in_pairs(asked, summary));
    if !cells.is_empty() {
        let from = format!(" from the cell `{}`", asked.base);
        blocks.extend(found(&from, &cells, |one| of_cell(&one.of.network, &one.of.recipe)));
    }
    if let (Some(base), false) = (&asked.base_network, networks.is_empty()) {
        let from = format!(" from the network `{base}`");
        blocks.extend(found(&from, &networks, |one| of_cell(&one.of.network, &one.of.recipe)));
    }
    if !pairs.is_empty() {
        let name = |one: &Difference| {
            format!("`{}` minus {}", one.of.network, of_cell(&one.from.network, &one.of.recipe))
        };
        blocks.extend(found(" between two networks", &pairs, name));
    }
    blocks.extend(effects(asked, summary));
    if summary.differences.is_empty() {
        blocks.push(Block::paragraph("There is one cell, and nothing that it is compared with."));
    }
    blocks.extend(highest(summary));
    blocks
}

/// Which of `differences`, of one kind (" from …"), are told apart from 0.
fn found(
    from: &str,
    differences: &[&Difference],
    name: impl Fn(&Difference) -> String,
) -> Vec<Block> {
    let mut apart: Vec<&Difference> =
        differences.iter().copied().filter(|one| one.is_apart()).collect();
    let size = |one: &Difference| one.value.unwrap_or(0.0).abs();
    apart.sort_by(|a, b| size(b).total_cmp(&size(a)));
    let count = |what: fn(&Difference) -> bool| differences.iter().filter(|one| what(one)).count();
    let (tested, same) = (count(|one| one.p.is_some()), count(|one| one.same));
    let mut text = match (tested, apart.len()) {
        (0, _) => format!("No difference{from} could be tested"),
        (1, 0) => format!("The one difference{from} is not told apart from 0"),
        (all, 0) => format!("Of {all} differences{from}, none is told apart from 0"),
        (1, _) => format!("The one difference{from} is told apart from 0"),
        (all, 1) => format!("Of {all} differences{from}, 1 is told apart from 0"),
        (2, 2) => format!("Both differences{from} are told apart from 0"),
        (all, some) if all == some => {
            format!("All {all} differences{from} are told apart from 0")
        }
        (all, some) => format!("Of {all} differences{from}, {some} are told apart from 0"),
    };
    if tested > 0 {
        text += ", all tests of the study taken together";
    }
    let ends = differences.iter().filter_map(|one| one.ci95).flat_map(|span| [span.low, span.high]);
    let reach = ends.map(f64::abs).reduce(f64::max).filter(|_| apart.is_empty());
    if let Some(reach) = reach {
        text += &format!(
            "; the 95 % intervals reach {reach:.2} points at most. That is not to say that there is none"
        );
    }
    let untested = differences.len() - tested - same;
    if tested > 0 && untested > 0 {
        let are = if untested == 1 { "1 more has" } else { &format!("{untested} more have") };
        text += &format!("; {are} too few results for a test");
    }
    if same > 0 {
        let are = if same == 1 { "1 other is" } else { &format!("{same} others are") };
        text += &format!("; {are} 0 in every run, and not tested");
    }
    let item = |one: &&Difference| {
        let p = one.p_holm.map_or(String::new(), |p| format!(", {} (Holm)", p_in_words(p)));
        format!("{}: {} points{p}", name(one), difference(one.value, one.ci95))
    };
    if apart.is_empty() {
        return vec![Block::Paragraph(text + ".")];
    }
    if apart.len() > MOST {
        text += &format!("; the {MOST} largest are these");
    }
    let items = apart.iter().take(MOST).map(item).collect();
    vec![Block::Paragraph(text + ":"), Block::List(items)]
}

/// The main effects and the interaction in the base cell.
fn effects(asked: &Study, summary: &Summary) -> Vec<Block> {
    let shown = [
        ("sharing, mean of the two", "sharing"),
        ("auxiliary loss, mean of the two", "auxiliary loss"),
        ("interaction", "interaction"),
    ];
    let item = |effect: &FactorialEffect| {
        let (_, name) = shown.iter().find(|(name, _)| *name == effect.effect)?;
        let value = Some(effect.value?);
        let points = difference(value, effect.total95.or(effect.ci95));
        Some(format!("{}, {name}: {points} points", effect.backbone))
    };
    let own = summary.effects.iter().filter(|effect| effect.recipe == asked.base);
    let items: Vec<String> = own.filter_map(item).collect();
    if items.is_empty() {
        return Vec::new();
    }
    let text = format!(
        "Main effects and their interaction in the cell `{}`, with 95 % intervals, each for itself:",
        asked.base
    );
    vec![Block::Paragraph(text), Block::List(items)]
}

/// The highest mean.
fn highest(summary: &Summary) -> Option<Block> {
    let mean = |entry: &&Entry| entry.test.statistics.mean;
    let measured = summary.entries.iter().filter(|entry| mean(entry).is_some());
    let best = measured.max_by(|a, b| mean(a).unwrap_or(0.0).total_cmp(&mean(b).unwrap_or(0.0)))?;
    (summary.entries.len() > 1).then(|| {
        Block::Paragraph(format!(
            "The highest mean test accuracy, {:.2} %, is that of {}. The highest of many means is \
             partly luck: on other pairs it would be lower, if anything.",
            mean(&best).unwrap_or(0.0),
            of_cell(&best.variant, &best.recipe)
        ))
    })
}

//! Differences from the base, and from the base network, with their intervals.

use std::ops::Range;

use pairnet_record::Study;

use crate::difference::Difference;
use crate::error::ReportError;
use crate::figures::forest::{Effect, panel, range};
use crate::figures::marks::Mark;
use crate::figures::rows::Label;
use crate::figures::{Figure, Panel};
use crate::study::within::{from_base, in_pairs};
use crate::summary::Summary;
use crate::words::elided;

/// Cells that have a panel of their networks: of more, only the base has one.
const MOST_PANELS: usize = 8;
/// Letters that a panel's title has room for.
const TITLE: usize = 46;
const AXIS: &str = "difference, in points";

const MARKS: &str = "The mark is the difference of mean test accuracies in points, the line its 95 % interval, \
                     each for itself. Disc: better, square: worse, all tests of the study taken together; ring: \
                     undecided. An arrow: the interval goes on outside.";

/// `cells` against the base, a panel a network; `None` where there is nothing to compare.
pub(super) fn cells(
    asked: &Study,
    summary: &Summary,
    cells: &[&str],
) -> Result<Option<Figure>, ReportError> {
    let own: Vec<&Difference> = summary
        .differences
        .iter()
        .filter(|found| found.of.recipe != found.from.recipe)
        .filter(|found| cells.contains(&&*found.of.recipe))
        .collect();
    let Some(range) = whole_range(&own) else { return Ok(None) };
    let one = own.iter().all(|found| found.of.recipe == own[0].of.recipe);
    let panels = if one {
        let title = format!("{} minus {}", own[0].of.recipe, asked.base);
        vec![drawn(&title, &own, &range, |found| found.of.network.clone())?]
    } else {
        grouped(&own, &range, |found| &found.of.network, |found| found.of.recipe.clone())?
    };
    Ok(Some(Figure {
        name: "cells".to_owned(),
        title: format!("How far from the cell {}", elided(&asked.base, TITLE)),
        caption: MARKS.to_owned(),
        panels,
        columns: 2,
    }))
}

/// Networks against the base network, a panel a cell; `None` where there is nothing to compare.
pub(super) fn networks(asked: &Study, summary: &Summary) -> Result<Option<Figure>, ReportError> {
    let Some(base) = &asked.base_network else { return Ok(None) };
    let all = from_base(asked, summary);
    let one = all.iter().all(|found| found.of.network == all[0].of.network);
    let few = one || summary.recipes.len() <= MOST_PANELS;
    let own: Vec<&Difference> =
        all.into_iter().filter(|found| few || found.of.recipe == asked.base).collect();
    let Some(range) = whole_range(&own) else { return Ok(None) };
    let panels = if one {
        let title = format!("{} minus {base}", own[0].of.network);
        vec![drawn(&title, &own, &range, |found| found.of.recipe.clone())?]
    } else {
        grouped(&own, &range, |found| &found.of.recipe, |found| found.of.network.clone())?
    };
    let which = if few { String::new() } else { format!(" In the cell {}.", asked.base) };
    Ok(Some(Figure {
        name: "compared-networks".to_owned(),
        title: format!("How far from the network {}", elided(base, TITLE)),
        caption: format!("{MARKS}{which}"),
        panels,
        columns: 2,
    }))
}

/// The pairs of networks that the study names, a panel a cell; `None` where it names none.
pub(super) fn pairs(asked: &Study, summary: &Summary) -> Result<Option<Figure>, ReportError> {
    let few = summary.recipes.len() <= MOST_PANELS;
    let own = in_pairs(asked, summary).into_iter();
    let own: Vec<&Difference> = own.filter(|found| few || found.of.recipe == asked.base).collect();
    let Some(range) = whole_range(&own) else { return Ok(None) };
    let name = |found: &Difference| format!("{} − {}", found.of.network, found.from.network);
    let panels = grouped(&own, &range, |found| &found.of.recipe, name)?;
    let which = if few { String::new() } else { format!(" In the cell {}.", asked.base) };
    Ok(Some(Figure {
        name: "compared-pairs".to_owned(),
        title: "One network against another".to_owned(),
        caption: format!("{MARKS}{which}"),
        panels,
        columns: 1,
    }))
}

fn whole_range(differences: &[&Difference]) -> Option<Range<f64>> {
    let effects: Vec<Effect> = differences.iter().map(|found| effect(found, "")).collect();
    range(&effects)
}

/// One panel for each name by `group`, its rows called by `name`.
fn grouped(
    differences: &[&Difference],
    range: &Range<f64>,
    group: fn(&Difference) -> &String,
    name: fn(&Difference) -> String,
) -> Result<Vec<Panel>, ReportError> {
    let mut groups: Vec<(&str, Vec<&Difference>)> = Vec::new();
    for &found in differences {
        let own = group(found).as_str();
        match groups.iter_mut().find(|(name, _)| *name == own) {
            Some((_, group)) => group.push(found),
            None => groups.push((own, vec![found])),
        }
    }
    groups.into_iter().map(|(title, own)| drawn(title, &own, range, name)).collect()
}

fn drawn(
    title: &str,
    differences: &[&Difference],
    range: &Range<f64>,
    name: fn(&Difference) -> String,
) -> Result<Panel, ReportError> {
    let effects: Vec<Effect> =
        differences.iter().map(|found| effect(found, &name(found))).collect();
    panel(&elided(title, TITLE), AXIS, range, &effects)
}

fn effect(found: &Difference, name: &str) -> Effect {
    let (mark, outcome) = match found.value {
        None => (Mark::Ring, "no result"),
        Some(_) if found.same => (Mark::Ring, "the same"),
        Some(value) if found.is_apart() && value > 0.0 => (Mark::Disc, "better"),
        Some(_) if found.is_apart() => (Mark::Square, "worse"),
        Some(_) => (Mark::Ring, "undecided"),
    };
    Effect {
        label: Label::in_lines(name),
        value: found.value,
        wide: found.ci95,
        narrow: None,
        mark,
        outcome,
    }
}

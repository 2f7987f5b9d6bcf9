//! The paper's claims, and text against code, as effects with intervals.

use std::ops::Range;

use plotters::element::PathElement;

use super::chart::{DrawingError, round_range, stroke};
use super::figure::{Figure, Panel};
use super::marks::{Mark, interval};
use super::palette::MUTED;
use super::rows::{Label, RowChart, Rows, middle};
use crate::claims::{Claim, Outcome, RecipeDifference};
use crate::error::ReportError;
use crate::render;
use crate::statistics::Interval;
use crate::summary::Summary;

/// Intervals that reach farther, of two or three runs, would hide all others.
const FARTHEST: f64 = 20.0;

/// One row of a panel.
struct Effect {
    name: String,
    value: Option<f64>,
    ci95: Option<Interval>,
    mark: Mark,
    outcome: &'static str,
}

impl From<&Claim> for Effect {
    fn from(claim: &Claim) -> Self {
        let mark = match claim.outcome {
            Outcome::Holds => Mark::Disc,
            Outcome::Contradicted => Mark::Square,
            Outcome::Undecided => Mark::Ring,
        };
        Self {
            name: format!("{} > {}", claim.better, claim.than),
            value: claim.effect,
            ci95: claim.ci95,
            mark,
            outcome: render::claim_outcome(claim.outcome),
        }
    }
}

impl From<&RecipeDifference> for Effect {
    fn from(row: &RecipeDifference) -> Self {
        let (mark, outcome) = match row.ci95 {
            Some(Interval { low, .. }) if low > 0.0 => (Mark::Disc, "text better"),
            Some(Interval { high, .. }) if high < 0.0 => (Mark::Square, "code better"),
            _ => (Mark::Ring, "undecided"),
        };
        let name = row.variant.clone();
        Self { name, value: row.difference, ci95: row.ci95, mark, outcome }
    }
}

/// One panel a recipe; `None` where no claim can be tested.
pub(super) fn claims(summary: &Summary) -> Result<Option<Figure>, ReportError> {
    let all: Vec<Effect> = summary.claims.iter().map(Effect::from).collect();
    let Some(range) = range(&all) else {
        return Ok(None);
    };
    let mut panels = Vec::new();
    for recipe in summary.recipe_names() {
        let own = summary.claims.iter().filter(|claim| claim.recipe == recipe);
        let effects: Vec<Effect> = own.map(Effect::from).collect();
        if !effects.is_empty() {
            let title = format!("Recipe {recipe}");
            panels.push(panel(&title, "difference of test accuracy, in points", &range, &effects)?);
        }
    }
    Ok(Some(Figure {
        name: "claims".to_owned(),
        title: "What weight sharing and the auxiliary loss are worth".to_owned(),
        caption: "Each row is a claim of the paper, that the first network is better than the \
                  second. The mark is by how many points it is, the line the 95 % interval. \
                  Holds (disc): to the right of 0, and no chance, all claims taken together. \
                  Contradicted (square): the line lies to the left of 0. Undecided (ring): \
                  neither. That both together are best is tested against the network that they \
                  beat least surely."
            .to_owned(),
        panels,
        columns: 2,
    }))
}

/// `None` where not both recipes were trained.
pub(super) fn text_and_code(summary: &Summary) -> Result<Option<Figure>, ReportError> {
    let effects: Vec<Effect> = summary.paper_against_authors.iter().map(Effect::from).collect();
    let Some(range) = range(&effects) else {
        return Ok(None);
    };
    let title = "Recipe paper less recipe authors: test";
    let panel = panel(title, "paper − authors, in points", &range, &effects)?;
    Ok(Some(Figure {
        name: "text-and-code".to_owned(),
        title: "What the difference between text and code is worth".to_owned(),
        caption: "The mark is the mean test accuracy of networks trained as the text says, less \
                  that of networks trained as the code does; the line is its 95 % interval. Disc: \
                  the text does better; square: the code does; ring: no difference is shown."
            .to_owned(),
        panels: vec![panel],
        columns: 1,
    }))
}

/// An axis with 0 and all that is not too far; `None` where there is no effect at all.
fn range(effects: &[Effect]) -> Option<Range<f64>> {
    let values = || effects.iter().filter_map(|effect| effect.value);
    values().next()?;
    let ends = effects.iter().filter_map(|effect| effect.ci95);
    let ends = ends.flat_map(|interval| [interval.low, interval.high]);
    let near = ends.map(|end| end.clamp(-FARTHEST, FARTHEST));
    round_range(values().chain(near).chain([0.0]), 1.0)
}

fn panel(
    title: &str,
    axis: &str,
    range: &Range<f64>,
    effects: &[Effect],
) -> Result<Panel, ReportError> {
    let rows = Rows {
        title: title.to_owned(),
        labels: effects.iter().map(|effect| Label::new(effect.name.clone())).collect(),
        range: range.clone(),
        axis,
        remarks: effects.iter().map(|effect| effect.outcome.to_owned()).collect(),
    };
    let (size, body) = rows.draw(|chart| {
        let zero = vec![(0.0, 0.0), (0.0, effects.len() as f64)];
        chart.draw_series([PathElement::new(zero, stroke(MUTED, 1.0, 1.0))])?;
        for (index, effect) in effects.iter().enumerate() {
            row(chart, effect, middle(index, effects.len()))?;
        }
        Ok(())
    })?;
    let words: Vec<String> = effects
        .iter()
        .map(|Effect { name, value, ci95, outcome, .. }| {
            format!("{name} {} {outcome}", render::difference(*value, *ci95))
        })
        .collect();
    let description = format!("In points, with 95 % intervals: {}.", words.join("; "));
    Ok(Panel { title: title.to_owned(), description, size, body })
}

fn row(chart: &mut RowChart<'_, '_>, effect: &Effect, y: f64) -> Result<(), DrawingError> {
    interval(chart, effect.ci95, y, 1.6)?;
    match effect.value {
        Some(value) => effect.mark.draw(chart, (value, y)),
        None => Ok(()),
    }
}

//! What sharing and the auxiliary loss are worth, alone and together: the answer as a picture.

use super::chart::{DrawingError, round_range};
use super::figure::{Figure, Panel};
use super::marks::{Mark, interval};
use super::rows::{Label, RowChart, Rows};
use crate::error::ReportError;
use crate::factorial::FactorialEffect;
use crate::render::cells;
use crate::statistics::Interval;
use crate::words::elided;

/// The effects that are drawn, in words that need no name of a network; means of two would only
/// repeat them.
const SHOWN: [(&str, &str, &str); 5] = [
    ("sharing, without auxiliary loss", "weight sharing", "added to basic"),
    ("sharing, with auxiliary loss", "weight sharing", "added to auxiliary loss"),
    ("auxiliary loss, without sharing", "auxiliary loss", "added to basic"),
    ("auxiliary loss, with sharing", "auxiliary loss", "added to weight sharing"),
    ("interaction", "interaction", "second minus first row"),
];

/// Intervals that reach farther, of two or three runs, would hide all others.
const FARTHEST: f64 = 30.0;
/// Letters of a title that there is room for.
const TITLE: usize = 46;

/// One panel a backbone and source, the latter by the recipe that its effects have and in words; `None`
/// where nothing was measured. `effects` are ours, `others` stand beside them; `intervals` says in the
/// caption what the intervals are.
pub(crate) fn figure(
    effects: &[FactorialEffect],
    others: &[FactorialEffect],
    sources: &[(&str, String)],
    intervals: &str,
) -> Result<Option<Figure>, ReportError> {
    let all = || effects.iter().chain(others);
    let ends = all().filter_map(span).flat_map(|interval| [interval.low, interval.high]);
    let values = all().filter_map(|effect| effect.value);
    let near = ends.map(|end| end.clamp(-FARTHEST, FARTHEST)).chain(values).chain([0.0]);
    let measured = effects.iter().any(|effect| effect.value.is_some());
    let Some(range) = round_range(near, 5.0).filter(|_| measured) else { return Ok(None) };
    let mut panels = Vec::new();
    let mut backbones: Vec<&str> = Vec::new();
    for effect in effects {
        if !backbones.contains(&&*effect.backbone) {
            backbones.push(&effect.backbone);
        }
    }
    for (source, words) in sources {
        for &backbone in &backbones {
            let own: Vec<&FactorialEffect> = SHOWN
                .iter()
                .filter_map(|(name, ..)| {
                    all().find(|effect| {
                        (&*effect.recipe, &*effect.backbone, &*effect.effect)
                            == (*source, backbone, *name)
                    })
                })
                .collect();
            if !own.is_empty() {
                panels.push(panel(format!("{backbone}, {words}"), &range, &own)?);
            }
        }
    }
    Ok(Some(Figure {
        name: "effects".to_owned(),
        title: "What weight sharing and an auxiliary loss are worth".to_owned(),
        caption: format!(
            "Points of test accuracy that each adds, with 95 % intervals{intervals}. Disc: the interval \
             leaves out 0; ring: it does not."
        ),
        panels,
        columns: backbones.len(),
    }))
}

/// The interval that is drawn.
fn span(effect: &FactorialEffect) -> Option<Interval> {
    effect.total95.or(effect.ci95)
}

fn panel(
    title: String,
    range: &std::ops::Range<f64>,
    effects: &[&FactorialEffect],
) -> Result<Panel, ReportError> {
    let label = |effect: &&FactorialEffect| {
        let shown = SHOWN.iter().find(|(name, ..)| *name == effect.effect);
        let (_, name, note) = shown.copied().unwrap_or(("", &effect.effect, ""));
        Label::noted(name.to_owned(), note.to_owned())
    };
    let rows = Rows {
        title: elided(&title, TITLE),
        labels: effects.iter().map(label).collect(),
        range: range.clone(),
        axis: "points of test accuracy",
        remarks: effects
            .iter()
            .map(|effect| effect.value.map_or(String::new(), cells::signed))
            .collect(),
    };
    let (size, body) = rows.draw_around_zero(|chart, index, y| row(chart, effects[index], y))?;
    let said: Vec<String> = effects
        .iter()
        .map(|effect| {
            format!("{} {}", effect.effect, cells::difference(effect.value, span(effect)))
        })
        .collect();
    let description = format!("In points, with 95 % intervals: {}.", said.join("; "));
    Ok(Panel { title, description, size, body })
}

fn row(chart: &mut RowChart<'_, '_>, effect: &FactorialEffect, y: f64) -> Result<(), DrawingError> {
    interval(chart, span(effect), y, 1.6)?;
    let surely = span(effect).is_some_and(|span| span.low > 0.0 || span.high < 0.0);
    let mark = if surely { Mark::Disc } else { Mark::Ring };
    match effect.value {
        Some(value) => mark.draw(chart, (value, y)),
        None => Ok(()),
    }
}

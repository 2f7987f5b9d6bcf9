//! Effects with their intervals, one below the other.

use std::ops::Range;

use super::chart::{DrawingError, round_range};
use super::figure::Panel;
use super::marks::{Mark, interval};
use super::rows::{Label, RowChart, Rows};
use crate::error::ReportError;
use crate::render::cells;
use crate::statistics::Interval;

/// Intervals that reach farther, of two or three runs, would hide all others.
const FARTHEST: f64 = 20.0;

/// One row of a panel.
pub(crate) struct Effect {
    pub(crate) label: Label,
    pub(crate) value: Option<f64>,
    /// What the thin line spans.
    pub(crate) wide: Option<Interval>,
    /// What the thick line spans, where there are two.
    pub(crate) narrow: Option<Interval>,
    pub(crate) mark: Mark,
    /// In a word, at the right.
    pub(crate) outcome: &'static str,
}

/// An axis with 0 and all that is not too far; `None` where there is no effect at all.
pub(crate) fn range(effects: &[Effect]) -> Option<Range<f64>> {
    let values = || effects.iter().filter_map(|effect| effect.value);
    values().next()?;
    let ends = effects.iter().filter_map(|effect| effect.wide);
    let ends = ends.flat_map(|interval| [interval.low, interval.high]);
    let near = ends.map(|end| end.clamp(-FARTHEST, FARTHEST));
    // Room for the arrow of an interval that goes on behind a value so far away.
    let far = |value: f64| if value.abs() > FARTHEST { 1.15 * value } else { value };
    round_range(values().map(far).chain(near).chain([0.0]), 1.0)
}

/// One panel of a figure; `axis` says what its effects are.
pub(crate) fn panel(
    title: &str,
    axis: &str,
    range: &Range<f64>,
    effects: &[Effect],
) -> Result<Panel, ReportError> {
    let rows = Rows {
        title: title.to_owned(),
        labels: effects.iter().map(|effect| effect.label.clone()).collect(),
        range: range.clone(),
        axis,
        remarks: effects.iter().map(|effect| effect.outcome.to_owned()).collect(),
    };
    let (size, body) = rows.draw_around_zero(|chart, index, y| row(chart, &effects[index], y))?;
    let words: Vec<String> = effects
        .iter()
        .map(|Effect { label, value, wide, outcome, .. }| {
            format!("{label} {} {outcome}", cells::difference(*value, *wide))
        })
        .collect();
    let description = format!("In points, with 95 % intervals: {}.", words.join("; "));
    Ok(Panel { title: title.to_owned(), description, size, body })
}

fn row(chart: &mut RowChart<'_, '_>, effect: &Effect, y: f64) -> Result<(), DrawingError> {
    interval(chart, effect.wide, y, 1.3)?;
    interval(chart, effect.narrow, y, 3.6)?;
    match effect.value {
        Some(value) => effect.mark.draw(chart, (value, y)),
        None => Ok(()),
    }
}

//! Every run's accuracy and their mean, above what was published of it.

use std::ops::Range;

use super::chart::{self, DrawingError, fill, round_range, scaled};
use super::figure::{Figure, Panel};
use super::marks::interval_in;
use super::palette::{BLUE, Colour, INK, MUTED};
use super::rows::{Label, RowChart, Rows, WIDTH, middle, per_pixel};
use super::svg::{Svg, Text, number};
use crate::entry::{Accuracy, Entry, SPLITS, Split};
use crate::error::ReportError;
use crate::statistics::{Interval, Statistics};
use crate::words::elided;
use plotters::element::{Circle, Polygon, Text as Words};
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// More dots than this say no more.
const MOST_DOTS: usize = 200;
const DOT: f64 = 2.2;
/// Letters of a title that there is room for.
const TITLE: usize = 46;
const TITLE_BESIDE_LEGEND: usize = 26;
const MARK: f64 = 3.8;
const ROW: f64 = 56.0;
/// From the middle of a row, in pixels: where a mean is drawn, and where the dots of its runs
/// begin and end.
const MEAN: f64 = 5.0;
const DOTS: Range<f64> = 12.0..25.0;

/// A panel.
pub(crate) struct Group<'a> {
    pub(crate) title: String,
    /// What it is about, in a sentence.
    pub(crate) words: String,
    pub(crate) rows: Vec<Row<'a>>,
}

/// What stands in a panel, one below the other.
pub(crate) struct Row<'a> {
    pub(crate) label: Label,
    /// In a sentence.
    pub(crate) name: String,
    pub(crate) entry: &'a Entry,
}

/// Accuracy on the test pairs; `None` where nothing was measured. `ours` opens the caption: what the dots
/// are.
pub(crate) fn figure(groups: &[Group<'_>], ours: &str) -> Result<Option<Figure>, ReportError> {
    of_split(groups, ours, SPLITS[0], ("accuracy", "Accuracy on test pairs"), 5.0)
}

/// The same on the training pairs.
pub(crate) fn train(groups: &[Group<'_>], ours: &str) -> Result<Option<Figure>, ReportError> {
    of_split(groups, ours, SPLITS[1], ("accuracy-train", "Accuracy on training pairs"), 1.0)
}

/// The accuracies behind a published mean.
fn published_values(accuracy: &Accuracy) -> &[f64] {
    accuracy.published.as_ref().map_or(&[], |published| &published.values)
}

fn of_split(
    groups: &[Group<'_>],
    ours: &str,
    (_, accuracy): Split,
    (name, title): (&str, &str),
    step: f64,
) -> Result<Option<Figure>, ReportError> {
    let shown = || groups.iter().flat_map(|group| &group.rows).map(|row| accuracy(row.entry));
    let Some(range) = round_range(shown().flat_map(on_the_axis), step) else {
        return Ok(None);
    };
    let published = shown().any(|accuracy| accuracy.published.is_some());
    let mut panels = Vec::new();
    for Group { title: own, words, rows } in groups {
        let chart = Rows {
            title: elided(own, if published { TITLE_BESIDE_LEGEND } else { TITLE }),
            labels: rows.iter().map(|row| row.label.clone()).collect(),
            range: range.clone(),
            axis: "accuracy in %",
            remarks: Vec::new(),
        };
        let (size, body) = chart.draw_high(ROW, |chart| {
            for (index, Row { entry, .. }) in rows.iter().enumerate() {
                row(chart, accuracy(entry), middle(index, rows.len()))?;
            }
            Ok(())
        })?;
        let said: Vec<String> =
            rows.iter().map(|row| in_words(&row.name, accuracy(row.entry))).collect();
        panels.push(Panel {
            title: format!("{title}, {words}"),
            description: said.join("; ") + ".",
            size,
            body: if published { body + &legend() } else { body },
        });
    }
    let mut caption =
        format!("{ours} (dots), and below them their mean with its 95 % interval (disc and line)");
    if published {
        caption += ". In black and grey: the published mean (diamond)";
        if shown().any(|accuracy| !published_values(accuracy).is_empty()) {
            caption += " with its interval, and below it the runs behind it (dots)";
        }
        caption += ". The nearer disc and diamond are, the better the published number came back";
    }
    caption += ".";
    let all =
        shown().flat_map(|accuracy| [&accuracy.statistics.values, published_values(accuracy)]);
    if all.flatten().any(|value| *value < range.start) {
        caption += " An arrow is a run to the left of the axis, with its accuracy.";
    }
    let beside = if published { ", and what was published" } else { "" };
    Ok(Some(Figure {
        name: name.to_owned(),
        title: format!("{title}: every run{beside}"),
        caption,
        panels,
        columns: 2,
    }))
}

/// All that has to be on the axis: means, and all runs but the lowest tenth, of which one that got
/// lost would leave no room for the others.
fn on_the_axis(accuracy: &Accuracy) -> Vec<f64> {
    let means = [accuracy.statistics.mean, accuracy.published.as_ref().map(|there| there.mean)];
    let mut all: Vec<f64> = means.into_iter().flatten().collect();
    for values in [&accuracy.statistics.values, published_values(accuracy)] {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        all.extend(&sorted[sorted.len() / 10..]);
    }
    all
}

fn row(chart: &mut RowChart<'_, '_>, accuracy: &Accuracy, y: f64) -> Result<(), DrawingError> {
    let Statistics { values, mean, ci95, .. } = &accuracy.statistics;
    dots(chart, values, (y, 1.0), BLUE)?;
    if let Some(mean) = *mean {
        let (_, up) = per_pixel(chart, MEAN);
        interval_in(chart, *ci95, y + up, (BLUE, 1.8))?;
        let disc = Circle::new((mean, y + up), scaled(MARK), fill(BLUE, 1.0));
        chart.draw_series([disc])?;
    }
    let published = published_values(accuracy);
    dots(chart, published, (y, -1.0), MUTED)?;
    if let Some(there) = &accuracy.published {
        let (_, down) = per_pixel(chart, MEAN);
        let (mean, y) = (there.mean, y - down);
        interval_in(chart, published_interval(published), y, (INK, 1.8))?;
        let (width, height) = per_pixel(chart, MARK + 0.7);
        let corners =
            [(mean - width, y), (mean, y + height), (mean + width, y), (mean, y - height)];
        chart.draw_series([Polygon::new(corners, fill(INK, 1.0))])?;
    }
    Ok(())
}

fn published_interval(values: &[f64]) -> Option<Interval> {
    Statistics::of(values.to_vec()).ci95
}

/// A dot for each of `values`, in piles that grow away from the middle of the row at `y`: upwards,
/// or downwards where `direction` is −1.
fn dots(
    chart: &mut RowChart<'_, '_>,
    values: &[f64],
    (y, direction): (f64, f64),
    colour: Colour,
) -> Result<(), DrawingError> {
    let range = chart.x_range();
    let (x_unit, y_unit) = per_pixel(chart, 1.0);
    let height = |pixels: f64| y + direction * pixels * y_unit;
    let step = values.len().div_ceil(MOST_DOTS).max(1);
    let mut sorted: Vec<f64> = values.iter().copied().step_by(step).collect();
    sorted.sort_by(f64::total_cmp);
    let outside = sorted.partition_point(|value| *value < range.start);
    let (lost, shown) = sorted.split_at(outside);

    let levels = levels(shown, 2.0 * DOT * x_unit);
    let highest = levels.iter().copied().max().unwrap_or(0).max(1);
    let pitch = (1.8 * DOT).min((DOTS.end - DOTS.start) / highest as f64);
    for (&value, level) in shown.iter().zip(levels) {
        let centre = (value, height(DOTS.start + pitch * level as f64));
        chart.draw_series([Circle::new(centre, scaled(DOT), fill(colour, 0.6))])?;
    }
    let words = match lost {
        [] => return Ok(()),
        [one] => number(*one),
        [lowest, ..] => format!("{} runs from {}", lost.len(), number(*lowest)),
    };
    // Higher than the first dots of a pile, which may be at the end of the axis as well.
    let at = |x: f64, pixels: f64| (range.start + x * x_unit, height(DOTS.start + 9.0 + pixels));
    let head = [at(0.0, 0.0), at(6.0, 3.5), at(6.0, -3.5)];
    chart.draw_series([Polygon::new(head, fill(colour, 1.0))])?;
    let style = chart::text(9.5, colour).pos(Pos::new(HPos::Left, VPos::Center));
    chart.draw_series([Words::new(words, at(9.0, 0.0), style)])?;
    Ok(())
}

/// For each of `sorted` the lowest level of a pile on which it is `apart` from the one before it.
fn levels(sorted: &[f64], apart: f64) -> Vec<usize> {
    let mut last: Vec<f64> = Vec::new();
    let place = |&value: &f64| {
        // Equal differences of equal decimals differ in their last bits.
        let free = last.iter().position(|there| value - there > apart - 1e-9);
        match free {
            Some(level) => last[level] = value,
            None => last.push(value),
        }
        free.unwrap_or(last.len() - 1)
    };
    sorted.iter().map(place).collect()
}

/// What disc and diamond are, at the right of a panel's title.
fn legend() -> String {
    let mut svg = Svg::default();
    let style = Text::new(11.0, MUTED).end();
    let right = WIDTH - 14.0;
    svg.text((right, 15.0), style, "published");
    // Sans-serif letters of this size are six pixels wide at most.
    let (here, there) = (right - 124.0, right - 68.0);
    svg.text((there - 16.0, 15.0), style, "here");
    svg.rectangle((here - 9.0, 10.1), (18.0, 1.8), BLUE, 1.0);
    svg.circle((here, 11.0), MARK, BLUE);
    svg.rectangle((there - 9.0, 10.1), (18.0, 1.8), INK, 1.0);
    let half = MARK + 0.7;
    let corners = [(-half, 0.0), (0.0, -half), (half, 0.0), (0.0, half)];
    svg.polygon(&corners.map(|(x, y)| (there + x, 11.0 + y)), INK);
    svg.0
}

fn in_words(name: &str, accuracy: &Accuracy) -> String {
    let measured = match (accuracy.statistics.mean, accuracy.statistics.n) {
        (Some(mean), 1) => format!("{mean:.2} %, one run"),
        (Some(mean), count) => format!("mean {mean:.2} % of {count} runs"),
        (None, _) => "nothing measured".to_owned(),
    };
    let published = accuracy.published.as_ref();
    let published = published.map(|there| format!(", published {:.2} %", there.mean));
    format!("{name} {measured}{}", published.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_that_would_touch_are_piled_up() {
        assert_eq!(levels(&[1.0, 1.0, 1.1, 2.0, 2.0, 2.6], 0.5), [0, 1, 2, 0, 1, 0]);
        assert!(levels(&[], 0.5).is_empty());
    }
}

//! One swept number: accuracy over it, a curve a network.

use std::ops::Range;

use pairnet_record::Study;
use plotters::chart::ChartBuilder;
use plotters::element::{Circle, PathElement, Polygon};
use plotters::series::LineSeries;

use crate::entry::Entry;
use crate::error::ReportError;
use crate::figures::chart::{self, elements, fill, round_range, scaled, stroke};
use crate::figures::palette::{BLUE, GRID, INK, MUTED, PAPER};
use crate::figures::svg::{Svg, Text, number};
use crate::figures::{Figure, Panel};
use crate::render::cells;
use crate::render::terms;
use crate::summary::Summary;
use crate::words::{decapitalised, elided};

const SIZE: (f64, f64) = (372.0, 250.0);
const TOP: f64 = 44.0;
const LEFT: f64 = 42.0;
const RIGHT: f64 = 10.0;
const BELOW: f64 = 40.0;
const DOT: f64 = 2.0;
const MARK: f64 = 3.6;
/// The largest value this many times the smallest is drawn on a logarithmic axis.
const LOGARITHMIC: f64 = 20.0;
/// How far from the smallest value above it 0 is drawn there, as a share of the axis.
const ZERO_APART: f64 = 0.15;
/// Sans-serif letters of the ticks' size are six pixels wide, roughly.
const LETTER: f64 = 6.0;

/// Where values are on the axis.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scale {
    Linear,
    /// By their logarithms; 0, which has none, has a place apart at the left.
    Logarithmic {
        zero: f64,
    },
}

impl Scale {
    /// Logarithmic where no value is below 0, and the largest is far from the smallest above 0. The values
    /// ascend.
    fn of(values: &[f64]) -> Self {
        let above = values.iter().copied().find(|value| *value > 0.0);
        match (values.first(), above, values.last()) {
            (Some(first), Some(low), Some(high)) if *first >= 0.0 && *high >= LOGARITHMIC * low => {
                let (low, high) = (low.log10(), high.log10());
                Self::Logarithmic { zero: low - ZERO_APART * (high - low) }
            }
            _ => Self::Linear,
        }
    }

    fn place(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Logarithmic { zero } if value == 0.0 => zero,
            Self::Logarithmic { .. } => value.log10(),
        }
    }

    /// Whether the line goes through what is measured there.
    fn joins(self, value: f64) -> bool {
        self == Self::Linear || value > 0.0
    }
}

/// The axes that all panels share.
struct Axes {
    scale: Scale,
    /// Of places.
    x: Range<f64>,
    y: Range<f64>,
}

impl Axes {
    fn place(&self, value: f64) -> f64 {
        self.scale.place(value)
    }

    /// In pixels from the left of a panel.
    fn pixel(&self, value: f64) -> f64 {
        let share = (self.place(value) - self.x.start) / (self.x.end - self.x.start);
        LEFT + share * (SIZE.0 - LEFT - RIGHT)
    }
}

/// A value with what its cell's runs of one network say.
type Point<'a> = (f64, &'a Entry);

/// `None` where nothing was measured.
pub(super) fn figure(
    asked: &Study,
    summary: &Summary,
    field: &str,
    cells: &[(f64, &str)],
) -> Result<Option<Figure>, ReportError> {
    let Some(y) = shown_range(summary, cells) else { return Ok(None) };
    let (Some((low, _)), Some((high, _))) = (cells.first(), cells.last()) else { return Ok(None) };
    let scale = Scale::of(&cells.iter().map(|(value, _)| *value).collect::<Vec<_>>());
    let (left, right) = (scale.place(*low), scale.place(*high));
    let margin = 0.04 * (right - left);
    let axes = Axes { scale, x: left - margin..right + margin, y };
    let title = terms::field(field);
    let mut panels = Vec::new();
    for network in summary.networks() {
        let points: Vec<Point<'_>> = cells
            .iter()
            .filter_map(|(value, cell)| Some((*value, summary.entry(cell, network)?)))
            .collect();
        panels.push(panel(asked, network, title, &points, &axes)?);
    }
    let ring = if cells.iter().any(|(_, cell)| *cell == asked.base) {
        &format!("The ring is the cell {}, which the others are compared with. ", asked.base)
    } else {
        ""
    };
    let scale = match scale {
        Scale::Linear => "linear",
        Scale::Logarithmic { .. } if *low == 0.0 => "logarithmic, with 0 apart at its left",
        Scale::Logarithmic { .. } => "logarithmic",
    };
    let below = if all(summary, cells).any(|value| value < axes.y.start) {
        " Dots on the axis are runs below it."
    } else {
        ""
    };
    Ok(Some(Figure {
        name: "line".to_owned(),
        title: format!("Accuracy on test pairs by {}", decapitalised(title)),
        caption: format!(
            "Dots are runs, the line joins their means, and the band is the 95 % interval of each mean. \
             {ring}The axis is {scale}; all panels share both axes.{below}"
        ),
        panels,
        columns: 2,
    }))
}

fn all<'a>(summary: &'a Summary, cells: &'a [(f64, &str)]) -> impl Iterator<Item = f64> + 'a {
    entries(summary, cells).flat_map(|entry| entry.test.statistics.values.iter().copied())
}

fn entries<'a>(
    summary: &'a Summary,
    cells: &'a [(f64, &str)],
) -> impl Iterator<Item = &'a Entry> + 'a {
    summary.entries.iter().filter(|entry| cells.iter().any(|(_, cell)| *cell == entry.recipe))
}

/// All means, and all runs but the lowest tenth of each cell, of which one that got lost would leave no
/// room for the others.
fn shown_range(summary: &Summary, cells: &[(f64, &str)]) -> Option<Range<f64>> {
    let mut values = Vec::new();
    for entry in entries(summary, cells) {
        let mut sorted = entry.test.statistics.values.clone();
        sorted.sort_by(f64::total_cmp);
        values.extend(&sorted[sorted.len() / 10..]);
        values.extend(entry.test.statistics.mean);
    }
    let (low, high) =
        (values.iter().copied().reduce(f64::min)?, values.iter().copied().reduce(f64::max)?);
    let step = [1.0, 2.0, 5.0].into_iter().find(|step| high - low < 8.0 * step).unwrap_or(10.0);
    round_range(values.into_iter(), step)
}

fn panel(
    asked: &Study,
    network: &str,
    title: &str,
    points: &[Point<'_>],
    axes: &Axes,
) -> Result<Panel, ReportError> {
    let mut svg = Svg::default();
    svg.text((0.0, 15.0), Text::new(13.0, INK).bold(), &elided(network, 46));
    svg.text((0.0, 33.0), Text::new(10.5, MUTED), "accuracy in %");
    svg.push(plot(asked, points, axes)?.trim_end());
    let bottom = SIZE.1 - BELOW;
    let mut free = 0.0;
    for (value, _) in points {
        let (x, text) = (axes.pixel(*value), number_of(*value));
        let half = LETTER * text.chars().count() as f64 / 2.0;
        svg.rectangle((x - 0.5, bottom), (1.0, 4.0), MUTED, 1.0);
        if x - half >= free {
            let x = x.min(SIZE.0 - half);
            svg.text((x, bottom + 16.0), Text::new(10.5, MUTED).middle(), &text);
            free = x + half + LETTER;
        }
    }
    let middle = f64::midpoint(LEFT, SIZE.0 - RIGHT);
    svg.text((middle, bottom + 33.0), Text::new(10.5, MUTED).middle(), title);
    let words: Vec<String> = points.iter().map(in_words).collect();
    Ok(Panel {
        title: format!("Test accuracy of {network} by {}", decapitalised(title)),
        description: format!("{title}: {}.", words.join("; ")),
        size: SIZE,
        body: svg.0,
    })
}

fn plot(asked: &Study, points: &[Point<'_>], axes: &Axes) -> Result<String, ReportError> {
    elements(SIZE, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin_top(scaled(TOP))
            .margin_right(scaled(RIGHT))
            .y_label_area_size(scaled(LEFT))
            .x_label_area_size(scaled(BELOW))
            .build_cartesian_2d(axes.x.clone(), axes.y.clone())?;
        chart
            .configure_mesh()
            .light_line_style(stroke(GRID, 0.0, 1.0))
            .bold_line_style(stroke(GRID, 1.0, 0.8))
            .axis_style(stroke(GRID, 1.0, 1.0))
            .set_all_tick_mark_size(scaled(4.0))
            .disable_x_mesh()
            .x_labels(0)
            .y_labels(6)
            .label_style(chart::text(10.5, MUTED))
            .y_label_formatter(&|value| number(*value))
            .draw()?;
        let inside = |y: f64| y.clamp(axes.y.start, axes.y.end);
        let interval = |point: &Point<'_>| point.1.test.statistics.ci95;
        let known = || points.iter().filter_map(|point| Some((point.0, interval(point)?)));
        let joined = || known().filter(|(value, _)| axes.scale.joins(*value));
        let high = joined().map(|(value, span)| (axes.place(value), inside(span.high)));
        let low = joined().map(|(value, span)| (axes.place(value), inside(span.low)));
        let low: Vec<(f64, f64)> = low.collect();
        let band: Vec<(f64, f64)> = high.chain(low.into_iter().rev()).collect();
        if band.len() > 2 {
            chart.draw_series([Polygon::new(band, fill(BLUE, 0.16))])?;
        }
        for (value, span) in known() {
            let x = axes.place(value);
            let ends = vec![(x, inside(span.low)), (x, inside(span.high))];
            chart.draw_series([PathElement::new(ends, stroke(BLUE, 0.5, 1.0))])?;
        }
        for (value, entry) in points {
            for accuracy in &entry.test.statistics.values {
                let at = (axes.place(*value), inside(*accuracy));
                chart.draw_series([Circle::new(at, scaled(DOT), fill(BLUE, 0.45))])?;
            }
        }
        let means = points
            .iter()
            .filter_map(|(value, entry)| Some((*value, entry.test.statistics.mean?, *entry)));
        let means: Vec<(f64, f64, &Entry)> = means.collect();
        let line = means.iter().filter(|(value, ..)| axes.scale.joins(*value));
        let line = line.map(|(value, mean, _)| (axes.place(*value), *mean));
        chart.draw_series(LineSeries::new(line, stroke(BLUE, 1.0, 2.0)))?;
        for (value, mean, entry) in means {
            let at = (axes.place(value), mean);
            if entry.recipe == asked.base {
                chart.draw_series([Circle::new(at, scaled(MARK + 0.8), fill(PAPER, 1.0))])?;
                chart.draw_series([Circle::new(at, scaled(MARK + 0.8), stroke(INK, 1.0, 2.0))])?;
            } else {
                chart.draw_series([Circle::new(at, scaled(MARK), fill(BLUE, 1.0))])?;
            }
        }
        Ok(())
    })
}

fn in_words((value, entry): &Point<'_>) -> String {
    let statistics = &entry.test.statistics;
    let mean = statistics.mean.map_or(cells::why_nothing(entry).to_owned(), |mean| {
        let half = statistics.ci95.map(|span| format!(" ± {:.2}", (span.high - span.low) / 2.0));
        format!("{mean:.2}{} %", half.unwrap_or_default())
    });
    format!("at {} {mean}", number_of(*value))
}

fn number_of(value: f64) -> String {
    terms::value(Some(&value.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_numbers_have_a_logarithmic_axis_and_0_is_left_of_it() {
        let zero = |low: f64, high: f64| low.log10() - ZERO_APART * (high / low).log10();
        let logarithmic = |values: &[f64]| match Scale::of(values) {
            Scale::Logarithmic { zero } => Some(zero),
            Scale::Linear => None,
        };
        let close = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 1e-12;
        assert!(close(logarithmic(&[0.001, 0.02]), zero(0.001, 0.02)));
        assert!(close(logarithmic(&[0.0, 0.01, 5.0]), zero(0.01, 5.0)));
        for values in [&[0.001, 0.019][..], &[-1.0, 0.1, 5.0], &[0.0, 5.0], &[0.0], &[]] {
            assert_eq!(logarithmic(values), None, "{values:?}");
        }
        let scale = Scale::of(&[0.0, 0.01, 5.0]);
        assert!(scale.place(0.0) < scale.place(0.01) && !scale.joins(0.0) && scale.joins(0.01));
    }
}

//! A chart with a row for each network: names at the left, one axis for all.

use std::fmt;
use std::ops::Range;

use plotters::backend::SVGBackend;
use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::types::RangedCoordf64;
use plotters::element::PathElement;

use super::chart::{self, DrawingError, elements, scaled, stroke};
use super::palette::{GRID, INK, MUTED};
use super::svg::{Svg, Text};
use crate::entry::Entry;
use crate::error::ReportError;
use crate::words::elided;

/// A chart whose y is counted in rows from below.
pub(crate) type RowChart<'a, 'b> =
    ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// What `pixels` are in the units of the axes.
pub(crate) fn per_pixel(chart: &RowChart<'_, '_>, pixels: f64) -> (f64, f64) {
    let (width, height) = chart.plotting_area().dim_in_pixel();
    let (x, y) = (chart.x_range(), chart.y_range());
    let share = |range: Range<f64>, size: u32| {
        (range.end - range.start) * f64::from(scaled(pixels)) / f64::from(size.max(1))
    };
    (share(x, width), share(y, height))
}

pub(crate) const WIDTH: f64 = 372.0;
/// Letters that there is room for at the left, in a name and in its note.
const NAME: usize = 33;
const NOTE: usize = 40;
const TOP: f64 = 30.0;
const ROW: f64 = 31.0;
const AXIS: f64 = 32.0;

/// What stands at the left of a row.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    name: String,
    /// Smaller, below the name.
    note: String,
    /// All of it, where not all is shown.
    whole: Option<String>,
}

impl Label {
    pub(crate) fn new(name: String) -> Self {
        Self { name, note: String::new(), whole: None }
    }

    /// The same, with the runs of `entry` that have no result where there is room for them.
    pub(crate) fn lacking(self, entry: &Entry) -> Self {
        if self.note.is_empty() { Self { note: note(entry), ..self } } else { self }
    }

    pub(crate) fn noted(name: String, note: String) -> Self {
        Self { name, note, whole: None }
    }

    /// A name in one line, or in two where it is long: cells are called after their settings, which
    /// two hyphens part.
    pub(crate) fn in_lines(text: &str) -> Self {
        let letters = text.chars().count();
        if letters <= NAME {
            return Self::new(text.to_owned());
        }
        let parts = text.match_indices("--").map(|(at, _)| at);
        let at = parts.filter(|at| text[..*at].chars().count() <= NAME).last();
        let (name, note) = match at {
            Some(at) => (text[..at].to_owned(), elided(&text[at + 2..], NOTE)),
            None => (elided(text, NAME), String::new()),
        };
        Self { name, note, whole: Some(text.to_owned()) }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(whole) = &self.whole {
            return f.write_str(whole);
        }
        let separator = if self.note.is_empty() { "" } else { ", " };
        write!(f, "{}{separator}{}", self.name, self.note)
    }
}

/// The frame of a chart of rows.
pub(crate) struct Rows<'a> {
    pub(crate) title: String,
    pub(crate) labels: Vec<Label>,
    pub(crate) range: Range<f64>,
    pub(crate) axis: &'a str,
    /// Words at the right of each row; the room is taken where any is.
    pub(crate) remarks: Vec<String>,
}

impl Rows<'_> {
    /// Size and elements; `draw` gets the chart, above its grid.
    pub(crate) fn draw(
        &self,
        draw: impl FnOnce(&mut RowChart<'_, '_>) -> Result<(), DrawingError>,
    ) -> Result<((f64, f64), String), ReportError> {
        self.draw_high(ROW, draw)
    }

    /// The same with a line at 0, over which `row` draws each row at its height.
    pub(crate) fn draw_around_zero(
        &self,
        mut row: impl FnMut(&mut RowChart<'_, '_>, usize, f64) -> Result<(), DrawingError>,
    ) -> Result<((f64, f64), String), ReportError> {
        let count = self.labels.len();
        self.draw(|chart| {
            let zero = vec![(0.0, 0.0), (0.0, count as f64)];
            chart.draw_series([PathElement::new(zero, stroke(MUTED, 1.0, 1.0))])?;
            (0..count).try_for_each(|index| row(chart, index, middle(index, count)))
        })
    }

    /// As [`Rows::draw`], with rows of this height in pixels.
    pub(crate) fn draw_high(
        &self,
        row: f64,
        draw: impl FnOnce(&mut RowChart<'_, '_>) -> Result<(), DrawingError>,
    ) -> Result<((f64, f64), String), ReportError> {
        let count = self.labels.len() as f64;
        let size = (WIDTH, TOP + row * count + AXIS);
        // Sans-serif letters of the labels' size are six pixels wide, roughly.
        let width = |label: &Label| {
            let (name, note) = (label.name.chars().count(), label.note.chars().count());
            f64::max(6.0 * name as f64, 5.0 * note as f64)
        };
        let longest = self.labels.iter().map(width).fold(0.0, f64::max);
        let left = (longest + 14.0).clamp(92.0, 0.58 * WIDTH);
        let right = if self.remarks.is_empty() { 14.0 } else { 74.0 };
        let chart = elements(size, |area| {
            let mut chart = ChartBuilder::on(area)
                .margin_top(scaled(TOP))
                .margin_right(scaled(right))
                .y_label_area_size(scaled(left))
                .x_label_area_size(scaled(AXIS))
                .build_cartesian_2d(self.range.clone(), 0.0..count)?;
            chart
                .configure_mesh()
                .disable_y_mesh()
                .disable_y_axis()
                .light_line_style(stroke(GRID, 0.0, 1.0))
                .bold_line_style(stroke(GRID, 1.0, 1.0))
                .axis_style(stroke(GRID, 1.0, 1.0))
                .set_all_tick_mark_size(scaled(4.0))
                .y_labels(0)
                .x_labels(6)
                .label_style(chart::text(11.0, MUTED))
                .axis_desc_style(chart::text(11.0, MUTED))
                .x_desc(self.axis)
                .x_label_formatter(&|value| super::svg::number(*value).replace('-', "−"))
                .draw()?;
            draw(&mut chart)
        })?;
        let mut svg = Svg::default();
        svg.text((0.0, 15.0), Text::new(13.0, INK).bold(), &self.title);
        svg.push(chart.trim_end());
        for (index, Label { name, note, .. }) in self.labels.iter().enumerate() {
            let middle = TOP + row * (index as f64 + 0.5);
            let y = if note.is_empty() { middle + 4.0 } else { middle - 1.0 };
            svg.text((left - 8.0, y), Text::new(11.5, INK).end(), name);
            if !note.is_empty() {
                svg.text((left - 8.0, middle + 11.0), Text::new(9.5, MUTED).end(), note);
            }
        }
        for (index, remark) in self.remarks.iter().enumerate() {
            let middle = TOP + row * (index as f64 + 0.5);
            svg.text((WIDTH - 68.0, middle + 4.0), Text::new(11.0, INK), remark);
        }
        Ok((size, svg.0))
    }
}

/// Where the middle of row `index` of `count` is, counted from below.
pub(crate) fn middle(index: usize, count: usize) -> f64 {
    (count - index) as f64 - 0.5
}

/// What the row lacks.
fn note(entry: &Entry) -> String {
    let counts = [(entry.failed_runs.len(), "failed"), (entry.missing_runs.len(), "missing")];
    let parts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    parts.join(", ")
}

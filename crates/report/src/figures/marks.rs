//! What stands in a chart of rows for an estimate: a mark and its interval.

use plotters::element::{Circle, PathElement, Polygon, Rectangle};

use super::chart::{DrawingError, fill, scaled, stroke};
use super::palette::{BLUE, Colour, INK, PAPER};
use super::rows::{RowChart, per_pixel};
use crate::statistics::Interval;

const RADIUS: f64 = 3.3;

/// Outcomes that can be told apart without colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Disc,
    Square,
    Framed,
    Ring,
}

impl Mark {
    pub(crate) fn draw(
        self,
        chart: &mut RowChart<'_, '_>,
        (x, y): (f64, f64),
    ) -> Result<(), DrawingError> {
        let radius = scaled(RADIUS);
        match self {
            Self::Square => {
                let (width, height) = per_pixel(chart, RADIUS);
                let corners = [(x - width, y - height), (x + width, y + height)];
                chart.draw_series([Rectangle::new(corners, fill(BLUE, 1.0))])?;
            }
            Self::Disc => {
                chart.draw_series([Circle::new((x, y), radius, fill(BLUE, 1.0))])?;
            }
            Self::Framed => {
                let (width, height) = per_pixel(chart, RADIUS + 2.0);
                let corners = [(x - width, y - height), (x + width, y + height)];
                chart.draw_series([Rectangle::new(corners, stroke(BLUE, 1.0, 1.4))])?;
                chart.draw_series([Circle::new((x, y), radius, fill(BLUE, 1.0))])?;
            }
            Self::Ring => {
                chart.draw_series([Circle::new((x, y), radius, fill(PAPER, 1.0))])?;
                chart.draw_series([Circle::new((x, y), radius, stroke(BLUE, 1.0, 2.0))])?;
            }
        }
        Ok(())
    }
}

/// A line as wide as told, in pixels; an arrow where the interval goes on outside the chart.
pub(crate) fn interval(
    chart: &mut RowChart<'_, '_>,
    interval: Option<Interval>,
    y: f64,
    width: f64,
) -> Result<(), DrawingError> {
    interval_in(chart, interval, y, (INK, width))
}

/// The same in this colour.
pub(crate) fn interval_in(
    chart: &mut RowChart<'_, '_>,
    interval: Option<Interval>,
    y: f64,
    (colour, width): (Colour, f64),
) -> Result<(), DrawingError> {
    let Some(Interval { low, high }) = interval else {
        return Ok(());
    };
    let range = chart.x_range();
    let inside = |x: f64| x.clamp(range.start, range.end);
    let ends = vec![(inside(low), y), (inside(high), y)];
    chart.draw_series([PathElement::new(ends, stroke(colour, 1.0, width))])?;
    let (length, half_height) = per_pixel(chart, RADIUS);
    for (outside, tip, back) in [
        (low < range.start, range.start, 1.6 * length),
        (high > range.end, range.end, -1.6 * length),
    ] {
        if outside {
            let head = vec![(tip, y), (tip + back, y + half_height), (tip + back, y - half_height)];
            chart.draw_series([Polygon::new(head, fill(colour, 1.0))])?;
        }
    }
    Ok(())
}

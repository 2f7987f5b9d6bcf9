//! Charts drawn with `plotters`: the frame that all of them share.
//!
//! `plotters` puts everything on whole pixels. Charts are drawn ten times as large as they are
//! shown, so that lines are smooth.

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea as _};
use plotters::style::{Color as _, FontFamily, IntoFont as _, RGBColor, ShapeStyle, TextStyle};

use super::palette::Colour;
use crate::error::ReportError;

/// How many times larger than shown.
const SCALE: f64 = 10.0;

/// Where a chart is drawn.
pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// What `plotters` says where it cannot draw.
pub(crate) type DrawingError = DrawingAreaErrorKind<std::io::Error>;

/// The elements of what `draw` draws on an area of this size, in pixels.
pub(crate) fn elements(
    (width, height): (f64, f64),
    draw: impl FnOnce(&Area<'_>) -> Result<(), DrawingError>,
) -> Result<String, ReportError> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (scaled(width), scaled(height)));
    let area = area.into_drawing_area();
    draw(&area)
        .and_then(|()| area.present())
        .map_err(|error| ReportError::Drawing(error.to_string()))?;
    drop(area);
    let inner = svg.split_once('>').and_then(|(_, rest)| rest.rsplit_once("</svg>"));
    let inner = inner.map_or("", |(inner, _)| inner.trim());
    Ok(format!("<g transform=\"scale({})\">\n{inner}\n</g>\n", 1.0 / SCALE))
}

/// Pixels on the drawing.
pub(crate) fn scaled(pixels: f64) -> u32 {
    (pixels * SCALE).round() as u32
}

/// `colour` for `plotters`.
pub(crate) fn rgb(colour: Colour) -> RGBColor {
    let part = |at: usize| {
        colour.light.get(at..at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).unwrap_or(0)
    };
    RGBColor(part(1), part(3), part(5))
}

/// A line of this width in pixels.
pub(crate) fn stroke(colour: Colour, opacity: f64, width: f64) -> ShapeStyle {
    rgb(colour).mix(opacity).stroke_width(scaled(width))
}

/// An area.
pub(crate) fn fill(colour: Colour, opacity: f64) -> ShapeStyle {
    rgb(colour).mix(opacity).filled()
}

/// Text of this size in pixels.
pub(crate) fn text(size: f64, colour: Colour) -> TextStyle<'static> {
    // `plotters` takes a size for that of the box and divides it by 1.24.
    let font = (FontFamily::SansSerif, size * SCALE * 1.24);
    TextStyle { color: rgb(colour).to_backend_color(), ..TextStyle::from(font.into_font()) }
}

/// Round ends for an axis over `values` in steps of `step`.
pub(crate) fn round_range(
    values: impl Iterator<Item = f64>,
    step: f64,
) -> Option<std::ops::Range<f64>> {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    (low <= high).then(|| {
        let low = (low / step).floor() * step;
        low..((high / step).ceil() * step).max(low + step)
    })
}

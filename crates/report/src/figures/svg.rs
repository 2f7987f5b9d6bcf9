//! SVG by hand, for what no plotting crate draws.

use std::fmt::Write as _;

use super::palette::Colour;

/// The elements of a picture.
#[derive(Clone, Debug, Default)]
pub(crate) struct Svg(pub(crate) String);

/// Where a text stands relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text {
    pub(crate) size: f64,
    pub(crate) colour: Colour,
    pub(crate) anchor: Anchor,
    pub(crate) bold: bool,
}

impl Text {
    pub(crate) fn new(size: f64, colour: Colour) -> Self {
        Self { size, colour, anchor: Anchor::Start, bold: false }
    }

    pub(crate) fn middle(self) -> Self {
        Self { anchor: Anchor::Middle, ..self }
    }

    pub(crate) fn end(self) -> Self {
        Self { anchor: Anchor::End, ..self }
    }

    pub(crate) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }
}

impl Svg {
    /// `text` with its baseline at `y`.
    pub(crate) fn text(&mut self, (x, y): (f64, f64), style: Text, text: &str) {
        let anchor = match style.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = if style.bold { " font-weight=\"bold\"" } else { "" };
        let (x, y, size) = (number(x), number(y), number(style.size));
        let colour = style.colour.light;
        self.push(&format!(
            "<text x=\"{x}\" y=\"{y}\" font-family=\"sans-serif\" font-size=\"{size}\" \
             fill=\"{colour}\"{anchor}{weight}>{}</text>",
            escape(text)
        ));
    }

    /// A box; `opacity` is that of its filling.
    pub(crate) fn rectangle(
        &mut self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        fill: Colour,
        opacity: f64,
    ) {
        let opacity = if opacity < 1.0 {
            format!(" fill-opacity=\"{}\"", number(opacity))
        } else {
            String::new()
        };
        let [x, y, width, height] = [x, y, width, height].map(number);
        self.push(&format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{}\"{opacity}/>",
            fill.light
        ));
    }

    /// A box with round corners and an outline, dashed or not.
    pub(crate) fn frame(
        &mut self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        (fill, stroke): (Colour, Colour),
        dashed: bool,
    ) {
        let [x, y, width, height] = [x, y, width, height].map(number);
        let dashes = if dashed { " stroke-dasharray=\"4 3\"" } else { "" };
        self.push(&format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"5\" \
             fill=\"{}\" stroke=\"{}\" stroke-width=\"1.3\"{dashes}/>",
            fill.light, stroke.light
        ));
    }

    /// A disc.
    pub(crate) fn circle(&mut self, (x, y): (f64, f64), radius: f64, fill: Colour) {
        let ([x, y, radius], fill) = ([x, y, radius].map(number), fill.light);
        self.push(&format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{fill}\"/>"));
    }

    /// The area between `corners`.
    pub(crate) fn polygon(&mut self, corners: &[(f64, f64)], fill: Colour) {
        let points: Vec<String> =
            corners.iter().map(|&(x, y)| format!("{},{}", number(x), number(y))).collect();
        let (points, fill) = (points.join(" "), fill.light);
        self.push(&format!("<polygon points=\"{points}\" fill=\"{fill}\"/>"));
    }

    /// A line through `points`, with a head at its end where it is an arrow.
    pub(crate) fn line(
        &mut self,
        points: &[(f64, f64)],
        (colour, width): (Colour, f64),
        arrow: bool,
    ) {
        let mut path = String::new();
        for (index, &(x, y)) in points.iter().enumerate() {
            let command = if index == 0 { 'M' } else { 'L' };
            // Writing into a string cannot fail.
            let _ = write!(path, "{command}{} {}", number(x), number(y));
        }
        let colour = colour.light;
        self.push(&format!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{}\"/>",
            number(width)
        ));
        if let (true, [.., from, to]) = (arrow, points) {
            let (dx, dy) = (to.0 - from.0, to.1 - from.1);
            let length = dx.hypot(dy).max(1e-9);
            let (dx, dy) = (dx / length, dy / length);
            let corner = |side: f64| {
                let (x, y) = (to.0 - 6.0 * dx - side * dy, to.1 - 6.0 * dy + side * dx);
                format!("{} {}", number(x), number(y))
            };
            let tip = format!("{} {}", number(to.0), number(to.1));
            let (left, right) = (corner(3.0), corner(-3.0));
            self.push(&format!("<path d=\"M{tip}L{left}L{right}Z\" fill=\"{colour}\"/>"));
        }
    }

    /// Elements as they are.
    pub(crate) fn push(&mut self, elements: &str) {
        self.0.push_str(elements);
        self.0.push('\n');
    }
}

/// Two decimals at most.
pub(crate) fn number(value: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    // No "-0".
    if rounded == 0.0 { "0".to_owned() } else { rounded.to_string() }
}

/// `text` as the content of an element or attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // What XML has no place for, not even escaped.
            control if control.is_control() && !"\n\t".contains(control) => {
                escaped.push('\u{fffd}');
            }
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out() {
        assert_eq!(escape("<b a=\"1\">&\u{1}"), "&lt;b a=&quot;1&quot;&gt;&amp;\u{fffd}");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([1.0, 0.333_3, -0.001].map(number), ["1", "0.33", "0"]);
    }
}

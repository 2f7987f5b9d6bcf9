//! A figure: panels for a page, which puts them where there is room, or side by side in one file.

use super::palette::{INK, MUTED, PAPER, dark_rules};
use super::svg::{Svg, Text, escape, number};
use crate::summary::Picture;
use crate::words::wrapped;

/// A picture of one or more panels that are read alike.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The name of its file, without `.svg`.
    pub name: String,
    /// What it is.
    pub title: String,
    /// What to see in it, and how to read it.
    pub caption: String,
    /// In reading order; all of the same width.
    pub panels: Vec<Panel>,
    /// How many panels stand side by side in the file.
    pub columns: usize,
}

/// One of the pictures that a figure is made of.
#[derive(Clone, Debug)]
pub struct Panel {
    /// What it is.
    pub title: String,
    /// What it shows, for those who cannot see it.
    pub description: String,
    /// Width and height, in pixels at its natural size.
    pub size: (f64, f64),
    /// SVG elements.
    pub body: String,
}

const MARGIN: f64 = 16.0;
const HEAD: f64 = 44.0;
const CAPTION_SIZE: f64 = 12.0;
const CAPTION_LINE: f64 = 17.0;

impl Figure {
    /// The figure as a file of its own, dark where its reader is.
    pub fn to_svg(&self) -> String {
        let columns = self.columns.clamp(1, self.panels.len().max(1));
        let widest = self.panels.iter().map(|panel| panel.size.0).fold(0.0, f64::max);
        // Bold sans-serif letters of the title's size are ten pixels wide, roughly.
        let head = 10.0 * self.title.chars().count() as f64 + 2.0 * MARGIN;
        let width = (columns as f64 * (widest + MARGIN) + MARGIN).max(head);
        let mut body = Svg::default();
        let mut y = HEAD;
        for row in self.panels.chunks(columns) {
            for (column, panel) in row.iter().enumerate() {
                let x = MARGIN + column as f64 * (widest + MARGIN);
                body.push(&format!(
                    "<svg x=\"{}\" y=\"{}\" {}>{}</svg>",
                    number(x),
                    number(y),
                    size(panel.size),
                    panel.body
                ));
            }
            y += row.iter().map(|panel| panel.size.1).fold(0.0, f64::max) + MARGIN;
        }
        // Sans-serif letters of this size are half as wide as high, roughly.
        let letters = ((width - 2.0 * MARGIN) / (CAPTION_SIZE * 0.5)) as usize;
        for line in wrapped(&self.caption, letters) {
            y += CAPTION_LINE;
            body.text((MARGIN, y), Text::new(CAPTION_SIZE, MUTED), &line);
        }
        let mut svg = Svg::default();
        let height = y + MARGIN;
        svg.push(&format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" {} role=\"img\" \
             aria-labelledby=\"title description\">",
            size((width, height))
        ));
        svg.push(&format!("<title id=\"title\">{}</title>", escape(&self.title)));
        svg.push(&format!("<desc id=\"description\">{}</desc>", escape(&self.description())));
        svg.push(&format!(
            "<style>@media screen and (prefers-color-scheme:dark){{{}}}</style>",
            dark_rules("")
        ));
        svg.rectangle((0.0, 0.0), (width, height), PAPER, 1.0);
        svg.text((MARGIN, 28.0), Text::new(17.0, INK).bold(), &self.title);
        svg.push(body.0.trim_end());
        svg.push("</svg>");
        svg.0
    }

    /// Where it stands below a folder of results.
    pub fn file_name(&self) -> String {
        format!("figures/{}.svg", self.name)
    }

    /// What is kept of it beside the numbers.
    pub(crate) fn picture(&self) -> Picture {
        let Self { name, title, caption, .. } = self;
        Picture { name: name.clone(), title: title.clone(), caption: caption.clone() }
    }

    /// The caption and what each panel shows.
    fn description(&self) -> String {
        let panels =
            self.panels.iter().map(|panel| format!("{}: {}", panel.title, panel.description));
        let parts: Vec<String> = [self.caption.clone()].into_iter().chain(panels).collect();
        parts.join(" ")
    }
}

impl Panel {
    /// The panel as an element of a page, where `id` is its own.
    pub(crate) fn to_inline_svg(&self, id: &str) -> String {
        format!(
            "<svg role=\"img\" aria-labelledby=\"{id}-title {id}-description\" {}>\
             <title id=\"{id}-title\">{}</title><desc id=\"{id}-description\">{}</desc>\n{}</svg>",
            size(self.size),
            escape(&self.title),
            escape(&self.description),
            self.body
        )
    }
}

/// The rules that make inlined panels dark.
pub(crate) fn dark_page_rules() -> String {
    dark_rules(".panels ")
}

fn size((width, height): (f64, f64)) -> String {
    let (width, height) = (number(width), number(height));
    format!("width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\"")
}

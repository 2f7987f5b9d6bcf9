//! `report.html`: one page with everything on it, which asks for no other file.

mod html;

use crate::figures::{Figure, dark_page_rules, escape};
use crate::render::{self, Block};
use crate::report::Report;

use html::{anchor, blocks, figure, plain};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Nothing may be asked for from elsewhere, whatever a record's names may hold.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// A part of the page under a heading of its own.
struct Section {
    heading: String,
    body: String,
}

pub(crate) fn page(report: &Report, figures: &[Figure]) -> String {
    let summary = &report.summary;
    let mut sections = vec![with_figures(&render::answer(summary), &named(figures, &["effects"]))];
    let beside: [&[&str]; 3] = [&["accuracy", "differences"], &["claims"], &["text-and-code"]];
    for (content, names) in render::questions(summary).iter().zip(beside) {
        sections.push(with_figures(content, &named(figures, names)));
    }
    for content in [render::claims(summary), render::effects(summary), render::components(summary)]
    {
        sections.push(with_figures(&content, &[]));
    }
    for (content, names) in [
        (vec![Block::heading(2, "How the networks learn")], &["curves-"][..]),
        (failures(report), &["confusion", "mistakes"]),
        (vec![Block::heading(2, "The networks")], &["networks"]),
    ] {
        let figures = named(figures, names);
        if content.len() > 1 || !figures.is_empty() {
            sections.push(with_figures(&content, &figures));
        }
    }
    for recipe in summary.recipe_names() {
        sections.push(with_figures(&render::recipe_section(summary, recipe), &[]));
    }
    for content in [
        render::text_against_code(summary),
        render::numbers(summary),
        render::how_to_read(summary),
        render::how_to_cite(),
    ] {
        sections.push(with_figures(&content, &[]));
    }
    sections.retain(|section| !section.heading.is_empty());
    document(report, &sections)
}

/// What is said before the pictures of the best network's mistakes.
fn failures(report: &Report) -> Vec<Block> {
    let mut blocks = vec![Block::heading(2, "Where the best network fails")];
    if report.predictions.runs.is_empty() {
        let text = "The folder has no predictions of the network with the highest mean test \
                    accuracy, so that its mistakes cannot be shown.";
        blocks.push(Block::paragraph(text));
    }
    blocks
}

/// The figures whose names begin with one of `names`.
fn named<'a>(figures: &'a [Figure], names: &[&str]) -> Vec<&'a Figure> {
    let wanted = |figure: &&Figure| names.iter().any(|name| figure.name.starts_with(name));
    figures.iter().filter(wanted).collect()
}

/// `content`, which starts with a heading, and the figures below it.
fn with_figures(content: &[Block], figures: &[&Figure]) -> Section {
    let heading = match content.first() {
        Some(Block::Heading(_, text)) => text.clone(),
        _ => String::new(),
    };
    let figures: String = figures.iter().map(|content| figure(content)).collect();
    Section { heading, body: blocks(content) + &figures }
}

fn document(report: &Report, sections: &[Section]) -> String {
    let summary = &report.summary;
    let title = render::TITLE;
    let links: String = sections
        .iter()
        .map(|section| {
            let (anchor, text) = (anchor(&section.heading), escape(&plain(&section.heading)));
            format!("<li><a href=\"#{anchor}\">{text}</a></li>\n")
        })
        .collect();
    let body: String =
        sections.iter().map(|section| format!("<section>\n{}</section>\n", section.body)).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{STYLE}\
         @media screen and (prefers-color-scheme: dark) {{\n{}\n}}\n</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#content\">Skip to the content</a>\n\
         <header>\n<h1>{title}</h1>\n{}</header>\n\
         <nav aria-label=\"Contents\">\n<ul>\n{links}</ul>\n</nav>\n\
         <main id=\"content\" tabindex=\"-1\">\n{body}</main>\n<footer>\n{}</footer>\n\
         <script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        dark_page_rules(),
        blocks(&render::introduction(summary)),
        blocks(&[render::provenance(summary)]),
    )
}

//! `report.html`: one page with everything on it, which asks for no other file.

mod html;

use crate::figures::{Figure, dark_page_rules, escape};
use crate::render::{self, Block, Document};
use crate::summary::Summary;

use html::{anchor, blocks, figure, inline, plain};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Nothing may be asked for from elsewhere, whatever a record's names may hold.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// `document` with `figures` where its sections have them.
pub(crate) fn page(document: &Document, figures: &[Figure], summary: &Summary) -> String {
    let mut sections = Vec::new();
    for section in &document.sections {
        let own = section.pictures(figures, |figure| &figure.name);
        if let (true, Some(Block::Heading(_, heading))) =
            (section.is_shown(own.len()), section.blocks.first())
        {
            let figures: String = own.into_iter().map(figure).collect();
            sections.push((heading.as_str(), blocks(&section.blocks) + &figures));
        }
    }
    let links: String = sections
        .iter()
        .map(|(heading, _)| {
            let (anchor, text) = (anchor(heading), escape(&plain(heading)));
            format!("<li><a href=\"#{anchor}\">{text}</a></li>\n")
        })
        .collect();
    let body: String =
        sections.iter().map(|(_, body)| format!("<section>\n{body}</section>\n")).collect();
    let (title, heading) = (escape(&plain(&document.title)), inline(&document.title));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{STYLE}\
         @media screen and (prefers-color-scheme: dark) {{\n{}\n}}\n</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#content\">Skip to the content</a>\n\
         <header>\n<h1>{heading}</h1>\n{}</header>\n\
         <nav aria-label=\"Contents\">\n<ul>\n{links}</ul>\n</nav>\n\
         <main id=\"content\" tabindex=\"-1\">\n{body}</main>\n<footer>\n{}</footer>\n\
         <script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        dark_page_rules(),
        blocks(&document.introduction),
        blocks(&[render::provenance(summary)]),
    )
}

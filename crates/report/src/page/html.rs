//! Blocks and figures as HTML.

use std::fmt::Write as _;

use crate::figures::{Figure, escape};
use crate::render::{Align, Block, Table};

/// `blocks` one after the other; sections get anchors, lower headings may come again and get none.
pub(super) fn blocks(blocks: &[Block]) -> String {
    let mut html = String::new();
    let mut heading = String::new();
    for block in blocks {
        match block {
            Block::Heading(level, text) => {
                heading.clone_from(text);
                let id = match level {
                    2 => format!(" id=\"{}\"", anchor(text)),
                    _ => String::new(),
                };
                html += &format!("<h{level}{id}>{}</h{level}>\n", inline(text));
            }
            Block::Paragraph(text) => html += &format!("<p>{}</p>\n", inline(text)),
            Block::List(items) => {
                let items = items.iter().map(|item| format!("<li>{}</li>\n", inline(item)));
                html += &format!("<ul>\n{}</ul>\n", items.collect::<String>());
            }
            Block::Table(content) => html += &table(content, &heading),
            // The page has its figures inline, where they belong.
            Block::Picture(_) => {}
        }
    }
    html
}

/// A table that is sorted by a click on a column, where scripts run.
fn table(Table { caption, header, rows }: &Table, heading: &str) -> String {
    let class = |align: &Align| match align {
        Align::Left => "",
        Align::Right => " class=\"number\"",
    };
    // What the heading says needs no repetition, but for those who go from table to table.
    let (name, hidden) = match caption {
        Some(caption) => (caption.as_str(), ""),
        None => (heading, " class=\"hidden\""),
    };
    let mut html = format!(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\">\n\
         <table class=\"sortable\"><caption{hidden}>{}</caption>\n<thead><tr>",
        escape(&plain(name)),
        inline(name)
    );
    for (title, align) in header {
        // Writing into a string cannot fail.
        let _ = write!(html, "<th scope=\"col\"{}>{}</th>", class(align), inline(title));
    }
    html += "</tr></thead>\n<tbody>\n";
    for row in rows {
        html += "<tr>";
        for (index, (cell, (_, align))) in row.iter().zip(header).enumerate() {
            let (tag, scope) = if index == 0 { ("th", " scope=\"row\"") } else { ("td", "") };
            let class = match cell.as_str() {
                "reproduced" | "holds" => " class=\"good\"",
                "differs" | "contradicted" => " class=\"bad\"",
                _ => class(align),
            };
            let _ = write!(html, "<{tag}{scope}{class}>{}</{tag}>", inline(cell));
        }
        html += "</tr>\n";
    }
    html + "</tbody></table></div>\n"
}

/// A figure in place, its panels where there is room for them.
pub(super) fn figure(figure: &Figure) -> String {
    let width = figure.panels.iter().map(|panel| panel.size.0).fold(0.0, f64::max).ceil();
    let mut html = format!(
        "<figure id=\"figure-{0}\">\n<figcaption><strong>{1}.</strong> {2}</figcaption>\n\
         <div class=\"panels\" style=\"--panel:{width}px;--columns:{3}\">\n",
        escape(&figure.name),
        escape(&figure.title),
        escape(&figure.caption),
        figure.columns
    );
    for (index, panel) in figure.panels.iter().enumerate() {
        html += &panel.to_inline_svg(&format!("{}-{index}", escape(&figure.name)));
        html.push('\n');
    }
    html + "</div>\n</figure>\n"
}

/// What a link to a heading of that text needs.
pub(super) fn anchor(heading: &str) -> String {
    let words = heading.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

/// `text` with its `names` as code and its *terms* set off.
pub(super) fn inline(text: &str) -> String {
    let mut html = String::new();
    for (index, part) in escape(text).split('`').enumerate() {
        if index % 2 == 1 {
            html += &format!("<code>{part}</code>");
        } else {
            for (index, part) in part.split('*').enumerate() {
                html += &if index % 2 == 1 { format!("<em>{part}</em>") } else { part.to_owned() };
            }
        }
    }
    html
}

/// Without marks.
pub(super) fn plain(text: &str) -> String {
    text.replace(['`', '*'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_elements_and_the_rest_is_escaped() {
        let found = inline("*A* `mlp` < 3 & <b>");
        assert_eq!(found, "<em>A</em> <code>mlp</code> &lt; 3 &amp; &lt;b&gt;");
        assert_eq!(anchor("Recipe `paper`: what?"), "recipe-paper-what");
    }
}

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
    // Above what scrolls, so that it stays whole where the table does not. Within, and where the
    // heading says it, it is for those who go from table to table.
    let (name, above) = match caption {
        Some(caption) => {
            let above =
                format!("<p class=\"caption\" aria-hidden=\"true\">{}</p>\n", inline(caption));
            (caption.as_str(), above)
        }
        None => (heading, String::new()),
    };
    let mut html = format!(
        "{above}<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\">\n\
         <table class=\"sortable\"><caption class=\"hidden\">{}</caption>\n<thead><tr>",
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
            let _ = write!(html, "<{tag}{scope}{class}>{}</{tag}>", inline(&kept_together(cell)));
        }
        html += "</tr>\n";
    }
    html + "</tbody></table></div>\n"
}

/// A cell's text that breaks before an interval where it has to, and not within.
fn kept_together(cell: &str) -> String {
    cell.replace(" ± ", "\u{a0}±\u{a0}").replace(", +", ",\u{a0}+").replace(", −", ",\u{a0}−")
}

/// A figure in place, its panels where there is room for them.
pub(super) fn figure(figure: &Figure) -> String {
    let width = figure.panels.iter().map(|panel| panel.size.0).fold(0.0, f64::max).ceil();
    let mut html = format!(
        "<figure id=\"figure-{0}\" data-columns=\"{3}\" style=\"--panel:{width}px;--columns:{3}\">\n\
         <figcaption><strong>{1}.</strong> {2}</figcaption>\n\
         <div class=\"panels\">\n",
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
    let heading = plain(heading);
    let words = heading.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

/// `text` with its `names` as code, its *terms* set off, and its [words](https://…) as links.
pub(super) fn inline(text: &str) -> String {
    let text = &text.replace(" %", "\u{a0}%");
    let mut html = String::new();
    let mut in_term = false;
    for part in parts(text) {
        // Writing into a string cannot fail.
        let _ = match part {
            Part::Words(words) => write!(html, "{}", escape(words)),
            // A name stays whole; a command would make a phone's page wider than it is.
            Part::Code(name) if name.contains('-') && name.len() < 20 && !name.contains(' ') => {
                write!(html, "<code class=\"name\">{}</code>", escape(name))
            }
            Part::Code(name) => write!(html, "<code>{}</code>", escape(name)),
            Part::Term => {
                in_term = !in_term;
                write!(html, "{}", if in_term { "<em>" } else { "</em>" })
            }
            Part::Link(words, address) => {
                let (words, address) = (inline(words), escape(address));
                write!(html, "<a href=\"{address}\" rel=\"noopener\">{words}</a>")
            }
        };
    }
    if in_term { html + "</em>" } else { html }
}

/// Without marks.
pub(super) fn plain(text: &str) -> String {
    let words = |part| match part {
        Part::Words(words) | Part::Code(words) => words.to_owned(),
        Part::Term => String::new(),
        Part::Link(words, _) => plain(words),
    };
    parts(text).into_iter().map(words).collect()
}

/// What a text with marks is made of.
enum Part<'a> {
    Words(&'a str),
    Code(&'a str),
    /// One begins or ends.
    Term,
    /// Words, and an address that begins with `https://`.
    Link(&'a str, &'a str),
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*', '[']) {
        let (words, marked) = rest.split_at(at);
        parts.push(Part::Words(words));
        rest = &marked[1..];
        if marked.starts_with('*') {
            parts.push(Part::Term);
        } else if marked.starts_with('`') {
            let (name, after) = rest.split_once('`').unwrap_or((rest, ""));
            parts.push(Part::Code(name));
            rest = after;
        } else if let Some((words, address, after)) = link(rest) {
            parts.push(Part::Link(words, address));
            rest = after;
        } else {
            parts.push(Part::Words("["));
        }
    }
    parts.push(Part::Words(rest));
    parts
}

/// Words, address and what comes after them, of a link behind its first bracket.
fn link(text: &str) -> Option<(&str, &str, &str)> {
    let (words, rest) = text.split_once("](")?;
    let (address, after) = rest.split_once(')')?;
    let whole = address.starts_with("https://") && !address.contains(char::is_whitespace);
    (whole && !words.contains(['[', ']'])).then_some((words, address, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_elements_and_the_rest_is_escaped() {
        let found = inline("*A* `mlp` < 3 & <b>");
        assert_eq!(found, "<em>A</em> <code>mlp</code> &lt; 3 &amp; &lt;b&gt;");
        assert_eq!(inline("an *open `term`"), "an <em>open <code>term</code></em>");
        assert_eq!(inline("`mlp-ws`"), "<code class=\"name\">mlp-ws</code>");
        assert_eq!(inline("`a --long-one`"), "<code>a --long-one</code>");
        assert_eq!(inline("`a * b` [0, 1]"), "<code>a * b</code> [0, 1]");
        assert_eq!(anchor("Recipe `paper`: what?"), "recipe-paper-what");
    }

    #[test]
    fn links_lead_to_https_and_nowhere_else() {
        let found = inline("See [the `code`](https://a.example/b?c&d), *there*.");
        let link = "<a href=\"https://a.example/b?c&amp;d\" rel=\"noopener\">";
        assert_eq!(found, format!("See {link}the <code>code</code></a>, <em>there</em>."));
        assert_eq!(plain("See [the `code`](https://a.example), *there*."), "See the code, there.");
        for other in [
            "[a](http://a.example)",
            "[a](javascript:b)",
            "[a](https://a.example b)",
            "[a] (https://a.example)",
            "[a](https://a.example",
        ] {
            assert_eq!(inline(other), other);
        }
        let quoted = inline("[a](https://a.example/\"onclick=b)");
        assert!(quoted.contains("href=\"https://a.example/&quot;onclick=b\""), "{quoted}");
    }
}

//! What outputs for people are made of, before it is Markdown or HTML.

use super::table::{self, Align, Table};
use crate::summary::Picture;
use crate::words::wrapped;

/// Columns of a Markdown file's text.
const WIDTH: usize = 100;

/// A part of a text. Words in it may stand in `backticks` (names) or between *asterisks* (terms);
/// a line break is a space.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Block {
    /// With its level, from 1.
    Heading(u8, String),
    Paragraph(String),
    List(Vec<String>),
    Table(Table),
    /// By its name, below the title: a file beside the text.
    Picture(Picture),
}

impl Block {
    pub(crate) fn heading(level: u8, text: impl Into<String>) -> Self {
        Self::Heading(level, text.into())
    }

    pub(crate) fn paragraph(text: impl Into<String>) -> Self {
        Self::Paragraph(text.into())
    }

    pub(crate) fn table<const N: usize>(
        header: [(&'static str, Align); N],
        rows: Vec<Vec<String>>,
    ) -> Self {
        let header = header.map(|(title, align)| (title.to_owned(), align)).to_vec();
        Self::Table(Table { caption: None, header, rows })
    }

    pub(crate) fn captioned(
        caption: impl Into<String>,
        header: Vec<(String, Align)>,
        rows: Vec<Vec<String>>,
    ) -> Self {
        Self::Table(Table { caption: Some(caption.into()), header, rows })
    }
}

/// `blocks` as a Markdown file.
pub(crate) fn markdown(blocks: &[Block]) -> String {
    let parts: Vec<String> = blocks
        .iter()
        .map(|block| match block {
            Block::Heading(level, text) => format!("{} {text}", "#".repeat(usize::from(*level))),
            Block::Paragraph(text) => wrapped(text, WIDTH).join("\n"),
            Block::List(items) => {
                let item = |item: &String| format!("- {}", wrapped(item, WIDTH - 2).join("\n  "));
                items.iter().map(item).collect::<Vec<_>>().join("\n")
            }
            Block::Table(table) => {
                let caption = table.caption.as_ref().map(|caption| format!("*{caption}*\n\n"));
                caption.unwrap_or_default() + table::aligned(table).trim_end()
            }
            Block::Picture(Picture { name, title, caption }) => {
                let caption = wrapped(&format!("*{title}.* {caption}"), WIDTH).join("\n");
                format!("![{title}](figures/{name}.svg)\n\n{caption}")
            }
        })
        .collect();
    parts.join("\n\n") + "\n"
}

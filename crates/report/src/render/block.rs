//! What outputs for people are made of, before it is Markdown or HTML.

use super::table;

/// A part of a text. Words in it may stand in `backticks` (names) or between *asterisks* (terms);
/// a line break is a space.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Block {
    /// With its level, from 1.
    Heading(u8, String),
    Paragraph(String),
    List(Vec<String>),
    Table(Table),
}

/// Columns with their titles, and cells of text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    pub(crate) header: Vec<(&'static str, Align)>,
    /// Each as long as the header.
    pub(crate) rows: Vec<Vec<String>>,
}

/// Where a column's cells stand: numbers at the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
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
        Self::Table(Table { header: header.to_vec(), rows })
    }
}

/// `blocks` as a Markdown file.
pub(super) fn markdown(blocks: &[Block]) -> String {
    let parts: Vec<String> = blocks
        .iter()
        .map(|block| match block {
            Block::Heading(level, text) => format!("{} {text}", "#".repeat(usize::from(*level))),
            Block::Paragraph(text) => text.clone(),
            Block::List(items) => {
                let items: Vec<String> =
                    items.iter().map(|item| format!("- {}", item.replace('\n', "\n  "))).collect();
                items.join("\n")
            }
            Block::Table(table) => table::aligned(table).trim_end().to_owned(),
        })
        .collect();
    parts.join("\n\n") + "\n"
}

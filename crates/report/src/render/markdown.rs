//! `results.md`.

use crate::summary::Summary;

use super::block::{Block, markdown};
use super::document::{Document, Section};
use super::provenance;

/// `document` as a file, with the pictures that are beside it.
pub(crate) fn file(document: &Document, summary: &Summary) -> String {
    let mut blocks = vec![Block::heading(1, document.title.clone())];
    blocks.extend(document.introduction.iter().cloned());
    for section in &document.sections {
        blocks.extend(with_pictures(section, summary));
    }
    blocks.push(provenance(summary));
    markdown(&blocks)
}

fn with_pictures(section: &Section, summary: &Summary) -> Vec<Block> {
    let pictures = section.pictures(&summary.pictures, |picture| &picture.name);
    if !section.is_shown(pictures.len()) {
        return Vec::new();
    }
    let pictures = pictures.into_iter().cloned().map(Block::Picture);
    section.blocks.iter().cloned().chain(pictures).collect()
}

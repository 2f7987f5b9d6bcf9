//! What a row of the paper's charts is called.

use super::super::published;
use crate::entry::Entry;
use crate::figures::rows::Label;

/// As the paper calls the network, with what its runs lack.
pub(super) fn label(entry: &Entry) -> Label {
    let name = published::title(&entry.variant).unwrap_or_else(|| entry.variant.clone());
    Label::new(name).lacking(entry)
}

//! Paths in messages.

use std::path::Path;

/// A path for people: as it is where it is plain text, else quoted, with every byte that is none
/// escaped rather than lost.
pub(crate) fn shown(path: &Path) -> String {
    match path.to_str() {
        Some(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => format!("{path:?}"),
    }
}

//! Files of text that people or programs hand in.

use std::path::Path;

use anyhow::{Context, Result};
use pairnet_record::read_at_most;

/// All of a file of text, of `most` bytes at most.
pub(crate) fn text(path: &Path, most: u64) -> Result<String> {
    String::from_utf8(read_at_most(path, most)?)
        .with_context(|| format!("{} is no text in UTF-8", path.display()))
}

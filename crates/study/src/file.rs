//! A study's file, as TOML has it.

use std::collections::BTreeMap;

use pairnet_record::Reference;
use serde::Deserialize;
use toml::Spanned;

/// Fields by name, each with its place in the file.
pub(crate) type Fields = BTreeMap<Spanned<String>, Spanned<toml::Value>>;

/// The file, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) title: String,
    pub(crate) question: String,
    pub(crate) base: Option<Spanned<String>>,
    pub(crate) base_network: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) compare: Vec<[Spanned<String>; 2]>,
    pub(crate) runs: Option<usize>,
    pub(crate) seed: Option<u64>,
    pub(crate) variants: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    pub(crate) set: Fields,
    #[serde(default)]
    pub(crate) grid: BTreeMap<Spanned<String>, Spanned<Vec<Spanned<toml::Value>>>>,
    #[serde(default)]
    pub(crate) cell: Vec<Spanned<Fields>>,
    #[serde(default)]
    pub(crate) network: Vec<Spanned<toml::Table>>,
    #[serde(default)]
    pub(crate) reference: Vec<Spanned<Reference>>,
}

/// Keys of the study itself, which a reader of TOML takes for a table's where they stand behind one.
pub(crate) const KEYS: [&str; 8] =
    ["title", "question", "base", "base_network", "compare", "runs", "seed", "variants"];

/// What stands in a map, as the file has it.
pub(crate) fn in_file_order<T>(map: &BTreeMap<Spanned<String>, T>) -> Vec<(&Spanned<String>, &T)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

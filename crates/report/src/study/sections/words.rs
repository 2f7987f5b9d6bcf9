//! Cells and networks in sentences.

/// A network and its cell in a sentence.
pub(super) fn of_cell(network: &str, cell: &str) -> String {
    format!("`{network}` in `{cell}`")
}

/// "one cell", "3 cells".
pub(super) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("one {what}") } else { format!("{count} {what}s") }
}

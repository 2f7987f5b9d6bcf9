//! Tables, and as Markdown that is aligned as it stands, for reading in a terminal.

/// With less, the rule below a title could not say how its column is aligned.
const NARROWEST: usize = 3;

/// Columns with their titles, and cells of text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    /// What it is, where the heading above does not say it.
    pub(crate) caption: Option<String>,
    pub(crate) header: Vec<(String, Align)>,
    /// Each as long as the header.
    pub(crate) rows: Vec<Vec<String>>,
}

/// Where a column's cells stand: numbers at the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// The table with columns as wide as their widest cell.
pub(crate) fn aligned(Table { header, rows, .. }: &Table) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| length(cell));
        cells.chain([length(&header[column].0), NARROWEST]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let titles = header.iter().map(|(title, _)| title.clone()).collect();
    let rule = header.iter().zip(&widths).map(|((_, align), &width)| match align {
        Align::Left => "-".repeat(width),
        Align::Right => format!("{}:", "-".repeat(width - 1)),
    });
    let mut text = String::new();
    for row in [titles, rule.collect()].iter().chain(rows) {
        for ((cell, (_, align)), &width) in row.iter().zip(header).zip(&widths) {
            let space = " ".repeat(width - length(cell));
            text.push_str(&match align {
                Align::Left => format!("| {cell}{space} "),
                Align::Right => format!("| {space}{cell} "),
            });
        }
        text.push_str("|\n");
    }
    text
}

/// In columns of a terminal, for the characters that are used here.
fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows =
            vec![vec!["Basic".to_owned(), "79.56 ± 1.18".to_owned()], vec![String::new(); 2]];
        let expected = "\
            | Net   |     Accuracy |\n\
            | ----- | -----------: |\n\
            | Basic | 79.56 ± 1.18 |\n\
            |       |              |\n";
        let header = vec![("Net".to_owned(), Align::Left), ("Accuracy".to_owned(), Align::Right)];
        assert_eq!(aligned(&Table { caption: None, header, rows }), expected);
    }
}

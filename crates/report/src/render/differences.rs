//! What each difference between text and code is worth: measured once, by the example `differences` of
//! `pairnet-training`, whose output is kept beside this file.

use super::block::{Align, Block};

/// As the example printed it.
const MEASURED: &str = include_str!("differences.md");

/// Networks side by side in one table: more would not fit a terminal, nor a phone.
const COLUMNS: usize = 4;

/// A sentence and the table, in parts.
pub(super) fn blocks() -> Vec<Block> {
    let mut lines = MEASURED.lines().map(cells);
    let header = lines.next().unwrap_or_default();
    let rows: Vec<Vec<String>> = lines.skip(1).collect();
    let mut blocks = vec![Block::paragraph(
        "What each of these is worth, measured once and apart from this sweep: the recipe `paper` \
         given one trait of `authors` at a time, with the same pairs, weights and dropout, so that \
         run is compared with run. Test accuracy in points, mean of ten runs and its 95 % interval \
         (`cargo run --release --package pairnet-training --example differences` prints it).",
    )];
    for (part, networks) in header.get(1..).unwrap_or_default().chunks(COLUMNS).enumerate() {
        let of = |row: &Vec<String>| {
            let own = row.iter().skip(1 + part * COLUMNS).take(networks.len());
            row.iter().take(1).chain(own).cloned().collect()
        };
        let mut titles = vec![("Trait".to_owned(), Align::Left)];
        titles.extend(networks.iter().map(|title| (title.clone(), Align::Right)));
        let caption = format!("What each difference is worth for {}", list(networks));
        blocks.push(Block::captioned(caption, titles, rows.iter().map(of).collect()));
    }
    blocks
}

fn list(names: &[String]) -> String {
    match names {
        [names @ .., last] if !names.is_empty() => format!("{} and {last}", names.join(", ")),
        names => names.join(", "),
    }
}

/// The cells of a line of a Markdown table.
fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
    inner.split('|').map(|cell| cell.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trait_has_a_cell_for_every_network() {
        let [_, Block::Table(first), Block::Table(second)] = &blocks()[..] else {
            panic!("not two tables")
        };
        for table in [first, second] {
            assert_eq!((table.header.len(), table.rows.len()), (5, 7));
            assert!(table.rows.iter().all(|row| row.len() == 5), "{table:?}");
        }
        assert_eq!((&*first.header[1].0, &*second.header[4].0), ("`mlp`", "`lenet5-ws-al`"));
    }
}

//! What was measured once, apart from any sweep: by the study `data/studies/text-and-code.toml` and by the
//! example `draws` of `pairnet-training`. What they gave is kept beside this file.

use crate::render::{Align, Block};

/// As `tests/report/quoted.rs` makes it of the study's committed results.
const DIFFERENCES: &str = include_str!("differences.md");
/// As the example printed it.
const DRAWS: &str = include_str!("draws.md");

/// Networks side by side in one table: more would not fit a terminal, nor a phone.
const COLUMNS: usize = 4;

/// What each difference between text and code is worth: a sentence and the table, in parts.
pub(super) fn differences() -> Vec<Block> {
    let (header, rows) = table(DIFFERENCES);
    let mut blocks = vec![Block::paragraph(
        "What each of these is worth, measured once and apart from this sweep: the recipe `paper` \
         given one trait of `authors` at a time, with the same pairs, weights and dropout, so that \
         run is compared with run. Test accuracy in points, mean of twenty runs and its 95 % interval \
         (`cargo xtask study data/studies/text-and-code.toml`; `docs/studies/text-and-code` is its \
         report). These are 56 intervals, each for itself: a single small entry proves nothing. Nor do \
         the traits add up; a large mean with a wide interval comes from a few runs that got lost.",
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

/// What another draw of all pairs does to recipe `authors`: a sentence and the last columns.
pub(super) fn draws() -> Vec<Block> {
    let (header, rows) = table(DRAWS);
    let draws = header.len().saturating_sub(3);
    let ends = |row: &[String]| -> Vec<String> {
        row.iter().take(1).chain(row.iter().skip(1 + draws)).cloned().collect()
    };
    let titles = ["Network", "between draws", "between runs"];
    let aligned = [Align::Left, Align::Right, Align::Right];
    let header = titles.map(str::to_owned).into_iter().zip(aligned).collect();
    let caption = "Standard deviations of test accuracy in points, recipe `authors`";
    vec![
        Block::Paragraph(format!(
            "What another draw of training and test pairs does was measured once, apart from this \
             sweep: recipe `authors` at {draws} seeds, ten runs each. The first column is the standard \
             deviation of a mean from draw to draw, the runs' part taken out; the second that of a run \
             within a draw (`cargo run --release --package pairnet-training --example draws` prints \
             all of it)."
        )),
        Block::captioned(caption, header, rows.iter().map(|row| ends(row)).collect()),
    ]
}

/// Header and rows of a Markdown table.
fn table(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut lines = text.lines().map(cells);
    let header = lines.next().unwrap_or_default();
    (header, lines.skip(1).collect())
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
        let [_, Block::Table(first), Block::Table(second)] = &differences()[..] else {
            panic!("not two tables")
        };
        for table in [first, second] {
            assert_eq!((table.header.len(), table.rows.len()), (5, 7));
            assert!(table.rows.iter().all(|row| row.len() == 5), "{table:?}");
        }
        assert_eq!((&*first.header[1].0, &*second.header[4].0), ("`mlp`", "`lenet5-ws-al`"));
    }

    #[test]
    fn every_network_has_two_deviations() {
        let [_, Block::Table(table)] = &draws()[..] else { panic!("not one table") };
        assert_eq!(table.rows.len(), 8);
        assert_eq!(table.rows[0], ["`mlp`", "0.76", "1.20"]);
        assert!(table.rows.iter().all(|row| row.len() == 3), "{table:?}");
    }
}

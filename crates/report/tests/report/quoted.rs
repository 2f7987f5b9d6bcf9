//! Tables of a study that the paper's report quotes.

use std::path::Path;

use pairnet_report::{Interval, Summary};

/// The cells of `data/studies/text-and-code.toml`, and what the paper's report calls their traits.
const TRAITS: [(&str, &str); 6] = [
    ("squared-error", "squared error of the sigmoid"),
    ("softmax-twice", "softmax twice"),
    ("auxiliary-weight-0.05", "auxiliary weight 0.05"),
    ("adam-made-anew", "Adam made anew each step"),
    ("evaluated-in-training-mode", "evaluation in train mode"),
    ("all-of-these", "all of these"),
];

fn half(interval: Interval) -> String {
    format!("{:.1}", (interval.high - interval.low) / 2.0)
}

fn table(summary: &Summary) -> String {
    let networks: Vec<&str> =
        summary.entries.iter().filter(|e| e.recipe == "paper").map(|e| &*e.variant).collect();
    let line = |name: &str, cells: Vec<String>| format!("| {name} | {} |\n", cells.join(" | "));
    let base = |network: &str| {
        let statistics = &summary.entry("paper", network).unwrap().test.statistics;
        format!("{:.1} ± {}", statistics.mean.unwrap(), half(statistics.ci95.unwrap()))
    };
    let difference = |cell: &str, network: &str| {
        let found = summary
            .differences
            .iter()
            .find(|found| (&*found.of.recipe, &*found.of.network) == (cell, network));
        let found = found.unwrap();
        match found.ci95 {
            Some(interval) => {
                let value = format!("{:+.1}", found.value.unwrap()).replace('-', "−");
                format!("{value} ± {}", half(interval))
            }
            None => {
                assert!(found.same, "{found:?}");
                "0".to_owned()
            }
        }
    };
    let names = networks.iter().map(|network| format!("`{network}`")).collect();
    let mut text = line("", names).replacen("|  |", "| |", 1);
    text += &format!("|---|{}\n", "---|".repeat(networks.len()));
    text += &line("`paper` itself", networks.iter().map(|network| base(network)).collect());
    for (cell, name) in TRAITS {
        text += &line(name, networks.iter().map(|network| difference(cell, network)).collect());
    }
    text
}

/// A mismatch prints the table that belongs there.
#[test]
fn what_each_difference_is_worth_is_the_study_s() {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let results = crate_folder.join("../../docs/studies/text-and-code/results.json");
    let summary = Summary::from_json(&std::fs::read_to_string(results).unwrap()).unwrap();
    let quoted = crate_folder.join("src/paper/sections/differences.md");
    let (expected, there) = (table(&summary), std::fs::read_to_string(quoted).unwrap());
    assert_eq!(there, expected, "src/paper/sections/differences.md is to be:\n{expected}");
}

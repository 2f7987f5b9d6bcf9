//! Comma-separated values (RFC 4180, with lines that end in a line feed alone);
//! the raw values stand in one cell, with spaces between them.

use crate::statistics::{Interval, Verdict};
use crate::summary::{Accuracy, Entry, Summary};

const COLUMNS: &str = "recipe,variant,split,runs,n,failures,missing,mean,std_sample,\
    std_population,min,max,ci95_low,ci95_high,published_mean,\
    published_std,difference,difference_ci95_low,difference_ci95_high,difference_ci90_low,\
    difference_ci90_high,verdict,values";

pub(super) fn table(summary: &Summary) -> String {
    let mut text = format!("{COLUMNS}\n");
    for entry in &summary.entries {
        for (split, accuracy) in [("train", &entry.train), ("test", &entry.test)] {
            text += &line(entry, split, accuracy);
            text.push('\n');
        }
    }
    text
}

fn line(entry: &Entry, split: &str, accuracy: &Accuracy) -> String {
    let Accuracy { statistics, failures, published } = accuracy;
    let mut cells = vec![text(&entry.recipe), text(&entry.variant), split.to_owned()];
    let counts = [entry.runs, statistics.n, *failures, entry.missing_runs.len()];
    cells.extend(counts.map(|count| count.to_string()));
    let single = [statistics.mean, statistics.std_sample, statistics.std_population];
    cells.extend(single.map(number));
    cells.extend([statistics.min, statistics.max].map(number));
    cells.extend(ends(statistics.ci95));
    let published = published.as_ref();
    cells.push(number(published.map(|published| published.mean)));
    cells.push(number(published.map(|published| published.std)));
    cells.push(number(published.and_then(|published| published.difference)));
    cells.extend(ends(published.and_then(|published| published.ci95)));
    cells.extend(ends(published.and_then(|published| published.ci90)));
    let verdict = match published.and_then(|published| published.verdict) {
        None => "",
        Some(Verdict::Reproduced) => "reproduced",
        Some(Verdict::Differs) => "differs",
        Some(Verdict::Undecided) => "undecided",
    };
    cells.push(verdict.to_owned());
    let values: Vec<String> = statistics.values.iter().map(|value| number(Some(*value))).collect();
    cells.push(values.join(" "));
    cells.join(",")
}

/// Nine decimals at most: what comes after them is the rounding of sums and of the compiler.
fn number(value: Option<f64>) -> String {
    value.map(|value| ((value * 1e9).round() / 1e9).to_string()).unwrap_or_default()
}

fn ends(interval: Option<Interval>) -> [String; 2] {
    [number(interval.map(|interval| interval.low)), number(interval.map(|interval| interval.high))]
}

/// In quotes where it has to be.
fn text(value: &str) -> String {
    if value.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_where_it_has_to_be() {
        assert_eq!(text("mlp-ws"), "mlp-ws");
        assert_eq!(text("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}

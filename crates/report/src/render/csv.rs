//! Comma-separated values (RFC 4180, with lines that end in a line feed alone);
//! the raw values stand in one cell, with spaces between them.

use pairnet_record::Study;
use serde_json::Value;

use crate::against::AgainstPublished;
use crate::data_set::DataSet;
use crate::entry::{Accuracy, Entry};
use crate::fields;
use crate::statistics::{Interval, Verdict};
use crate::summary::Summary;

const COLUMNS: &str = "data,recipe,variant,split,runs,n,failures,missing,lost,mean,median,\
    std_sample,std_population,min,max,ci95_low,ci95_high,total95_low,total95_high,\
    elsewhere_at_most,published_mean,published_std,difference,difference_ci95_low,\
    difference_ci95_high,difference_ci90_low,difference_ci90_high,p_permutation,p_holm,margin,\
    smallest_margin,runs_needed,verdict,values,published_values";

/// What a study adds, behind one column for each of its axes: how far a cell is from the base, on test
/// pairs.
const FROM_BASE: &str = "base_difference,base_ci95_low,base_ci95_high,base_p,base_p_holm";

pub(crate) fn table(summary: &Summary) -> String {
    let mut text = COLUMNS.to_owned();
    if let Some(study) = &summary.study {
        study.axes.iter().for_each(|axis| text += &format!(",{}", self::text(axis)));
        text += &format!(",{FROM_BASE}");
    }
    text.push('\n');
    for entry in &summary.entries {
        for (split, accuracy) in [("train", &entry.train), ("test", &entry.test)] {
            text += &line(summary.data, entry, split, accuracy);
            if let Some(study) = &summary.study {
                text += &of_study(summary, study, entry, split);
            }
            text.push('\n');
        }
    }
    text
}

/// With a comma before each cell.
fn of_study(summary: &Summary, study: &Study, entry: &Entry, split: &str) -> String {
    let recipe = summary.recipes.iter().find(|recipe| recipe.name == entry.recipe);
    let value = |axis: &String| match recipe.and_then(|recipe| fields::value(recipe, axis)) {
        None => String::new(),
        Some(Value::String(name)) => text(&name),
        Some(value) => value.as_f64().map_or_else(|| text(&value.to_string()), |n| n.to_string()),
    };
    let mut cells: Vec<String> = study.axes.iter().map(value).collect();
    let from_base = summary.differences.iter().find(|found| {
        let of = (&found.of.recipe, &found.of.network);
        of == (&entry.recipe, &entry.variant) && found.from.recipe != found.of.recipe
    });
    let found = from_base.filter(|_| split == "test");
    cells.push(number(found.and_then(|found| found.value)));
    cells.extend(ends(found.and_then(|found| found.ci95)));
    cells.extend(
        [found.and_then(|found| found.p), found.and_then(|found| found.p_holm)].map(number),
    );
    cells.iter().map(|cell| format!(",{cell}")).collect()
}

fn line(data: DataSet, entry: &Entry, split: &str, accuracy: &Accuracy) -> String {
    let Accuracy { statistics, failures, total95, elsewhere_at_most, published } = accuracy;
    let data = match data {
        DataSet::Mnist => "mnist",
        DataSet::Other => "other",
    };
    let mut cells =
        vec![data.to_owned(), text(&entry.recipe), text(&entry.variant), split.to_owned()];
    let (missing, lost) = (entry.missing_runs.len(), entry.lost_runs.len());
    let counts = [entry.runs, statistics.n, *failures, missing, lost];
    cells.extend(counts.map(|count| count.to_string()));
    cells.extend([statistics.mean, statistics.median].map(number));
    cells.extend([statistics.std_sample, statistics.std_population].map(number));
    cells.extend([statistics.min, statistics.max].map(number));
    cells.extend(ends(statistics.ci95));
    cells.extend(ends(*total95));
    cells.push(number(*elsewhere_at_most));
    let published = published.as_ref();
    let of = |value: fn(&AgainstPublished) -> Option<f64>| number(published.and_then(value));
    cells.extend([of(|there| Some(there.mean)), of(|there| Some(there.std))]);
    cells.push(of(|there| there.difference));
    cells.extend(ends(published.and_then(|there| there.ci95)));
    cells.extend(ends(published.and_then(|there| there.ci90)));
    cells.extend([of(|there| there.p), of(|there| there.p_holm), of(|there| there.margin)]);
    cells.push(of(|there| there.smallest_margin));
    let needed = published.and_then(|there| there.runs_needed);
    cells.push(needed.map_or_else(String::new, |runs| runs.to_string()));
    let verdict = match published.and_then(|there| there.verdict) {
        None => "",
        Some(Verdict::Reproduced) => "reproduced",
        Some(Verdict::Within) => "within",
        Some(Verdict::Differs) => "differs",
        Some(Verdict::Undecided) => "undecided",
    };
    cells.push(verdict.to_owned());
    cells.push(list(&statistics.values));
    cells.push(published.map_or_else(String::new, |there| list(&there.values)));
    cells.join(",")
}

fn list(values: &[f64]) -> String {
    values.iter().map(|value| number(Some(*value))).collect::<Vec<_>>().join(" ")
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

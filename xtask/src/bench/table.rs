//! Medians, spreads and ratios of several rounds.

use anyhow::Result;
use pairnet_models::{Architecture, variants};
use serde::Serialize;

use super::measure::{Machine, Measurement};

/// Pairs that one run trains on and evaluates: 25 epochs of 1,000, then 1,000 of each split.
const TRAINED: f64 = 25_000.0;
const EVALUATED: f64 = 2_000.0;

/// The contents of `bench.json`.
#[derive(Serialize)]
pub(crate) struct Report {
    format: u32,
    machine: String,
    cores: usize,
    rounds: usize,
    /// GFLOP/s of matrix products, all cores together.
    sgemm_gflops: Spread,
    variants: Vec<Row>,
    /// The sums over the eight variants.
    total: Row,
}

/// Several rounds of one number.
#[derive(Clone, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    min: f64,
    max: f64,
    values: Vec<f64>,
}

/// Seconds a run are wall time over runs, with one run a core side by side; ratios are the medians
/// of each round's own ratio.
#[derive(Serialize)]
struct Row {
    variant: String,
    seconds: Spread,
    stock_seconds: Option<Spread>,
    pytorch_seconds: Option<Spread>,
    stock_ratio: Option<Spread>,
    pytorch_ratio: Option<Spread>,
    /// Of dense arithmetic, all cores together.
    gflops: Spread,
    share_of_sgemm: Spread,
    /// One run alone: seconds on one thread over seconds on all.
    alone_speedup: Spread,
}

impl Spread {
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.collect();
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            (sorted[middle - 1] + sorted[middle]) / 2.0
        };
        Some(Self { median, min, max, values })
    }
}

/// Floating-point operations of one run, were all of them dense.
fn operations(variant: &Architecture) -> Result<f64> {
    let count = variant.multiply_adds()?;
    let (forward, backward) = (count.forward as f64, count.backward as f64);
    Ok(2.0 * ((forward + backward) * TRAINED + forward * EVALUATED))
}

impl Report {
    pub(crate) fn new(machine: &Machine, rounds: &[Measurement]) -> Result<Self> {
        let operations = variants().iter().map(operations).collect::<Result<Vec<f64>>>()?;
        let rows = variants().iter().enumerate().filter_map(|(index, variant)| {
            row(&variant.name, rounds, operations[index], |list| list.get(index).copied())
        });
        let all_operations = operations.iter().sum();
        let sum = |list: &[f64]| (!list.is_empty()).then(|| list.iter().sum());
        let empty = || Spread { median: 0.0, min: 0.0, max: 0.0, values: Vec::new() };
        let total = row("all eight", rounds, all_operations, sum);
        Ok(Self {
            format: 1,
            machine: machine.name.clone(),
            cores: machine.cores,
            rounds: rounds.len(),
            sgemm_gflops: Spread::of(rounds.iter().map(|r| r.sgemm)).unwrap_or_else(empty),
            variants: rows.collect(),
            total: total.unwrap_or_else(|| Row {
                variant: "all eight".to_owned(),
                seconds: empty(),
                stock_seconds: None,
                pytorch_seconds: None,
                stock_ratio: None,
                pytorch_ratio: None,
                gflops: empty(),
                share_of_sgemm: empty(),
                alone_speedup: empty(),
            }),
        })
    }

    pub(crate) fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    pub(crate) fn to_markdown(&self) -> String {
        let mut text = format!(
            "# Speed\n\n{}; {} rounds, median [min, max]. One recipe (`paper`). Seconds a run are wall \
             time over runs, one run a core side by side. PyTorch is `bench/pytorch.py`, a process of \
             one thread a core. Matrix products of 512×512×512 in the same rounds: {} GFLOP/s.\n\n\
             | variant | seconds a run | PyTorch | ratio | stock candle | ratio | GFLOP/s, dense | of sgemm | alone: 1 thread / all |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
            self.machine,
            self.rounds,
            cell(&self.sgemm_gflops, 0),
        );
        for row in self.variants.iter().chain([&self.total]) {
            let optional = |spread: &Option<Spread>, digits| {
                spread.as_ref().map_or_else(|| "—".to_owned(), |spread| cell(spread, digits))
            };
            text += &format!(
                "| `{}` | {} | {} | {} | {} | {} | {} | {:.0} % | {} |\n",
                row.variant,
                cell(&row.seconds, 3),
                optional(&row.pytorch_seconds, 3),
                optional(&row.pytorch_ratio, 2),
                optional(&row.stock_seconds, 2),
                optional(&row.stock_ratio, 1),
                cell(&row.gflops, 0),
                100.0 * row.share_of_sgemm.median,
                cell(&row.alone_speedup, 2),
            );
        }
        text.replace("`all eight`", "all eight")
    }
}

/// Median, smallest and largest.
pub(crate) fn cell(spread: &Spread, digits: usize) -> String {
    let Spread { median, min, max, .. } = spread;
    format!("{median:.digits$} [{min:.digits$}, {max:.digits$}]")
}

/// A row from what `pick` takes out of each round's lists; `None` where there was no round.
fn row(
    name: &str,
    rounds: &[Measurement],
    operations: f64,
    pick: impl Fn(&[f64]) -> Option<f64>,
) -> Option<Row> {
    let ratio = |list: fn(&Measurement) -> &[f64]| {
        Spread::of(rounds.iter().filter_map(|round| Some(pick(list(round))? / pick(&round.ours)?)))
    };
    let seconds = |list: fn(&Measurement) -> &[f64]| {
        Spread::of(rounds.iter().filter_map(|round| pick(list(round))))
    };
    let gflops = |round: &Measurement| Some(operations / pick(&round.ours)? / 1e9);
    Some(Row {
        variant: name.to_owned(),
        seconds: seconds(|round| &round.ours)?,
        stock_seconds: seconds(|round| &round.stock),
        pytorch_seconds: seconds(|round| &round.pytorch),
        stock_ratio: ratio(|round| &round.stock),
        pytorch_ratio: ratio(|round| &round.pytorch),
        gflops: Spread::of(rounds.iter().filter_map(gflops))?,
        share_of_sgemm: Spread::of(
            rounds.iter().filter_map(|round| Some(gflops(round)? / round.sgemm)),
        )?,
        alone_speedup: Spread::of(rounds.iter().filter_map(|round| {
            Some(pick(&round.alone_one_thread)? / pick(&round.alone_all_threads)?)
        }))?,
    })
}

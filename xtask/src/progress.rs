//! How far a sweep is: a bar on a terminal, plain lines elsewhere.

use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};
use pairnet_record::Record;

use pairnet_terminal::note;

/// Told of each record as it ends, from any thread; talks to standard error.
pub(crate) enum Progress {
    Bar(ProgressBar),
    Lines { done: Mutex<usize>, all: usize },
}

impl Progress {
    pub(crate) fn new(all: usize) -> Self {
        let bar = ProgressBar::new(all as u64);
        // No terminal, or one that cannot draw.
        if bar.is_hidden() {
            return Self::Lines { done: Mutex::new(0), all };
        }
        let style = ProgressStyle::with_template(
            "{bar:32} {pos}/{len} networks, {elapsed} gone, {eta} to go  {msg}",
        );
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(std::time::Duration::from_millis(200));
        Self::Bar(bar)
    }

    pub(crate) fn finished(&self, record: &Record) {
        match self {
            Self::Bar(bar) => {
                bar.set_message(format!("{} {}", record.recipe, record.variant));
                bar.inc(1);
                if record.failure.is_some() {
                    bar.println(describe(record));
                }
            }
            Self::Lines { done, all } => {
                // The lock is held while printing, so that the lines count upwards.
                let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                *done += 1;
                note(format_args!("[{done}/{all}] {}", describe(record)));
            }
        }
    }

    pub(crate) fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn describe(record: &Record) -> String {
    let Record { recipe, variant, run, .. } = record;
    let result = match (&record.failure, record.train_accuracy, record.test_accuracy) {
        (None, Some(train), Some(test)) => format!("train {train:.1} %, test {test:.1} %"),
        (Some(failure), ..) => format!("failed: {failure}"),
        _ => "no accuracy".to_owned(),
    };
    format!("{recipe} {variant} run {run}: {result}, {:.1} s", record.timing.seconds)
}

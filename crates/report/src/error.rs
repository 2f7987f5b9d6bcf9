//! Why records give no results.

use std::path::PathBuf;

use pairnet_record::RecordError;

/// Why records give no results.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The folder is not that of a sweep.
    #[error("{} holds no sweep: it has no sweep.json; train one into it first", dir.display())]
    NoSweep {
        /// The folder.
        dir: PathBuf,
    },
    /// The sweep has not trained anything yet.
    #[error("the sweep has no record yet: none of its {asked} runs is trained; train them first")]
    NoRecords {
        /// Runs that the sweep is to have.
        asked: usize,
    },
    /// The sweep asks for the same thing twice.
    #[error("the sweep asks for the {what} '{name}' twice; name it once")]
    AskedTwice {
        /// "recipe" or "variant".
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A study of something that its sweep has not.
    #[error("the study names the {what} '{name}', which its sweep has not; it has {there}")]
    NotInSweep {
        /// What is named, "base" say.
        what: &'static str,
        /// Its name.
        name: String,
        /// What the sweep has instead.
        there: String,
    },
    /// A record of something that the sweep does not ask for.
    #[error(
        "there is a record of {recipe}/{variant} run {run}, which the sweep does not ask for; it \
         may be another sweep's: move it out of the folder"
    )]
    NotAsked {
        /// Of the record.
        recipe: String,
        /// Of the record.
        variant: String,
        /// Of the record.
        run: usize,
    },
    /// Two records of one run.
    #[error("there are two records of {recipe}/{variant} run {run}; keep one")]
    Duplicate {
        /// Of both records.
        recipe: String,
        /// Of both records.
        variant: String,
        /// Of both records.
        run: usize,
    },
    /// Records that cannot come from one sweep.
    #[error(
        "{recipe}/{variant} run {run} has {field} {found} where the sweep has {expected}; it was \
         made with other settings: move it out of the folder and train it again"
    )]
    Mixed {
        /// Of the record that differs.
        recipe: String,
        /// Of the record that differs.
        variant: String,
        /// Of the record that differs.
        run: usize,
        /// What differs.
        field: &'static str,
        /// What the record has.
        found: u64,
        /// What the sweep or its first record of that network has.
        expected: u64,
    },
    /// A record that says neither what was measured nor why nothing was.
    #[error(
        "{recipe}/{variant} run {run} has neither finite accuracies nor a failure; train it again"
    )]
    NotMeasured {
        /// Of the record.
        recipe: String,
        /// Of the record.
        variant: String,
        /// Of the record.
        run: usize,
    },
    /// Predictions that are not those behind the record of their run.
    #[error(
        "the predictions of {recipe}/{variant} run {run} are right on {found:.1} % of their test \
         pairs, or of another seed, where the record has {accuracy:.1} %: remove both and train \
         the run again"
    )]
    OtherPredictions {
        /// Of the run.
        recipe: String,
        /// Of the run.
        variant: String,
        /// Of the run.
        run: usize,
        /// Accuracy of the predictions, in percent; NaN where there are none.
        found: f64,
        /// Test accuracy of the record, in percent.
        accuracy: f64,
    },
    /// Two runs of one network whose predictions are of different numbers of pairs.
    #[error(
        "the predictions of {recipe}/{variant} run {run} are of {found} pairs, those of its other \
         runs of {expected}: remove both and train the run again"
    )]
    PairCount {
        /// Of the run.
        recipe: String,
        /// Of the run.
        variant: String,
        /// Of the run.
        run: usize,
        /// Pairs of its predictions.
        found: usize,
        /// Pairs of the first run's predictions.
        expected: usize,
    },
    /// A file of the sweep could not be read, or a result not written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The results could not be written as JSON, or not be read.
    #[error("the results are no whole results.json: {0}; make them again from their records")]
    Json(#[from] serde_json::Error),
    /// Results that are no summary's: something was changed since they were written.
    #[error(
        "the results have other entries than one a recipe and network, in their order; make them again \
         from their records"
    )]
    Entries,
    /// A chart could not be drawn.
    #[error("failed to draw a chart: {0}")]
    Drawing(String),
    /// Results of another version.
    #[error(
        "the results have format {found}, this program reads format {readable}; make them again \
         from their records"
    )]
    Version {
        /// What stands under `format`.
        found: String,
        /// The version that can be read.
        readable: u32,
    },
}

//! A sweep with what its records say.

use pairnet_record::{Predictions, Record, Sweep};

use crate::summary::Summary;

/// A sweep with all that its results are made from.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was asked, and of which networks.
    pub sweep: Sweep,
    /// By recipe, variant and run.
    pub records: Vec<Record>,
    /// What the records say.
    pub summary: Summary,
    /// What the network with the highest mean test accuracy said of its test pairs.
    pub predictions: BestNetwork,
}

/// The network with the highest mean test accuracy, and what it said; of no run where nothing was
/// measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BestNetwork {
    /// How it was trained.
    pub recipe: String,
    /// Which network.
    pub variant: String,
    /// Its first runs, a hundred at most, that have left predictions.
    pub runs: Vec<Predictions>,
}

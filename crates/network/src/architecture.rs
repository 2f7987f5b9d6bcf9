//! A network: its parts, layer by layer, without any weight.

use serde::{Deserialize, Serialize};

use crate::layer::Layer;

/// Height and width of a digit, in pixels.
pub const SIDE: usize = 14;

/// Parameters that a network can have at most: 4 GiB of f32.
pub const MOST_PARAMETERS: usize = 1 << 30;

/// A network that compares two digits and ends in one logit.
#[derive(Clone, Debug, PartialEq)]
pub struct Architecture {
    /// As it is written on the command line, in records and in paths, e.g. `lenet5-ws`.
    pub name: String,
    /// What sees the pixels, in a word, e.g. `lenet5`.
    pub backbone: String,
    /// Whether one branch, with one set of weights, sees both digits.
    pub weight_sharing: bool,
    /// Whether the digit classes are trained beside the comparison.
    pub auxiliary_loss: bool,
    /// What sees one digit; `None` where the comparator sees both images at once.
    pub branch: Option<Branch>,
    /// What sees both branches' outputs side by side, or the two-channel image; first layer to last.
    pub comparator: Vec<Layer>,
}

/// The part that sees one digit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// First to last.
    pub layers: Vec<Layer>,
    /// How the last layer's result reaches the comparator.
    pub output: BranchOutput,
}

/// How a branch's result reaches the comparator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BranchOutput {
    /// As it is.
    Features,
    /// Through a sigmoid.
    Sigmoid,
    /// As ten digit logits: their softmax reaches the comparator, and they are a result of their
    /// own for the auxiliary loss.
    Digits,
}

impl Architecture {
    /// Name and layer of all weights, in the order in which they are drawn: branches, then
    /// comparator, first layer to last.
    pub fn layers(&self) -> impl Iterator<Item = (String, &Layer)> {
        let branch = self.branch.iter().flat_map(|branch| {
            let names: &[&str] = self.branch_names();
            names.iter().map(move |&name| (name, &branch.layers))
        });
        let parts = branch.chain([("comparator", &self.comparator)]);
        parts.flat_map(|(part, layers)| {
            (0..)
                .zip(layers)
                .map(move |(index, layer): (usize, _)| (format!("{part}.{index}"), layer))
        })
    }

    /// What the sets of weights of the branches are called: one where they are shared.
    pub fn branch_names(&self) -> &'static [&'static str] {
        match (&self.branch, self.weight_sharing) {
            (None, _) => &[],
            (Some(_), true) => &["branch"],
            (Some(_), false) => &["branch0", "branch1"],
        }
    }

    /// How many numbers training may change, in all branches and the comparator.
    ///
    /// The count of a network that [`Architecture::check`] refuses means nothing.
    pub fn parameters(&self) -> usize {
        self.layers().fold(0, |sum, (_, layer)| sum.saturating_add(layer.parameters()))
    }
}

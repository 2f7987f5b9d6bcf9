//! The one table of variants: names, parameter counts and networks follow from it.

use crate::architecture::Step::{BatchNorm, Dropout, MaxPool, Relu};
use crate::architecture::{Architecture, Branch, BranchOutput, Layer, convolution, linear};

/// What sees the pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backbone {
    /// A multilayer perceptron; the paper's MLPNet.
    Mlp,
    /// A convolutional network after LeNet-5.
    Lenet5,
}

/// One of the networks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variant {
    /// As it is written on the command line and in files.
    pub name: &'static str,
    /// What sees the pixels.
    pub backbone: Backbone,
    /// Whether one branch, with one set of weights, sees both digits.
    pub weight_sharing: bool,
    /// Whether the digit classes are trained beside the comparison.
    pub auxiliary_loss: bool,
    /// The layers.
    pub architecture: Architecture,
}

/// There is no variant of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no variant '{name}'; the variants are {}", names().collect::<Vec<_>>().join(", "))]
pub struct UnknownVariant {
    /// The name that was asked for.
    pub name: String,
}

/// The names of all variants, in the table's order.
pub fn names() -> impl Iterator<Item = &'static str> {
    VARIANTS.iter().map(|variant| variant.name)
}

impl Variant {
    /// The variant of that name.
    ///
    /// # Errors
    ///
    /// Where there is none; the error lists those that there are.
    pub fn named(name: &str) -> Result<&'static Variant, UnknownVariant> {
        VARIANTS
            .iter()
            .find(|variant| variant.name == name)
            .ok_or_else(|| UnknownVariant { name: name.to_owned() })
    }
}

/// The eight networks of the paper. Sizes and order of layers are those of the authors' public
/// code (`vmous93/deep-learning-mini-projects`, folder `Project_1`).
pub static VARIANTS: [Variant; 8] = [
    Variant {
        name: "mlp",
        backbone: Backbone::Mlp,
        weight_sharing: false,
        auxiliary_loss: false,
        architecture: Architecture {
            branch: None,
            comparator: &[
                linear(392, 200, &[Relu, BatchNorm]),
                linear(200, 84, &[Relu, BatchNorm]),
                linear(84, 1, &[]),
            ],
        },
    },
    Variant {
        name: "mlp-ws",
        backbone: Backbone::Mlp,
        weight_sharing: true,
        auxiliary_loss: false,
        architecture: Architecture {
            branch: Some(Branch { layers: &MLP_BRANCH, output: BranchOutput::Sigmoid }),
            comparator: &[
                linear(20, 200, &[Relu, BatchNorm]),
                linear(200, 200, &[Relu, BatchNorm]),
                linear(200, 1, &[]),
            ],
        },
    },
    Variant {
        name: "mlp-al",
        backbone: Backbone::Mlp,
        weight_sharing: false,
        auxiliary_loss: true,
        architecture: MLP_WITH_DIGITS,
    },
    Variant {
        name: "mlp-ws-al",
        backbone: Backbone::Mlp,
        weight_sharing: true,
        auxiliary_loss: true,
        architecture: MLP_WITH_DIGITS,
    },
    Variant {
        name: "lenet5",
        backbone: Backbone::Lenet5,
        weight_sharing: false,
        auxiliary_loss: false,
        architecture: Architecture {
            branch: None,
            comparator: &[
                convolution(2, 16, 3, &[Relu, MaxPool]),
                convolution(16, 32, 3, &[Relu, MaxPool]),
                convolution(32, 120, 2, &[Relu]),
                linear(120, 84, &[Relu, BatchNorm]),
                linear(84, 1, &[]),
            ],
        },
    },
    Variant {
        name: "lenet5-ws",
        backbone: Backbone::Lenet5,
        weight_sharing: true,
        auxiliary_loss: false,
        architecture: Architecture {
            branch: Some(Branch {
                layers: &[
                    convolution(1, 16, 3, &[Relu, BatchNorm, MaxPool]),
                    convolution(16, 32, 3, &[Relu, BatchNorm, MaxPool]),
                    convolution(32, 120, 2, &[Relu, BatchNorm]),
                ],
                output: BranchOutput::Features,
            }),
            comparator: &[linear(240, 84, &[Relu, BatchNorm]), linear(84, 1, &[])],
        },
    },
    Variant {
        name: "lenet5-al",
        backbone: Backbone::Lenet5,
        weight_sharing: false,
        auxiliary_loss: true,
        architecture: LENET5_WITH_DIGITS,
    },
    Variant {
        name: "lenet5-ws-al",
        backbone: Backbone::Lenet5,
        weight_sharing: true,
        auxiliary_loss: true,
        architecture: LENET5_WITH_DIGITS,
    },
];

const MLP_BRANCH: [Layer; 3] = [
    linear(196, 200, &[Relu, BatchNorm]),
    linear(200, 84, &[Relu, BatchNorm]),
    linear(84, 10, &[]),
];

const MLP_WITH_DIGITS: Architecture = Architecture {
    branch: Some(Branch { layers: &MLP_BRANCH, output: BranchOutput::Digits }),
    comparator: &[
        linear(20, 200, &[Relu, BatchNorm, Dropout(0.5)]),
        linear(200, 84, &[Relu, BatchNorm, Dropout(0.5)]),
        linear(84, 1, &[]),
    ],
};

const LENET5_WITH_DIGITS: Architecture = Architecture {
    branch: Some(Branch {
        layers: &[
            convolution(1, 16, 3, &[Relu, MaxPool]),
            convolution(16, 32, 3, &[Relu, MaxPool]),
            convolution(32, 120, 2, &[Relu]),
            linear(120, 84, &[Relu, BatchNorm]),
            linear(84, 10, &[]),
        ],
        output: BranchOutput::Digits,
    }),
    comparator: &[
        linear(20, 200, &[Relu, Dropout(0.7)]),
        linear(200, 84, &[Relu, Dropout(0.7)]),
        linear(84, 1, &[]),
    ],
};

//! The one table of variants: names, parameter counts and networks follow from it.

use std::sync::LazyLock;

use pairnet_network::Step::{BatchNorm, Dropout, MaxPool, Relu};
use pairnet_network::{Architecture, Branch, BranchOutput, Layer, Step};

/// There is no variant of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no variant '{name}'; the variants are {}", names().collect::<Vec<_>>().join(", "))]
pub struct UnknownVariant {
    /// The name that was asked for.
    pub name: String,
}

/// The names of all variants, in the table's order.
pub fn names() -> impl Iterator<Item = &'static str> {
    variants().iter().map(|variant| &*variant.name)
}

/// The variant of that name.
///
/// # Errors
///
/// Where there is none; the error lists those that there are.
pub fn variant(name: &str) -> Result<&'static Architecture, UnknownVariant> {
    variants()
        .iter()
        .find(|variant| variant.name == name)
        .ok_or_else(|| UnknownVariant { name: name.to_owned() })
}

/// The eight networks of the paper. Sizes and order of layers are those of the authors' public
/// code (`vmous93/deep-learning-mini-projects`, folder `Project_1`).
pub fn variants() -> &'static [Architecture; 8] {
    static VARIANTS: LazyLock<[Architecture; 8]> = LazyLock::new(table);
    &VARIANTS
}

fn table() -> [Architecture; 8] {
    [
        basic(
            "mlp",
            vec![
                linear(392, 200, &[Relu, BatchNorm]),
                linear(200, 84, &[Relu, BatchNorm]),
                linear(84, 1, &[]),
            ],
        ),
        Architecture {
            branch: Some(Branch { layers: mlp_branch(), output: BranchOutput::Sigmoid }),
            weight_sharing: true,
            ..basic(
                "mlp-ws",
                vec![
                    linear(20, 200, &[Relu, BatchNorm]),
                    linear(200, 200, &[Relu, BatchNorm]),
                    linear(200, 1, &[]),
                ],
            )
        },
        mlp_with_digits("mlp-al", false),
        mlp_with_digits("mlp-ws-al", true),
        basic(
            "lenet5",
            vec![
                convolution(2, 16, 3, &[Relu, MaxPool]),
                convolution(16, 32, 3, &[Relu, MaxPool]),
                convolution(32, 120, 2, &[Relu]),
                linear(120, 84, &[Relu, BatchNorm]),
                linear(84, 1, &[]),
            ],
        ),
        Architecture {
            branch: Some(Branch {
                layers: vec![
                    convolution(1, 16, 3, &[Relu, BatchNorm, MaxPool]),
                    convolution(16, 32, 3, &[Relu, BatchNorm, MaxPool]),
                    convolution(32, 120, 2, &[Relu, BatchNorm]),
                ],
                output: BranchOutput::Features,
            }),
            weight_sharing: true,
            ..basic("lenet5-ws", vec![linear(240, 84, &[Relu, BatchNorm]), linear(84, 1, &[])])
        },
        lenet5_with_digits("lenet5-al", false),
        lenet5_with_digits("lenet5-ws-al", true),
    ]
}

/// Without branches, sharing or a digit loss. A variant's name begins with its backbone: a
/// multilayer perceptron, the paper's MLPNet, or a convolutional network after LeNet-5.
fn basic(name: &str, comparator: Vec<Layer>) -> Architecture {
    let backbone = name.split('-').next().unwrap_or(name);
    Architecture {
        name: name.to_owned(),
        backbone: backbone.to_owned(),
        weight_sharing: false,
        auxiliary_loss: false,
        branch: None,
        comparator,
    }
}

fn mlp_branch() -> Vec<Layer> {
    vec![
        linear(196, 200, &[Relu, BatchNorm]),
        linear(200, 84, &[Relu, BatchNorm]),
        linear(84, 10, &[]),
    ]
}

fn mlp_with_digits(name: &str, weight_sharing: bool) -> Architecture {
    Architecture {
        branch: Some(Branch { layers: mlp_branch(), output: BranchOutput::Digits }),
        weight_sharing,
        auxiliary_loss: true,
        ..basic(
            name,
            vec![
                linear(20, 200, &[Relu, BatchNorm, Dropout(0.5)]),
                linear(200, 84, &[Relu, BatchNorm, Dropout(0.5)]),
                linear(84, 1, &[]),
            ],
        )
    }
}

fn lenet5_with_digits(name: &str, weight_sharing: bool) -> Architecture {
    Architecture {
        branch: Some(Branch {
            layers: vec![
                convolution(1, 16, 3, &[Relu, MaxPool]),
                convolution(16, 32, 3, &[Relu, MaxPool]),
                convolution(32, 120, 2, &[Relu]),
                linear(120, 84, &[Relu, BatchNorm]),
                linear(84, 10, &[]),
            ],
            output: BranchOutput::Digits,
        }),
        weight_sharing,
        auxiliary_loss: true,
        ..basic(
            name,
            vec![
                linear(20, 200, &[Relu, Dropout(0.7)]),
                linear(200, 84, &[Relu, Dropout(0.7)]),
                linear(84, 1, &[]),
            ],
        )
    }
}

fn convolution(inputs: usize, outputs: usize, kernel: usize, steps: &[Step]) -> Layer {
    Layer::convolution(inputs, outputs, kernel, steps)
}

fn linear(inputs: usize, outputs: usize, steps: &[Step]) -> Layer {
    Layer::linear(inputs, outputs, steps)
}

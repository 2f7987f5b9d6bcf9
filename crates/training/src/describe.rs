//! Networks in words and sizes, from the one table of variants.

use pairnet_models::{Backbone, BranchOutput, Layer, Step, Variant, Weights};
use pairnet_record::{
    BranchDescription, BranchOutputKind, LayerDescription, LayerKind, NetworkDescription,
};

/// What `variant` is made of, as `sweep.json` has it.
///
/// ```
/// let variant = pairnet_models::Variant::named("mlp-ws")?;
/// let network = pairnet_training::describe(variant);
/// assert_eq!((network.parameters, network.comparator[0].inputs), (103_103, 20));
/// # Ok::<(), pairnet_models::UnknownVariant>(())
/// ```
pub fn describe(variant: &Variant) -> NetworkDescription {
    let architecture = &variant.architecture;
    let count = |layers: &[Layer]| layers.iter().map(Layer::parameters).sum::<usize>();
    let branches = if variant.weight_sharing { 1 } else { 2 };
    let in_branches = architecture.branch.map_or(0, |branch| branches * count(branch.layers));
    NetworkDescription {
        name: variant.name.to_owned(),
        backbone: match variant.backbone {
            Backbone::Mlp => "mlp".to_owned(),
            Backbone::Lenet5 => "lenet5".to_owned(),
        },
        weight_sharing: variant.weight_sharing,
        auxiliary_loss: variant.auxiliary_loss,
        parameters: in_branches + count(architecture.comparator),
        branch: architecture.branch.map(|branch| BranchDescription {
            layers: branch.layers.iter().map(layer).collect(),
            output: match branch.output {
                BranchOutput::Features => BranchOutputKind::Features,
                BranchOutput::Sigmoid => BranchOutputKind::Sigmoid,
                BranchOutput::Digits => BranchOutputKind::Digits,
            },
        }),
        comparator: architecture.comparator.iter().map(layer).collect(),
    }
}

fn layer(layer: &Layer) -> LayerDescription {
    let (kind, inputs, outputs, kernel) = match layer.weights {
        Weights::Convolution { inputs, outputs, kernel } => {
            (LayerKind::Convolution, inputs, outputs, Some(kernel))
        }
        Weights::Linear { inputs, outputs } => (LayerKind::Linear, inputs, outputs, None),
    };
    let step = |step: &Step| match step {
        Step::Relu => "relu".to_owned(),
        Step::BatchNorm => "batch-norm".to_owned(),
        Step::MaxPool => "max-pool".to_owned(),
        Step::Dropout(probability) => format!("dropout {probability}"),
    };
    LayerDescription {
        kind,
        inputs,
        outputs,
        kernel,
        steps: layer.steps.iter().map(step).collect(),
    }
}

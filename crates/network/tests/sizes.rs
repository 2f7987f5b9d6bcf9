//! Sizes that fit each other, and every way in which they may not.

use pairnet_network::{
    Architecture, ArchitectureError, Branch, BranchOutput, Layer, MOST_PARAMETERS, Step,
};
use proptest::prelude::*;

use pairnet_network::Step::{BatchNorm, Dropout, MaxPool, Relu};

fn alone(comparator: Vec<Layer>) -> Architecture {
    Architecture {
        name: "network".to_owned(),
        backbone: "mlp".to_owned(),
        weight_sharing: false,
        auxiliary_loss: false,
        branch: None,
        comparator,
    }
}

fn branched(layers: Vec<Layer>, output: BranchOutput, inputs: usize) -> Architecture {
    let branch = Some(Branch { layers, output });
    Architecture { branch, ..alone(vec![Layer::linear(inputs, 1, &[])]) }
}

fn linear(inputs: usize, outputs: usize) -> Layer {
    Layer::linear(inputs, outputs, &[])
}

fn said(network: &Architecture) -> String {
    network.check().unwrap_err().to_string()
}

#[test]
fn sizes_that_fit_are_accepted() {
    let odd = Layer::convolution(2, 3, 2, &[Relu, MaxPool]); // 14 → 13 → 6
    alone(vec![odd, linear(3 * 36, 1)]).check().unwrap();
    let whole = Layer::convolution(2, 5, 14, &[BatchNorm, Dropout(0.0)]);
    alone(vec![whole, linear(5, 1)]).check().unwrap();
    alone(vec![Layer::convolution(2, 1, 14, &[])]).check().unwrap();
    let image = Layer::convolution(1, 2, 5, &[]);
    branched(vec![image], BranchOutput::Features, 400).check().unwrap();
    branched(vec![linear(196, 10)], BranchOutput::Digits, 20).check().unwrap();
}

#[test]
fn an_error_names_the_layer() {
    let convolution = |channels, size, steps: &[Step]| Layer::convolution(channels, 3, size, steps);
    for (network, expected) in [
        (alone(vec![]), "the comparator has no layers"),
        (alone(vec![linear(391, 1)]), "comparator.0 takes 391 inputs, a pair of digits gives 392"),
        (
            alone(vec![linear(392, 84), linear(200, 1)]),
            "comparator.1 takes 200 inputs, comparator.0 gives 84",
        ),
        (
            alone(vec![convolution(3, 3, &[])]),
            "comparator.0 takes 3 channels, a pair of digits gives 2",
        ),
        (
            alone(vec![convolution(2, 3, &[MaxPool]), linear(75, 1)]),
            "comparator.1 takes 75 inputs, comparator.0 gives 108",
        ),
        (
            alone(vec![linear(392, 4), convolution(4, 1, &[])]),
            "comparator.1 has a convolution, which takes an image; comparator.0 gives none",
        ),
        (
            alone(vec![Layer::linear(392, 4, &[Relu, MaxPool])]),
            "comparator.0 has a max-pool, which takes an image; its linear part gives none",
        ),
        (
            alone(vec![convolution(2, 15, &[])]),
            "comparator.0 has a kernel of 15×15 for an image of 14×14",
        ),
        (
            alone(vec![convolution(2, 14, &[MaxPool])]),
            "comparator.0 has a max-pool of 2×2 for an image of 1×1",
        ),
        (alone(vec![convolution(2, 0, &[])]), "comparator.0 has a kernel of 0×0"),
        (alone(vec![linear(0, 1)]), "comparator.0 has no inputs"),
        (alone(vec![linear(392, 0)]), "comparator.0 has no outputs"),
        (alone(vec![Layer::convolution(2, 0, 3, &[])]), "comparator.0 has no outputs"),
        (
            alone(vec![Layer::linear(392, 1, &[BatchNorm, Relu, BatchNorm])]),
            "comparator.0 has batch-norm twice",
        ),
        (
            alone(vec![Layer::linear(392, 1, &[Dropout(1.0)])]),
            "comparator.0 has dropout 1: from 0 to below 1 is possible",
        ),
        (
            alone(vec![Layer::linear(392, 1, &[Dropout(-0.1)])]),
            "comparator.0 has dropout -0.1: from 0 to below 1 is possible",
        ),
        (alone(vec![linear(392, 2)]), "comparator.0 gives 2 outputs, the last layer has to give 1"),
        (
            alone(vec![Layer::convolution(2, 1, 13, &[])]),
            "comparator.0 gives 4 outputs, the last layer has to give 1",
        ),
        (branched(vec![], BranchOutput::Features, 2), "the branch has no layers"),
        (
            branched(vec![linear(392, 7)], BranchOutput::Features, 14),
            "branch.0 takes 392 inputs, a digit gives 196",
        ),
        (
            branched(vec![linear(196, 7)], BranchOutput::Sigmoid, 7),
            "comparator.0 takes 7 inputs, a pair of branches gives 14",
        ),
        (
            branched(vec![linear(196, 7)], BranchOutput::Digits, 14),
            "branch.0 gives 7 outputs, there are 10 digits",
        ),
        (
            Architecture { weight_sharing: true, ..alone(vec![linear(392, 1)]) },
            "weights are shared by two branches, there are none",
        ),
        (
            Architecture {
                auxiliary_loss: true,
                ..branched(vec![linear(196, 10)], BranchOutput::Features, 20)
            },
            "an auxiliary loss takes a branch whose output is digits",
        ),
    ] {
        assert_eq!(said(&network), expected);
    }
}

#[test]
fn a_name_can_stand_in_a_path() {
    for name in ["", ".", "..", "a/b", "a\\b", "-x", "é", "a b", "a\n"] {
        let network = Architecture { name: name.to_owned(), ..alone(vec![linear(392, 1)]) };
        assert_eq!(network.check(), Err(ArchitectureError::Name { name: name.to_owned() }));
    }
    let name = "Wide_2.0-ws".to_owned();
    Architecture { name, ..alone(vec![linear(392, 1)]) }.check().unwrap();
}

#[test]
fn the_largest_sizes_are_an_error_and_no_overflow() {
    // 392 weights and a bias each, and a weight of the last layer.
    let most = (MOST_PARAMETERS - 1) / 394;
    alone(vec![linear(392, most), linear(most, 1)]).check().unwrap();
    for outputs in [most + 1, usize::MAX / 392, usize::MAX] {
        let wide = alone(vec![linear(392, outputs), linear(outputs, 1)]);
        assert!(said(&wide).contains(" is too large: "), "{}", said(&wide));
        let channels = alone(vec![Layer::convolution(2, outputs, 3, &[]), linear(outputs, 1)]);
        assert!(channels.check().is_err());
        let branch = branched(vec![linear(196, outputs)], BranchOutput::Features, outputs);
        assert!(branch.check().is_err());
        // What does not fit can still be counted.
        assert!(wide.parameters() > most && branch.parameters() > most);
    }
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0..20_usize, 1 => Just(196), 1 => Just(392), 1 => any::<usize>()]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![Just(Relu), Just(BatchNorm), Just(MaxPool), any::<f64>().prop_map(Dropout)]
}

fn layer() -> impl Strategy<Value = Layer> {
    let steps = proptest::collection::vec(step(), 0..4);
    let kernel = proptest::option::of(size());
    (size(), size(), kernel, steps).prop_map(|(inputs, outputs, kernel, steps)| match kernel {
        Some(kernel) => Layer::convolution(inputs, outputs, kernel, &steps),
        None => Layer::linear(inputs, outputs, &steps),
    })
}

proptest! {
    /// Whatever somebody writes is counted or refused, and both agree.
    #[test]
    fn no_network_makes_a_check_panic(
        branch in proptest::option::of(proptest::collection::vec(layer(), 0..4)),
        comparator in proptest::collection::vec(layer(), 0..4),
        weight_sharing: bool,
        auxiliary_loss: bool,
    ) {
        let branch = branch.map(|layers| Branch { layers, output: BranchOutput::Features });
        let network =
            Architecture { branch, weight_sharing, auxiliary_loss, ..alone(comparator) };
        prop_assert_eq!(network.check().is_ok(), network.multiply_adds().is_ok());
        network.parameters();
    }
}

//! Networks that are not in the table.

mod support;

use candle_core::{DType, Device, Result, Shape, Tensor};
use pairnet_models::{Architecture, Kernels, Masks, Network};
use pairnet_network::Step::{BatchNorm, Dropout, MaxPool, Relu};
use pairnet_network::{Branch, BranchOutput, Layer};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use support::{device, images};

/// Drops every third value.
struct Thirds;

impl Masks for Thirds {
    fn draw(&mut self, shape: &Shape, _probability: f64) -> Result<Tensor> {
        let kept = (0..shape.elem_count()).map(|index| u8::from(index % 3 != 0)).collect();
        Tensor::from_vec(kept, shape, &Device::Cpu)
    }
}

fn architecture(name: &str, branch: Option<Branch>, comparator: Vec<Layer>) -> Architecture {
    let (name, backbone) = (name.to_owned(), "own".to_owned());
    Architecture {
        name,
        backbone,
        weight_sharing: false,
        auxiliary_loss: false,
        branch,
        comparator,
    }
}

fn own() -> Vec<Architecture> {
    let ends_in_an_image = Branch {
        layers: vec![Layer::convolution(1, 3, 4, &[BatchNorm, Relu, MaxPool])], // 14 → 11 → 5
        output: BranchOutput::Features,
    };
    let digits = Branch { layers: vec![Layer::linear(196, 10, &[])], output: BranchOutput::Digits };
    let sigmoid = Branch {
        layers: vec![
            Layer::convolution(1, 4, 2, &[Relu, BatchNorm, MaxPool]), // 14 → 13 → 6
            Layer::convolution(4, 5, 1, &[MaxPool, Relu]),            // 6 → 3
            Layer::linear(45, 6, &[Dropout(0.25), Relu]),
        ],
        output: BranchOutput::Sigmoid,
    };
    vec![
        architecture("linear", None, vec![Layer::linear(392, 1, &[])]),
        architecture(
            "ends-in-a-convolution",
            None,
            vec![Layer::convolution(2, 4, 13, &[Relu]), Layer::convolution(4, 1, 2, &[])],
        ),
        architecture(
            "image-into-linear",
            None,
            vec![
                Layer::convolution(2, 3, 5, &[Relu, Dropout(0.5)]),
                Layer::linear(300, 1, &[BatchNorm]),
            ],
        ),
        Architecture {
            weight_sharing: true,
            ..architecture(
                "features",
                Some(ends_in_an_image.clone()),
                vec![Layer::linear(150, 7, &[Relu, Dropout(0.0)]), Layer::linear(7, 1, &[])],
            )
        },
        architecture("features-apart", Some(ends_in_an_image), vec![Layer::linear(150, 1, &[])]),
        architecture("sigmoid", Some(sigmoid), vec![Layer::linear(12, 1, &[])]),
        // As the branches of `mlp-al`, and nobody asks for the digits.
        architecture("digits", Some(digits), vec![Layer::linear(20, 1, &[])]),
    ]
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn near(what: &str, found: &[f32], expected: &[f32], largest: f32) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-4 * largest, "{what}: {found}, not {expected}");
    }
}

fn largest<'a>(values: impl IntoIterator<Item = &'a f32>) -> f32 {
    values.into_iter().fold(0f32, |largest, value| largest.max(value.abs()))
}

/// Logits in training and evaluation and every gradient, with the kernels and with candle's own ops.
#[test]
fn kernels_and_candles_ops_agree_on_networks_of_ones_own() {
    for architecture in own() {
        let name = &architecture.name;
        let [fused, composed] = [Kernels::Fused, Kernels::Composed].map(|kernels| {
            let mut rng = ChaCha8Rng::seed_from_u64(7);
            let mut network =
                Network::new(&architecture, kernels, &mut rng, DType::F32, device()).unwrap();
            let images = network.lay_out(&images(12)).unwrap();
            let outputs = network.train(&images, &mut Thirds).unwrap();
            assert_eq!(outputs.logits.dims(), [12], "{name}");
            assert_eq!(outputs.digit_logits.is_some(), name == "digits");
            // Other weights for each: batch norm leaves sums and squares what they are.
            let weights = Tensor::arange(0f32, 12.0, device()).unwrap();
            let loss = (&outputs.logits * weights).unwrap().sum_all().unwrap();
            let gradients = outputs.backward(&loss).unwrap();
            let evaluated = network.evaluate(&images).unwrap();
            let mut found = Vec::new();
            for (name, variable) in network.parameters() {
                found.push((name, numbers(gradients.get(variable).unwrap())));
            }
            (numbers(&outputs.logits), numbers(&evaluated.logits), found)
        });
        near(name, &fused.0, &composed.0, largest(&composed.0));
        near(name, &fused.1, &composed.1, largest(&composed.1));
        // Of all gradients: that of a bias under batch norm is 0, but for rounding.
        let scale = largest(composed.2.iter().flat_map(|(_, gradient)| gradient));
        for ((layer, fused), (_, composed)) in fused.2.iter().zip(&composed.2) {
            near(&format!("{name} {layer}"), fused, composed, scale);
        }
    }
}

/// The file alone tells how the network is built.
#[test]
fn networks_of_ones_own_come_back_from_their_file() {
    for architecture in own() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut network =
            Network::new(&architecture, Kernels::Fused, &mut rng, DType::F32, device()).unwrap();
        network.train(&images(12), &mut Thirds).unwrap();
        let bytes = network.to_safetensors(&Default::default()).unwrap();
        let (again, _) = Network::from_safetensors(&bytes, Kernels::Fused, device()).unwrap();
        let says = |network: &Network| numbers(&network.evaluate(&images(5)).unwrap().logits);
        assert_eq!(says(&again), says(&network), "{}", architecture.name);
        assert_eq!(again.architecture(), &architecture);
    }
}

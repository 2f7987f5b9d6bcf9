//! The way back from a network's outputs, what is refused on it, and what is refused at the start.

mod support;

use candle_core::{DType, Device, Result, Shape, Tensor};
use pairnet_models::{
    Architecture, Kernels, Masks, ModelError, Network, Outputs, variant, variants,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use support::{device, images};

/// Keeps everything.
struct AllOnes;

impl Masks for AllOnes {
    fn draw(&mut self, shape: &Shape, _probability: f64) -> Result<Tensor> {
        Tensor::ones(shape, DType::U8, &Device::Cpu)
    }
}

fn build(architecture: &Architecture, kernels: Kernels, dtype: DType) -> Network {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    Network::new(architecture, kernels, &mut rng, dtype, device()).unwrap()
}

fn network(name: &str) -> Network {
    build(variant(name).unwrap(), Kernels::Fused, DType::F32)
}

fn trained(network: &mut Network) -> Outputs {
    network.train(&images(20), &mut AllOnes).unwrap()
}

fn squares(tensor: &Tensor) -> Tensor {
    tensor.sqr().unwrap().sum_all().unwrap()
}

const REFUSED: &str = "loss.backward() does not reach the parameters of a network: use \
                       Outputs::backward(&loss) of the outputs that the loss is made from";

/// The first line: candle adds a backtrace where one is asked for.
fn first_line(error: &impl ToString) -> String {
    error.to_string().lines().next().unwrap().to_owned()
}

#[test]
fn a_backward_pass_that_would_stop_at_the_outputs_is_an_error() {
    for variant in variants() {
        let mut network = network(&variant.name);
        let outputs = trained(&mut network);
        let evaluated = network.evaluate(&images(3)).unwrap();
        let mut losses = vec![squares(&outputs.logits), squares(&evaluated.logits)];
        if let Some(digits) = &outputs.digit_logits {
            losses.push(squares(digits));
            losses.push((squares(digits) + squares(&outputs.logits)).unwrap());
        }
        for loss in &losses {
            assert_eq!(first_line(&loss.backward().unwrap_err()), REFUSED, "{}", variant.name);
        }
        // The other way is open, before and after, and as often as one likes.
        for _ in 0..2 {
            let gradients = outputs.backward(&losses[0]).unwrap();
            let reached = |(_, var): &(String, &candle_core::Var)| gradients.get(var).is_some();
            assert!(network.parameters().iter().all(reached), "{}", variant.name);
        }
        assert_eq!(first_line(&losses[0].backward().unwrap_err()), REFUSED);
    }
}

/// Terms of a loss may use an output as often as they like: gradients are those of the sum.
#[test]
fn a_loss_of_several_terms_reaches_every_parameter_once() {
    for variant in variants() {
        let mut network = network(&variant.name);
        let outputs = trained(&mut network);
        let logits = &outputs.logits;
        let twice = (logits.sum_all().unwrap() + logits.sum_all().unwrap()).unwrap();
        let doubled = (logits.sum_all().unwrap() * 2.0).unwrap();
        let (twice, doubled) =
            (outputs.backward(&twice).unwrap(), outputs.backward(&doubled).unwrap());
        for (name, variable) in network.parameters() {
            let bits = |gradients: &candle_core::backprop::GradStore| {
                let gradient = gradients.get(variable).unwrap().flatten_all().unwrap();
                let values = gradient.to_vec1::<f32>().unwrap();
                values.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            };
            assert_eq!(bits(&twice), bits(&doubled), "{} {name}", variant.name);
        }
    }
}

#[test]
fn a_loss_of_digits_alone_reaches_the_branches_alone() {
    let mut network = network("lenet5-al");
    let outputs = trained(&mut network);
    let gradients = outputs.backward(&squares(outputs.digit_logits.as_ref().unwrap())).unwrap();
    for (name, variable) in network.parameters() {
        assert_eq!(gradients.get(variable).is_some(), name.starts_with("branch"), "{name}");
    }
}

#[test]
fn a_loss_of_other_outputs_is_an_error() {
    let mut network = network("mlp-ws-al");
    let (outputs, others) = (trained(&mut network), trained(&mut network));
    let both = (squares(&outputs.logits) + squares(&others.logits)).unwrap();
    assert_eq!(first_line(&outputs.backward(&both).unwrap_err()), REFUSED);
    let others = squares(&others.logits);
    assert_eq!(first_line(&outputs.backward(&others).unwrap_err()), REFUSED);

    let detached = outputs.detach();
    let loss = squares(&detached.logits);
    assert!(matches!(outputs.backward(&loss), Err(ModelError::Independent)));
    assert!(matches!(detached.backward(&loss), Err(ModelError::Detached)));
    // Outputs that were kept apart do no harm to a loss of others.
    let mixed = (squares(&outputs.logits) + loss).unwrap();
    outputs.backward(&mixed).unwrap();
}

#[test]
fn images_of_another_shape_or_dtype_are_refused() {
    for variant in variants() {
        let mut network = network(&variant.name);
        for shape in
            [&[5, 3, 14, 14][..], &[5, 2, 15, 15], &[5, 1, 14, 14], &[5, 2, 196], &[0, 2, 14, 14]]
        {
            let images = Tensor::zeros(shape, DType::F32, device()).unwrap();
            let expected = format!(
                "images of shape {shape:?} were given, a network takes (n, 2, 14, 14), n above 0"
            );
            let errors = [
                network.train(&images, &mut AllOnes).unwrap_err(),
                network.evaluate(&images).unwrap_err(),
                network.lay_out(&images).unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.to_string(), expected, "{}", variant.name);
            }
        }
        let images = images(2).to_dtype(DType::F64).unwrap();
        let error = network.evaluate(&images).unwrap_err();
        assert_eq!(error.to_string(), "images of dtype f64 were given to a network of f32");
        // As candle's error, with the same words.
        let error = candle_core::Error::from(error);
        assert_eq!(first_line(&error), "images of dtype f64 were given to a network of f32");
    }
}

#[test]
fn sizes_that_do_not_fit_are_refused_before_anything_is_drawn() {
    let mut unfit = variant("mlp").unwrap().clone();
    unfit.comparator.remove(1);
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let error = Network::new(&unfit, Kernels::Fused, &mut rng, DType::F32, device()).unwrap_err();
    assert_eq!(error.to_string(), "comparator.1 takes 84 inputs, comparator.0 gives 200");
    assert_eq!(rng, ChaCha8Rng::seed_from_u64(7));
}

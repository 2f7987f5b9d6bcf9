//! Activations with candle-nn's names.

use candle_core::{DType, Module, Tensor, Var};
use candle_nn::Activation as Theirs;
use pairnet_ops::nn::Activation as Ours;

use crate::assert_near;
use crate::support::variable;

const ALL: [(Theirs, Ours); 15] = [
    (Theirs::Gelu, Ours::Gelu),
    (Theirs::NewGelu, Ours::NewGelu),
    (Theirs::Relu, Ours::Relu),
    (Theirs::Relu2, Ours::Relu2),
    (Theirs::Relu6, Ours::Relu6),
    (Theirs::Silu, Ours::Silu),
    (Theirs::Sigmoid, Ours::Sigmoid),
    (Theirs::HardSigmoid, Ours::HardSigmoid),
    (Theirs::Swiglu, Ours::Swiglu),
    (Theirs::Swish, Ours::Swish),
    (Theirs::Mish, Ours::Mish),
    (Theirs::HardSwish, Ours::HardSwish),
    (Theirs::Elu(0.7), Ours::Elu(0.7)),
    (Theirs::LeakyRelu(0.2), Ours::LeakyRelu(0.2)),
    (Theirs::GeluPytorchTanh, Ours::GeluPytorchTanh),
];

/// Of values from −9 to 9 that lie in another order than their shape says. candle's gradients of GELU have six digits.
#[test]
fn activations_are_candle_nn_s() {
    assert_eq!(Ours::default(), Theirs::default().into());
    let images = variable(&[2, 5, 6, 3], DType::F64, 1);
    for (theirs, ours) in ALL {
        assert_eq!(ours, theirs.into());
        let both = |activation: &dyn Module| {
            let permuted = images.permute((0, 3, 1, 2)).unwrap().affine(9.0, 0.01).unwrap();
            let result = activation.forward(&permuted.apply(&in_order).unwrap()).unwrap();
            let gradients = result.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            (result, gradients.get(&images).unwrap().clone())
        };
        let (found, expected) = (both(&ours), both(&theirs));
        assert_near(&format!("{ours:?}"), &found.0, &expected.0);
        let approximate = matches!(ours, Ours::Gelu | Ours::NewGelu | Ours::GeluPytorchTanh);
        let share = if approximate { 1e-7 } else { 1.0 };
        let apart = (found.1 - &expected.1).unwrap().affine(share, 0.0).unwrap();
        assert_near(&format!("gradient of {ours:?}"), &apart, &apart.zeros_like().unwrap());
    }
}

/// The same values, in memory as a convolution leaves them.
fn in_order(values: &Tensor) -> candle_core::Result<Tensor> {
    values.permute((0, 2, 3, 1))?.contiguous()?.permute((0, 3, 1, 2))
}

#[test]
fn a_kink_has_pytorch_s_gradient() {
    let kinks = [
        (Ours::Relu, 0.0, 0.0),
        (Ours::LeakyRelu(0.2), 0.0, 0.2),
        (Ours::Elu(0.7), 0.0, 0.7),
        (Ours::Relu6, 0.0, 0.0),
        (Ours::Relu6, 6.0, 0.0),
        (Ours::HardSigmoid, -3.0, 0.0),
        (Ours::HardSigmoid, 3.0, 0.0),
        (Ours::HardSigmoid, 2.999_999_8, 1.0 / 6.0),
        (Ours::HardSwish, -3.0, 0.0),
        (Ours::HardSwish, 3.0, 1.0),
    ];
    for (activation, kink, expected) in kinks {
        let place = Var::new(&[kink], crate::device()).unwrap();
        let gradients = activation.forward(&place).unwrap().sum_all().unwrap().backward().unwrap();
        let found = gradients.get(&place).unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(found, [expected], "{activation:?} at {kink}");
    }
}

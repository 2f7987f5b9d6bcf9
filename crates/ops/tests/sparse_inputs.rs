//! Linear layers on inputs that are mostly zeros, which are not multiplied.

mod support;

use candle_core::{DType, Result, Tensor, Var};
use pairnet_ops::{NormalisedLinear, linear, linear_relu, linear_relu_batch_norm, reference};
use proptest::prelude::*;
use support::{assert_same_within, device, quarters, tensor, values, variable, with_gradients};

/// `values` where a random number is below `share`, else zero.
fn some(values: &Var, share: f64) -> Var {
    let taken = tensor(values.dims(), DType::F64, 77).affine(0.5, 0.5).unwrap().lt(share).unwrap();
    let zeros = values.zeros_like().unwrap();
    Var::from_tensor(&taken.where_cond(values.as_tensor(), &zeros).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Nothing is rounded: no bit may differ.
    #[test]
    fn any_shape_is_exact(
        rows in 60usize..150,
        inputs in 1usize..80,
        outputs in 28usize..150,
        share in 0.0..0.5,
        trained in any::<bool>(),
    ) {
        for dtype in [DType::F32, DType::F64] {
            let input = some(&quarters(&[rows, inputs], dtype, 1), share);
            let mut variables =
                vec![quarters(&[outputs, inputs], dtype, 2), quarters(&[outputs], dtype, 3)];
            if trained {
                variables.push(input.clone());
            }
            let layer = |v: &[Var]| linear_relu(&input, &v[0], Some(v[1].as_tensor()));
            let plain = |v: &[Var]| {
                reference::relu(&reference::linear(&input, &v[0], Some(v[1].as_tensor()))?)
            };
            assert_same_within(0.0, "sparse", &variables, layer, plain);
        }
    }
}

/// Zero times infinity is NaN, and so is zero times NaN.
#[test]
fn what_is_not_finite_is_not_left_out() {
    let input = some(&variable(&[70, 20], DType::F32, 1), 0.2);
    let spoilt = |worst: f32| {
        let mut weights = vec![0.5; 40 * 20];
        weights[333] = worst;
        Var::from_vec(weights, (40, 20), device()).unwrap()
    };
    for worst in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let weight = spoilt(worst);
        let not_finite = |result: Result<Tensor>| -> Vec<bool> {
            values(&result.unwrap()).into_iter().map(f64::is_nan).collect()
        };
        let found = not_finite(linear(&input, &weight, None));
        assert_eq!(found, not_finite(reference::linear(&input, &weight, None)));
        assert!(found.contains(&true) && found.contains(&false));
    }
}

/// Parts of the outputs and of their weights' gradients, for threads to take.
#[test]
fn the_same_bytes_on_any_number_of_threads() {
    for (rows, inputs, outputs) in [(200, 392, 200), (67, 301, 133), (400, 196, 84)] {
        let input = some(&variable(&[rows, inputs], DType::F32, 1), 0.25);
        let variables = [
            variable(&[outputs, inputs], DType::F32, 2),
            variable(&[outputs], DType::F32, 3),
            variable(&[outputs], DType::F32, 4),
            variable(&[outputs], DType::F32, 5),
        ];
        let layer = |v: &[Var]| -> Result<Tensor> {
            let (weight, bias) = (&*v[0], Some(v[1].as_tensor()));
            let layer = NormalisedLinear { weight, bias, gamma: &v[2], beta: &v[3], epsilon: 1e-5 };
            Ok(linear_relu_batch_norm(&input, &layer)?.0)
        };
        let work = || {
            let (result, gradients) = with_gradients(&variables, layer);
            std::iter::once(result).chain(gradients).collect()
        };
        let bits = |threads: usize| -> Vec<u64> {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let all: Vec<Tensor> = pool.install(work);
            all.iter().flat_map(values).map(f64::to_bits).collect()
        };
        let one = bits(1);
        for threads in [2, 3, 5] {
            assert!(bits(threads) == one, "{rows}×{inputs}×{outputs} on {threads} threads");
        }
    }
}

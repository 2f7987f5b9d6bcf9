//! Linear layers on inputs and gradients of which a good part is zero, which is not multiplied.

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
        share in 0.0..1.0,
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

/// Zero times infinity is NaN, and so is zero times NaN, whichever of the two has it.
#[test]
fn what_is_not_finite_is_not_left_out() {
    for worst in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for (place, of_input) in [(333, false), (333, true), (1399, true)] {
            let spoilt = |variable: &Var, spoilt: bool| {
                let mut all = values(variable);
                all[place % variable.elem_count()] =
                    if spoilt { worst } else { all[place % variable.elem_count()] };
                Var::from_vec(all, variable.shape(), device()).unwrap()
            };
            let input = spoilt(&some(&variable(&[70, 20], DType::F64, 1), 0.2), of_input);
            let weight = spoilt(&variable(&[40, 20], DType::F64, 2), !of_input);
            let is_nan = |tensors: (Tensor, Vec<Tensor>)| -> Vec<Vec<bool>> {
                let all = std::iter::once(tensors.0).chain(tensors.1);
                all.map(|all| values(&all).into_iter().map(f64::is_nan).collect()).collect()
            };
            let variables = [input, weight];
            let found = is_nan(with_gradients(&variables, |v| linear(&v[0], &v[1], None)));
            let plain = |v: &[Var]| reference::linear(&v[0], &v[1], None);
            assert_eq!(found, is_nan(with_gradients(&variables, plain)), "{worst} at {place}");
        }
    }
}

/// Parts of the outputs and of their weights' gradients, for threads to take.
#[test]
fn the_same_bytes_on_any_number_of_threads() {
    for (rows, inputs, outputs, share) in
        [(200, 392, 200, 0.25), (67, 301, 133, 0.5), (400, 196, 84, 1.0), (700, 65, 200, 1.0)]
    {
        let input = some(&variable(&[rows, inputs], DType::F32, 1), share);
        let variables = [
            input.clone(),
            variable(&[outputs, inputs], DType::F32, 2),
            variable(&[outputs], DType::F32, 3),
            variable(&[outputs], DType::F32, 4),
            variable(&[outputs], DType::F32, 5),
        ];
        let layer = |v: &[Var]| -> Result<Tensor> {
            let (weight, bias) = (&*v[1], Some(v[2].as_tensor()));
            let layer = NormalisedLinear { weight, bias, gamma: &v[3], beta: &v[4], epsilon: 1e-5 };
            Ok(linear_relu_batch_norm(&v[0], &layer)?.0)
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

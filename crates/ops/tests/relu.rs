//! ReLU, alone and of a sum: values, gradients, dtypes, what is refused.

mod support;

use candle_core::{DType, Result, Tensor, Var};
use pairnet_ops::{Tape, add_relu, relu};
use proptest::prelude::*;
use support::{
    NO_VALUES, assert_finite_differences, assert_same, assert_told, device, has_empty_variables,
    quarters, tensor, values, variable, with_gradients,
};

/// max(x, 0) of candle's ops, with PyTorch's gradient at 0.
fn composed(values: &Tensor) -> Result<Tensor> {
    let above = values.gt(0.0)?.to_dtype(values.dtype())?;
    values * above
}

#[test]
fn gradients_are_finite_differences() {
    let both = [variable(&[3, 5], DType::F64, 1), variable(&[3, 5], DType::F64, 2)];
    assert_finite_differences("relu", &both[..1], |v| relu(&v[0]));
    assert_finite_differences("add_relu", &both, |v| add_relu(&v[0], &v[1]));
    assert_finite_differences("add_relu of one", &both[..1], |v| add_relu(&v[0], &v[0]));
}

#[test]
fn what_is_no_number_stays_none() {
    let all = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0];
    let values = Var::new(&all, device()).unwrap();
    let result = relu(&values).unwrap();
    let found = result.to_vec1::<f32>().unwrap();
    assert!(found[0].is_nan());
    assert_eq!(found[1..], [f32::INFINITY, 0.0, 0.0]);
    let sum = add_relu(&values, &values).unwrap().to_vec1::<f32>().unwrap();
    assert!(sum[0].is_nan());
    assert_eq!(sum[1..], [f32::INFINITY, 0.0, 0.0]);
}

#[test]
fn a_tape_goes_back_through_both() {
    let (a, b) = (variable(&[4, 3], DType::F32, 1), variable(&[4, 3], DType::F32, 2));
    let (result, tape) = Tape::record(|| relu(&add_relu(&a, &b)?.affine(1.0, -0.5)?)).unwrap();
    let gradient = tensor(&[4, 3], DType::F32, 3);
    let taped = tape.backward(&result, &gradient).unwrap();
    let plain = (&result * &gradient).unwrap().sum_all().unwrap().backward().unwrap();
    for variable in [&a, &b] {
        assert_eq!(values(taped.get(variable).unwrap()), values(plain.get(variable).unwrap()));
    }
}

#[test]
fn what_does_not_fit_is_told() {
    let (a, b) = (tensor(&[2, 3], DType::F32, 1), tensor(&[3], DType::F32, 2));
    assert_told(add_relu(&a, &b), "add_relu: [2, 3] and [3] differ in shape");
    assert_told(add_relu(&a, &a.to_dtype(DType::F64).unwrap()), "differ in dtype");
    assert_told(relu(&a.to_dtype(DType::U8).unwrap()), "relu");
}

proptest! {
    /// Of any length, lying in memory in any order, on any number of threads.
    #[test]
    fn any_tensor_is_rectified(
        (rows, columns) in (1..400usize, 1..40usize),
        threads in 1..9usize,
        seed in any::<u64>(),
    ) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            for dtype in [DType::F32, DType::F64] {
                let both = [
                    quarters(&[rows, columns], dtype, seed),
                    quarters(&[rows, columns], dtype, seed ^ 1),
                ];
                assert_same("relu", &both[..1], |v| relu(&v[0].t()?), |v| composed(&v[0].t()?));
                assert_same(
                    "add_relu",
                    &both,
                    |v| add_relu(&v[0], &v[1]),
                    |v| composed(&(v[0].as_tensor() + v[1].as_tensor())?),
                );
            }
        });
    }
}

/// So that convolutions before and behind it copy nothing.
#[test]
fn what_is_permuted_keeps_its_order() {
    let order = |values: &Tensor| {
        let mut order: Vec<usize> = (0..values.rank()).collect();
        order.sort_by_key(|&dim| std::cmp::Reverse(values.stride()[dim]));
        order
    };
    for permuted in [[0, 3, 1, 2], [0, 1, 3, 2], [3, 2, 1, 0], [2, 3, 0, 1], [0, 1, 2, 3]] {
        let both = [quarters(&[2, 3, 4, 5], DType::F32, 1), quarters(&[2, 3, 4, 5], DType::F32, 2)];
        let permute = |values: &Var| values.permute(permuted);
        assert_same("relu", &both[..1], |v| relu(&permute(&v[0])?), |v| composed(&permute(&v[0])?));
        let add = |v: &[Var]| add_relu(&permute(&v[0])?, &permute(&v[1])?);
        let expected = |v: &[Var]| composed(&(permute(&v[0])? + permute(&v[1])?)?);
        assert_same("add_relu", &both, add, expected);
        if pairnet_ops::instructions() != "composed" {
            let given = permute(&both[0]).unwrap();
            assert_eq!(order(&relu(&given).unwrap()), order(&given));
            assert_eq!(order(&add(&both).unwrap()), order(&given));
        }
        // Of two that lie otherwise, and of a part, the values are what counts.
        let dims = permute(&both[0]).unwrap().dims().to_vec();
        let mixed = [both[0].clone(), quarters(&dims, DType::F32, 3)];
        assert_same(
            "add_relu",
            &mixed,
            |v| add_relu(&permute(&v[0])?, &v[1]),
            |v| composed(&(permute(&v[0])? + v[1].as_tensor())?),
        );
        let part = |v: &[Var]| permute(&v[0])?.narrow(1, 1, 1);
        assert_same("relu", &both[..1], |v| relu(&part(v)?), |v| composed(&part(v)?));
    }
}

#[test]
fn nothing_gives_nothing() {
    if !has_empty_variables() {
        assert_told(relu(&tensor(&[0, 3], DType::F32, 1)), NO_VALUES);
        return;
    }
    let empty = Var::zeros((0, 3), DType::F32, device()).unwrap();
    let (result, gradients) = with_gradients(&[empty], |v| add_relu(&v[0], &v[0]));
    assert_eq!((result.dims(), gradients.len()), (&[0, 3][..], 1));
}

//! Every setting of convolution, linear layers and pooling against PyTorch's values in f64;
//! `golden/README.md` tells how they were made.

mod support;

use std::collections::{BTreeSet, HashMap};

use candle_core::{Result, Tensor, Var};
use pairnet_ops::{Conv2dConfig, avg_pool2d, conv2d, linear, max_pool2d};
use support::{assert_close, device};

const TOLERANCE: f64 = 1e-12;

/// Compares all cases of an op in result and gradients, and returns how many there are. What is computed
/// is given input, weight and bias as far as there are any, and the settings.
fn check(op: &str, compute: impl Fn(&[Var], [usize; 4]) -> Result<Tensor>) -> usize {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/settings.safetensors");
    let golden = candle_core::safetensors::load(file, device()).unwrap();
    let cases: BTreeSet<&str> = golden
        .keys()
        .filter_map(|key| key.rsplit_once('.'))
        .filter(|(case, _)| case.split('.').next() == Some(op))
        .map(|(case, _)| case)
        .collect();
    for case in &cases {
        check_case(&golden, case, &compute);
    }
    cases.len()
}

fn check_case(
    golden: &HashMap<String, Tensor>,
    case: &str,
    compute: impl Fn(&[Var], [usize; 4]) -> Result<Tensor>,
) {
    let get = |name: &str| golden.get(&format!("{case}.{name}"));
    let (names, variables): (Vec<&str>, Vec<Var>) = ["input", "weight", "bias"]
        .into_iter()
        .filter_map(|name| Some((name, Var::from_tensor(get(name)?).unwrap())))
        .unzip();
    let settings = get("settings").map_or([0; 4], |settings| {
        let settings = settings.to_vec1::<i64>().unwrap();
        std::array::from_fn(|index| settings[index] as usize)
    });
    let output = compute(&variables, settings).unwrap();
    assert_close(case, &output, get("output").unwrap(), TOLERANCE);
    let loss = (output * get("output_gradient").unwrap()).unwrap().sum_all().unwrap();
    let gradients = loss.backward().unwrap();
    for (name, variable) in names.into_iter().zip(&variables) {
        let expected = get(&format!("{name}_gradient")).unwrap();
        let name = format!("{case}.{name}_gradient");
        assert_close(&name, gradients.get(variable).unwrap(), expected, TOLERANCE);
    }
}

fn bias(variables: &[Var]) -> Option<&Tensor> {
    variables.get(2).map(Var::as_tensor)
}

#[test]
fn convolutions() {
    let cases = check("conv2d", |v, [padding, stride, dilation, groups]| {
        let config = Conv2dConfig { padding, stride, dilation, groups, ..Default::default() };
        conv2d(&v[0], &v[1], bias(v), config)
    });
    assert_eq!(cases, 18);
}

#[test]
fn linear_layers() {
    assert_eq!(check("linear", |v, _| linear(&v[0], &v[1], bias(v))), 6);
}

#[test]
fn pooling() {
    let maxima = check("max_pool2d", |v, [height, width, down, across]| {
        max_pool2d(&v[0], (height, width), (down, across))
    });
    let means = check("avg_pool2d", |v, [height, width, down, across]| {
        avg_pool2d(&v[0], (height, width), (down, across))
    });
    assert_eq!((maxima, means), (4, 4));
}

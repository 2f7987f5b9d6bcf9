//! What the tests of several ops need: seeded tensors, finite differences, comparisons.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod optimisers;

use std::sync::OnceLock;

use candle_core::{DType, Device, Result, Tensor, Var};
use pairnet_ops::{Tape, backward};
use proptest::test_runner::Config;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// The CPU, or the first NVIDIA GPU where `PAIRNET_TEST_DEVICE` is `cuda`; the same one at every
/// call.
pub(crate) fn device() -> &'static Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(|| match std::env::var("PAIRNET_TEST_DEVICE").as_deref() {
        Err(_) | Ok("cpu") => Device::Cpu,
        Ok("cuda") => Device::new_cuda(0).expect("a GPU, and a build with the feature 'cuda'"),
        Ok(other) => panic!("PAIRNET_TEST_DEVICE is '{other}', not 'cpu' or 'cuda'"),
    })
}

/// So many random cases of a property, or fewer where the environment variable `PROPTEST_CASES` says so.
pub(crate) fn cases(count: u32) -> Config {
    Config::with_cases(count.min(Config::default().cases))
}

/// Whether the CPU runs what another device would (`PAIRNET_INSTRUCTIONS=composed`): candle's own ops,
/// which add f32 values one after another and lose the graph of tensors without values.
pub(crate) fn composed() -> bool {
    std::env::var("PAIRNET_INSTRUCTIONS").as_deref() == Ok("composed")
}

/// Whether there can be variables without values: candle 0.11.1 makes none on a GPU, where only a view of
/// other values can be without any.
pub(crate) fn has_empty_variables() -> bool {
    device().is_cpu()
}

/// What an op says of such a view.
pub(crate) const NO_VALUES: &str = "has no values; candle 0.11.1 makes no such tensor on a GPU";

/// The least size of a variable's dimension.
pub(crate) fn least() -> usize {
    usize::from(!has_empty_variables())
}

/// Uniform values from −1 to 1.
pub(crate) fn tensor(shape: &[usize], dtype: DType, seed: u64) -> Tensor {
    if shape.contains(&0) && !has_empty_variables() {
        let larger: Vec<usize> = shape.iter().map(|&size| size.max(1)).collect();
        let some = tensor(&larger, dtype, seed);
        let narrow = |view: Tensor, (dimension, &size)| view.narrow(dimension, 0, size).unwrap();
        return shape.iter().enumerate().fold(some, narrow);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let count: usize = shape.iter().product();
    let values: Vec<f64> =
        (0..count).map(|_| f64::from(rng.next_u32()) / f64::from(u32::MAX) * 2.0 - 1.0).collect();
    Tensor::from_vec(values, shape, device()).unwrap().to_dtype(dtype).unwrap()
}

/// Quarters from −1 to 1: their products and sums are exact in f32 too, so two ways of computing
/// agree to the last bit, and zeros and ties abound.
pub(crate) fn quarters(shape: &[usize], dtype: DType, seed: u64) -> Var {
    let rounded = tensor(shape, dtype, seed).affine(4.0, 0.0).unwrap().round().unwrap();
    Var::from_tensor(&rounded.affine(0.25, 0.0).unwrap()).unwrap()
}

pub(crate) fn variable(shape: &[usize], dtype: DType, seed: u64) -> Var {
    Var::from_tensor(&tensor(shape, dtype, seed)).unwrap()
}

/// What an op says that it can't do.
pub(crate) fn message<T>(result: Result<T>) -> String {
    let Err(error) = result else { panic!("an error was expected") };
    error.to_string()
}

/// Asserts that an error's message tells `part`.
pub(crate) fn assert_told<T>(result: Result<T>, part: &str) {
    let message = message(result);
    assert!(message.contains(part), "'{part}' was expected in '{message}'");
}

/// A tensor of whole numbers, which no op takes for floats.
pub(crate) fn whole(shape: &[usize]) -> Tensor {
    Tensor::ones(shape, DType::U32, device()).unwrap()
}

pub(crate) fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Σ result · weights, with weights that differ from place to place: every gradient counts. They
/// are 64ths, which leave exact what [`quarters`] makes.
pub(crate) fn weighted_sum(result: &Tensor) -> Result<Tensor> {
    weighted_by(FIRST_WEIGHTS, result)
}

/// The seed of [`weighted_sum`]; the following ones give other weights.
const FIRST_WEIGHTS: u64 = 99;

fn weighted_by(seed: u64, result: &Tensor) -> Result<Tensor> {
    let weights = tensor(result.dims(), result.dtype(), seed).affine(64.0, 0.0)?.round()?;
    let weights = weights.affine(1.0 / 64.0, 0.0)?;
    (result * weights)?.sum_all()
}

/// Result and gradients of [`weighted_sum`] for each variable, which are the same by a tape, by candle's backward
/// pass and by [`backward`]; large ones by a tape and by candle alone.
pub(crate) fn with_gradients(
    variables: &[Var],
    compute: impl Fn(&[Var]) -> Result<Tensor>,
) -> (Tensor, Vec<Tensor>) {
    const LARGE: usize = 20_000;
    let (result, tape) = Tape::record(|| compute(variables)).unwrap();
    let given = Var::from_tensor(&result).unwrap();
    let seed = weighted_sum(&given).unwrap().backward().unwrap();
    let of_recorded = weighted_sum(&result).unwrap().backward().unwrap();
    let by_tape = tape.backward(&result, seed.get(&given).unwrap()).unwrap();
    let mut ways = vec![("tape", by_tape)];
    if variables.iter().map(|variable| variable.elem_count()).sum::<usize>() < LARGE {
        let again = compute(variables).unwrap();
        assert_eq!(numbers(&again), numbers(&result), "recorded and not");
        let loss = weighted_sum(&again).unwrap();
        ways.push(("candle", loss.backward().unwrap()));
        ways.push(("without copies", backward(&loss).unwrap()));
    }
    let gradients: Vec<Tensor> =
        variables.iter().map(|variable| of_recorded.get(variable).unwrap().clone()).collect();
    for (variable, gradient) in variables.iter().zip(&gradients) {
        for (way, all) in &ways {
            let found = all.get(variable).expect("a gradient");
            assert_eq!(
                numbers(found),
                numbers(gradient),
                "{way} and by candle through what is recorded"
            );
        }
    }
    (result, gradients)
}

/// Values to compare, where each NaN is like every other.
fn numbers(tensor: &Tensor) -> Vec<Option<f64>> {
    values(tensor).into_iter().map(|value| (!value.is_nan()).then_some(value)).collect()
}

/// |found − expected| ≤ tolerance · the largest expected value, element by element.
pub(crate) fn assert_close(name: &str, found: &Tensor, expected: &Tensor, tolerance: f64) {
    assert_close_beside(name, found, expected, largest(expected), tolerance);
}

fn largest(tensor: &Tensor) -> f64 {
    values(tensor).iter().fold(0f64, |largest, value| largest.max(value.abs()))
}

/// |found − expected| ≤ tolerance · largest, element by element.
fn assert_close_beside(
    name: &str,
    found: &Tensor,
    expected: &Tensor,
    largest: f64,
    tolerance: f64,
) {
    assert_eq!(found.dims(), expected.dims(), "shape of {name}");
    let (found, expected) = (values(found), values(expected));
    // NaN is further away than any number.
    let distance = |&(found, expected): &(f64, f64)| match (found - expected).abs() {
        distance if distance.is_nan() => f64::INFINITY,
        distance => distance,
    };
    let pairs = found.into_iter().zip(expected).enumerate();
    let worst = pairs.max_by(|(_, a), (_, b)| distance(a).total_cmp(&distance(b)));
    if let Some((index, pair)) = worst {
        let (found, expected) = pair;
        assert!(
            distance(&pair) <= tolerance * largest,
            "{name}[{index}] is {found}, {expected} was expected (largest {largest})"
        );
    }
}

/// Both ways of computing agree in result and gradients.
pub(crate) fn assert_same(
    name: &str,
    variables: &[Var],
    ours: impl Fn(&[Var]) -> Result<Tensor>,
    reference: impl Fn(&[Var]) -> Result<Tensor>,
) {
    assert_same_within(tolerance(variables), name, variables, ours, reference);
}

fn tolerance(variables: &[Var]) -> f64 {
    if variables[0].dtype() == DType::F64 { 1e-11 } else { 2e-5 }
}

/// [`assert_same`] with a tolerance; 0 where nothing is rounded.
pub(crate) fn assert_same_within(
    tolerance: f64,
    name: &str,
    variables: &[Var],
    ours: impl Fn(&[Var]) -> Result<Tensor>,
    reference: impl Fn(&[Var]) -> Result<Tensor>,
) {
    assert_same_beside(|_| {}, tolerance, name, variables, ours, reference);
}

/// [`assert_same`] of a layer with batch norm behind it, whose variables begin with the input, the weight and
/// the bias.
///
/// Batch norm takes a shift away again: where ReLU cuts nothing, the gradient of the bias is zero but for what is
/// rounded. It is measured by that of the weight, a sum of the same terms times inputs.
pub(crate) fn assert_same_before_batch_norm(
    name: &str,
    variables: &[Var],
    ours: impl Fn(&[Var]) -> Result<Tensor>,
    reference: impl Fn(&[Var]) -> Result<Tensor>,
) {
    let by_weight = |sizes: &mut [f64]| sizes[2] = sizes[2].max(sizes[1]);
    assert_same_beside(by_weight, tolerance(variables), name, variables, ours, reference);
}

/// [`assert_same_within`], where `change` has a say in how large each gradient is.
fn assert_same_beside(
    change: impl Fn(&mut [f64]),
    tolerance: f64,
    name: &str,
    variables: &[Var],
    ours: impl Fn(&[Var]) -> Result<Tensor>,
    reference: impl Fn(&[Var]) -> Result<Tensor>,
) {
    let (found, found_gradients) = with_gradients(variables, ours);
    let (expected, expected_gradients) = with_gradients(variables, &reference);
    assert_close(&format!("{name}: result"), &found, &expected, tolerance);
    let mut sizes = gradient_sizes(&expected_gradients, variables, reference);
    change(&mut sizes);
    let gradients = found_gradients.iter().zip(&expected_gradients).zip(sizes).enumerate();
    for (index, ((found, expected), size)) in gradients {
        let name = format!("{name}: gradient {index}");
        assert_close_beside(&name, found, expected, size, tolerance);
    }
}

/// How large the values of each gradient get; where there are few, by other weights of [`weighted_sum`] too: one
/// may be a long sum that happens to cancel, and keeps the rounding of its terms.
fn gradient_sizes(
    gradients: &[Tensor],
    variables: &[Var],
    compute: impl Fn(&[Var]) -> Result<Tensor>,
) -> Vec<f64> {
    /// Of so many, one is large.
    const MANY: usize = 16;
    let mut sizes: Vec<f64> = gradients.iter().map(largest).collect();
    if gradients.iter().all(|gradient| gradient.elem_count() >= MANY) {
        return sizes;
    }
    let result = compute(variables).unwrap();
    for seed in FIRST_WEIGHTS + 1..FIRST_WEIGHTS + 5 {
        let gradients = weighted_by(seed, &result).unwrap().backward().unwrap();
        for (size, variable) in sizes.iter_mut().zip(variables) {
            let gradient = gradients.get(variable).unwrap();
            if gradient.elem_count() < MANY {
                *size = size.max(largest(gradient));
            }
        }
    }
    sizes
}

/// Every gradient agrees with (f(x + h) − f(x − h)) / 2h in f64.
///
/// The seeds are fixed and the inputs spread over a range a million times as wide as h, so that none
/// lies within h of a kink of ReLU or of a tie between maxima: one that did would fail every time.
pub(crate) fn assert_finite_differences(
    name: &str,
    variables: &[Var],
    compute: impl Fn(&[Var]) -> Result<Tensor>,
) {
    const STEP: f64 = 1e-6;
    let (_, gradients) = with_gradients(variables, &compute);
    let sum = || weighted_sum(&compute(variables).unwrap()).unwrap().to_scalar::<f64>().unwrap();
    for (index, (variable, gradient)) in variables.iter().zip(&gradients).enumerate() {
        let start = values(variable);
        let set = |place: usize, change: f64| {
            let mut changed = start.clone();
            changed[place] += change;
            variable.set(&Tensor::from_vec(changed, variable.shape(), device()).unwrap()).unwrap();
        };
        let differences: Vec<f64> = (0..start.len())
            .map(|place| {
                set(place, STEP);
                let above = sum();
                set(place, -STEP);
                let below = sum();
                set(place, 0.0);
                (above - below) / (2.0 * STEP)
            })
            .collect();
        let differences = Tensor::from_vec(differences, variable.shape(), device()).unwrap();
        assert_close(&format!("{name}: gradient {index}"), gradient, &differences, 1e-6);
    }
}

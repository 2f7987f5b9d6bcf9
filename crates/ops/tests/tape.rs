//! What stands between the ops of a tape, and who records what.

mod support;

use candle_core::{DType, Result, Tensor, Var};
use pairnet_ops::{
    Conv2dConfig, Tape, add_gradients, add_relu, cat, channels_last, conv2d, dropout, flatten,
    linear, linear_relu, max_pool2d, relu, softmax,
};
use support::{assert_told, tensor, values, variable, weighted_sum, with_gradients};

/// The variables of two linear layers, 6 → 5 → 4, and their input of 3 rows.
fn layers() -> [Var; 5] {
    [
        variable(&[3, 6], DType::F64, 1),
        variable(&[5, 6], DType::F64, 2),
        variable(&[5], DType::F64, 3),
        variable(&[4, 5], DType::F64, 4),
        variable(&[4], DType::F64, 5),
    ]
}

/// Two layers with `between` between them; [`with_gradients`] compares tape and candle.
fn compare(between: impl Fn(&Tensor) -> Result<Tensor>) {
    with_gradients(&layers(), |v| {
        let hidden = between(&linear_relu(&v[0], &v[1], Some(v[2].as_tensor()))?)?;
        linear(&hidden, &v[3], Some(v[4].as_tensor()))
    });
}

#[test]
fn other_shapes_of_the_same_values_stay_on_the_tape() {
    compare(|hidden| hidden.reshape((3, 1, 1, 5))?.flatten_from(1));
}

/// Convolutions of images with channels second, and what comes between them and linear layers.
#[test]
fn layers_of_images_are_gone_through() {
    let shapes: [&[usize]; 4] = [&[2, 3, 8, 6], &[4, 3, 3, 3], &[5, 4, 3, 3], &[2, 10]];
    let variables = shapes.map(|shape| variable(shape, DType::F64, shape[0] as u64));
    let padded = Conv2dConfig { padding: 1, ..Default::default() };
    with_gradients(&variables, |v| {
        let convolved = relu(&conv2d(&v[0], &v[1], None, padded)?)?;
        let pooled = max_pool2d(&add_relu(&convolved, &convolved)?, 2, 2)?;
        let rows = flatten(&relu(&conv2d(&pooled, &v[2], None, Default::default())?)?)?;
        linear(&rows, &v[3], None)
    });
}

#[test]
fn ops_of_candle_between_are_gone_through() {
    compare(Tensor::sqr);
    compare(|hidden| hidden.t()?.contiguous()?.t()?.contiguous());
    compare(|hidden| hidden.narrow(0, 1, 2));
    compare(|hidden| Tensor::cat(&[hidden, hidden], 0));
}

#[test]
fn what_is_put_side_by_side_is_gone_through() {
    compare(|hidden| cat(&[hidden], 0));
    compare(|hidden| cat(&[&softmax(hidden)?, hidden], 0));
    let constant = tensor(&[5, 2], DType::F64, 1);
    compare(|hidden| cat(&[&hidden.t()?, &constant], 1)?.t()?.contiguous());
    let variables = [[2, 1, 3], [2, 4, 3], [2, 2, 3]].map(|shape| variable(&shape, DType::F64, 1));
    with_gradients(&variables, |v| {
        let all: Vec<&Tensor> = v.iter().map(Var::as_tensor).collect();
        softmax(&cat(&all, 1)?)
    });
    let [first, second, _] = variables.each_ref().map(Var::as_tensor);
    assert_told(cat(&[first, second], 0), "shape mismatch");
    assert_told(cat::<Tensor, _>(&[], 0), "at least one tensor");
}

#[test]
fn gradients_are_added_variable_by_variable() {
    let v = layers();
    let of = |factor: f64, shared: &Var, own: &Var| {
        let mut gradients = Tensor::zeros((), DType::F64, shared.device())?.backward()?;
        gradients.insert(shared, (shared.ones_like()? * factor)?);
        gradients.insert(own, (own.ones_like()? * factor)?);
        Ok::<_, candle_core::Error>(gradients)
    };
    let mut gradients = of(1.0, &v[0], &v[1]).unwrap();
    add_gradients(&mut gradients, of(2.0, &v[0], &v[2]).unwrap()).unwrap();
    for (variable, expected) in [(&v[0], 3.0), (&v[1], 1.0), (&v[2], 2.0)] {
        let found = values(gradients.get(variable).unwrap());
        assert!(!found.is_empty() && found.iter().all(|&value| value == expected));
    }
    // Of other floats, which no kernel of this crate takes, candle adds them.
    let half = Var::ones(2, DType::BF16, v[0].device()).unwrap();
    let mut gradients_of_half = of(1.0, &half, &v[1]).unwrap();
    add_gradients(&mut gradients_of_half, of(2.0, &half, &v[1]).unwrap()).unwrap();
    assert_eq!(values(gradients_of_half.get(&half).unwrap()), [3.0; 2]);
    let mut other = of(1.0, &v[3], &v[4]).unwrap();
    other.insert(&v[0], tensor(&[2], DType::F64, 1));
    assert_told(add_gradients(&mut gradients, other), "shape mismatch");
}

#[test]
fn a_result_that_is_used_twice_has_both_gradients() {
    with_gradients(&layers(), |v| {
        let hidden = linear_relu(&v[0], &v[1], Some(v[2].as_tensor()))?;
        let once = linear(&hidden, &v[3], Some(v[4].as_tensor()))?;
        let again = softmax(&linear(&hidden, &v[3], Some(v[4].as_tensor()))?)?;
        once * again
    });
}

#[test]
fn a_variable_has_the_gradients_of_both_ways() {
    with_gradients(&layers(), |v| {
        let hidden = linear_relu(&v[0], &v[1], Some(v[2].as_tensor()))?;
        linear(&hidden, &v[3], Some(v[4].as_tensor()))?
            + linear(&hidden.sqr()?, &v[3], Some(v[4].as_tensor()))?
    });
}

#[test]
fn what_is_detached_has_no_gradient() {
    let v = layers();
    let forward = || {
        let hidden = linear_relu(&v[0], &v[1], Some(v[2].as_tensor()))?;
        linear(&hidden.detach(), &v[3], Some(v[4].as_tensor()))
    };
    let (result, tape) = Tape::record(forward).unwrap();
    let gradients = tape.backward(&result, &result.ones_like().unwrap()).unwrap();
    let has: Vec<bool> = v.iter().map(|variable| gradients.get(variable).is_some()).collect();
    assert_eq!(has, [false, false, false, true, true]);
}

#[test]
fn padded_images_and_masks_are_gone_through() {
    let variables = [
        variable(&[2, 4, 4, 1], DType::F64, 1),
        variable(&[3, 1, 3, 3], DType::F64, 2),
        variable(&[3], DType::F64, 3),
        variable(&[2, 3, 3, 3], DType::F64, 4),
        variable(&[2], DType::F64, 5),
    ];
    let mask = tensor(&[2, 4, 4, 3], DType::F64, 6).ge(0.0).unwrap();
    let config = Conv2dConfig { padding: 1, ..Default::default() };
    with_gradients(&variables, |v| {
        let images = channels_last::conv2d_relu_nhwc(&v[0], &v[1], Some(v[2].as_tensor()), config)?;
        let images = dropout(&images, &mask, 0.5)?;
        channels_last::conv2d_relu_max_pool_nhwc(&images, &v[3], Some(v[4].as_tensor()), config)
    });
}

#[test]
fn a_recording_within_another_is_its_own() {
    let v = layers();
    let (results, outer) = Tape::record(|| {
        let hidden = linear_relu(&v[0], &v[1], Some(v[2].as_tensor()))?;
        let (inner, tape) =
            Tape::record(|| linear(&hidden.detach(), &v[3], Some(v[4].as_tensor())))?;
        assert!(Tape::record(|| hidden.narrow(0, 9, 9)).is_err());
        Ok((softmax(&hidden)?, inner, tape))
    })
    .unwrap();
    let (softmax, result, inner) = results;
    let found = inner.backward(&result, &result.ones_like().unwrap()).unwrap();
    assert!(found.get(&v[3]).is_some() && found.get(&v[1]).is_none());
    let found = outer.backward(&softmax, &softmax.ones_like().unwrap()).unwrap();
    assert!(found.get(&v[1]).is_some() && found.get(&v[3]).is_none());
}

#[test]
fn what_nothing_recorded_candle_goes_back_through() {
    let v = layers();
    let result = linear(&v[0], &v[1], Some(v[2].as_tensor())).unwrap();
    let expected = weighted_sum(&result).unwrap().backward().unwrap();
    let given = Var::from_tensor(&result).unwrap();
    let seed = weighted_sum(&given).unwrap().backward().unwrap();
    let found = Tape::default().backward(&result, seed.get(&given).unwrap()).unwrap();
    for variable in &v[..3] {
        let [found, expected] = [&found, &expected].map(|all| values(all.get(variable).unwrap()));
        assert_eq!(found, expected);
    }
}

#[test]
fn a_gradient_that_does_not_fit_is_told() {
    let v = layers();
    let (result, tape) = Tape::record(|| linear(&v[0], &v[1], Some(v[2].as_tensor()))).unwrap();
    let told = "a gradient of shape [2] and dtype F64 for a result of [3, 5] and F64";
    assert_told(tape.backward(&result, &tensor(&[2], DType::F64, 1)), told);
    // As many values in another shape are no gradient of it either.
    assert_told(tape.backward(&result, &tensor(&[5, 3], DType::F64, 1)), "of shape [5, 3]");
    let told = "a gradient of shape [3, 5] and dtype F32 for a result of [3, 5] and F64";
    assert_told(tape.backward(&result, &tensor(&[3, 5], DType::F32, 1)), told);
}

/// No gradient would reach anything: that is told, not passed over.
#[test]
fn a_result_of_no_variable_is_told() {
    let v = layers();
    let constants = v.each_ref().map(Var::as_detached_tensor);
    let forward = || linear(&constants[0], &constants[1], Some(&constants[2]));
    let (result, tape) = Tape::record(forward).unwrap();
    let gradient = result.ones_like().unwrap();
    let told = "Tape: the result of shape [3, 5] was computed from no variable";
    assert_told(tape.backward(&result, &gradient), told);
    let (result, tape) = Tape::record(|| linear(&v[0], &v[1], Some(v[2].as_tensor()))).unwrap();
    assert_told(tape.backward(&result.detach(), &gradient), told);
}

/// Another tape's result, and a variable itself.
#[test]
fn what_another_tape_recorded_is_gone_through_too() {
    let v = layers();
    let (hidden, first) =
        Tape::record(|| linear_relu(&v[0], &v[1], Some(v[2].as_tensor()))).unwrap();
    let (result, second) = Tape::record(|| linear(&hidden, &v[3], Some(v[4].as_tensor()))).unwrap();
    let gradient = result.ones_like().unwrap();
    let expected = result.sum_all().unwrap().backward().unwrap();
    for tape in [&first, &second, &Tape::default()] {
        let found = tape.backward(&result, &gradient).unwrap();
        for variable in &v {
            let [found, expected] =
                [&found, &expected].map(|all| values(all.get(variable).unwrap()));
            assert_eq!(found, expected);
        }
    }
    let own = second.backward(&v[3], &v[3].ones_like().unwrap()).unwrap();
    assert_eq!(values(own.get(&v[3]).unwrap()), [1.0; 20]);
}

//! candle's backward pass through the ops: what it copies, and who goes back at once or again.

mod support;

use std::thread;

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, Var, bail};
use pairnet_ops::nn::{
    AvgPool2d, BatchNorm, Conv2dConfig, Dropout, Linear, MaxPool2d, Module, VarBuilder, VarMap,
    batch_norm, conv2d, linear, loss,
};
use pairnet_ops::{Optimizer, Sgd, SgdSettings, Tape, add_relu, backward, flatten, relu};
use rayon::prelude::*;
use support::{assert_told, composed, device, tensor, values, variable, weighted_sum};

/// A residual network of layers, from 2 images to a loss.
fn layers(images: &Tensor, variables: &VarMap) -> Result<Tensor> {
    let vb = VarBuilder::from_varmap(variables, images.dtype(), images.device());
    let padded = Conv2dConfig { padding: 1, ..Default::default() };
    let normalised = |images: &Tensor, channels: usize, name: &str| {
        let convolution = conv2d(channels, 8, 3, padded, vb.pp(name))?;
        let norm: BatchNorm = batch_norm(8, 1e-5, vb.pp(name).pp("norm"))?;
        norm.forward_train(&convolution.forward(images)?)
    };
    let first = relu(&normalised(images, 3, "first")?)?.apply(&MaxPool2d::new(2))?;
    let second = add_relu(&normalised(&first, 8, "second")?, &first)?;
    let second = Dropout::seeded(0.1, 1).forward(&second, true)?;
    let rows = flatten(&second.apply(&AvgPool2d::new(2))?)?;
    let hidden: Linear = linear(8 * 2 * 2, 5, vb.pp("hidden"))?;
    let classes = linear(5, 4, vb.pp("classes"))?;
    let logits = relu(&rows.apply(&hidden)?)?.apply(&classes)?;
    loss::cross_entropy(&logits, &Tensor::new(&[1u32, 3], images.device())?)
}

/// candle makes zeros of each node's shape, and adds to them.
#[test]
fn what_candle_copies_of_layers_are_scalars() {
    if composed() || !device().is_cpu() {
        return;
    }
    let loss = layers(&tensor(&[2, 3, 8, 8], DType::F32, 1), &VarMap::new()).unwrap();
    let nodes = loss.sorted_nodes();
    assert!(nodes.len() > 20);
    for node in nodes {
        assert!(node.is_variable() || node.elem_count() == 1, "{:?} is copied", node.shape());
    }
}

/// Σ tanh(x) · weights, by candle alone from x on, where x is relu of a linear layer.
fn through_candle(hidden: &Tensor) -> Result<Tensor> {
    weighted_sum(&hidden.tanh()?)
}

/// The variables of a linear layer, 6 → 5, and its input of 3 rows.
fn three() -> [Var; 3] {
    [
        variable(&[3, 6], DType::F64, 1),
        variable(&[5, 6], DType::F64, 2),
        variable(&[5], DType::F64, 3),
    ]
}

fn hidden(v: &[Var; 3]) -> Result<Tensor> {
    pairnet_ops::linear_relu(&v[0], &v[1], Some(v[2].as_tensor()))
}

fn assert_same(found: &GradStore, expected: &GradStore, variables: &[Var]) {
    for variable in variables {
        let [found, expected] = [found, expected].map(|all| values(all.get(variable).unwrap()));
        assert_eq!(found, expected);
    }
}

#[test]
fn losses_of_one_result_and_one_loss_twice_have_their_own_gradients() {
    let v = three();
    let shared = hidden(&v).unwrap();
    let one = weighted_sum(&relu(&shared).unwrap()).unwrap();
    let other = through_candle(&shared).unwrap();
    let fresh = || hidden(&v).unwrap();
    let of_one = weighted_sum(&relu(&fresh()).unwrap()).unwrap().backward().unwrap();
    let of_other = through_candle(&fresh()).unwrap().backward().unwrap();
    for _ in 0..2 {
        assert_same(&one.backward().unwrap(), &of_one, &v);
        assert_same(&other.backward().unwrap(), &of_other, &v);
        assert_same(&backward(&one).unwrap(), &of_one, &v);
    }
}

/// An op that can't be gone back through.
struct NoWayBack;

impl CustomOp1 for NoWayBack {
    fn name(&self) -> &'static str {
        "no-way-back"
    }

    fn cpu_fwd(&self, values: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let CpuStorage::F64(values) = values else { bail!("F64 is needed") };
        Ok((CpuStorage::F64(values.clone()), layout.shape().clone()))
    }
}

/// The identity, whose way back first does something else.
struct Before<F>(F);

impl<F: Fn(&Tensor) -> Result<()>> CustomOp1 for Before<F> {
    fn name(&self) -> &'static str {
        "before"
    }

    fn cpu_fwd(&self, values: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        NoWayBack.cpu_fwd(values, layout)
    }

    fn bwd(&self, values: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        (self.0)(values)?;
        Ok(Some(gradient.clone()))
    }
}

/// As an op does that computes again what it has not kept: a network of its own, by any of the ways back.
#[test]
fn an_op_may_go_back_through_another_graph() {
    if !device().is_cpu() {
        return;
    }
    let v = three();
    let expected = weighted_sum(&relu(&hidden(&v).unwrap()).unwrap()).unwrap().backward().unwrap();
    for way in 0..3 {
        let again = move |values: &Tensor| {
            let own = Var::from_tensor(&values.detach())?;
            let again = || relu(&relu(&own)?);
            let gradients = match way {
                0 => weighted_sum(&again()?)?.backward()?,
                1 => backward(&weighted_sum(&again()?)?)?,
                _ => {
                    let (result, tape) = Tape::record(again)?;
                    tape.backward(&result.sqr()?, &result.ones_like()?)?
                }
            };
            match gradients.get(&own) {
                Some(_) => Ok(()),
                None => bail!("its own variable has no gradient"),
            }
        };
        let shared = hidden(&v).unwrap().apply_op1(Before(again)).unwrap();
        let loss = weighted_sum(&relu(&shared).unwrap()).unwrap();
        assert_same(&loss.backward().unwrap(), &expected, &v);
        assert_same(&backward(&loss).unwrap(), &expected, &v);
    }
}

/// What the other pass takes is not this one's; where it can't be told whose it is, that is an error.
#[test]
fn an_op_may_go_back_through_the_same_graph() {
    if !device().is_cpu() {
        return;
    }
    let v = three();
    let shared = hidden(&v).unwrap();
    let through = |shared: &Tensor| weighted_sum(&relu(shared)?);
    let both = || through(&hidden(&v)?)? * 2.0;
    let expected = both().unwrap().backward().unwrap();
    for own in [false, true] {
        let inner = through(&shared).unwrap();
        let again = move |_: &Tensor| match own {
            true => backward(&inner).map(drop),
            false => inner.backward().map(drop),
        };
        let other = through(&shared.apply_op1(Before(again)).unwrap()).unwrap();
        let one = through(&shared).unwrap();
        for loss in [(&one + &other).unwrap(), (&other + &one).unwrap()] {
            assert_same(&loss.backward().unwrap(), &expected, &v);
            match own || composed() {
                true => assert_same(&backward(&loss).unwrap(), &expected, &v),
                false => assert_told(backward(&loss), "another pass within it"),
            }
        }
    }
}

/// A thread that waits for a kernel takes up other passes, through the same result.
#[test]
fn losses_of_one_result_may_be_gone_back_from_in_parallel() {
    let trunk = [variable(&[64, 96], DType::F64, 1), variable(&[128, 96], DType::F64, 2)];
    let heads: Vec<Var> = (0..4).map(|seed| variable(&[128, 128], DType::F64, seed)).collect();
    let variables = [&trunk[..], &heads].concat();
    let shared = pairnet_ops::linear(&trunk[0], &trunk[1], None).unwrap();
    let loss = |_| {
        let of = |head: &Var| weighted_sum(&pairnet_ops::linear(&shared, head, None)?);
        heads.iter().map(of).reduce(|one, other| one? + other?).unwrap().unwrap()
    };
    let losses: Vec<Tensor> = (0..8).map(loss).collect();
    let expected = losses[0].backward().unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    for own in [false, true] {
        let way = |loss: &Tensor| if own { backward(loss) } else { loss.backward() };
        let all: Vec<_> = pool.install(|| losses.par_iter().map(way).collect());
        for found in all {
            assert_same(&found.unwrap(), &expected, &variables);
        }
    }
}

/// Gradients that a failed pass left behind are in no other one.
#[test]
fn a_pass_that_failed_leaves_no_trace() {
    if !device().is_cpu() {
        return;
    }
    let v = three();
    let shared = hidden(&v).unwrap();
    let one = weighted_sum(&relu(&shared).unwrap()).unwrap();
    let failing = weighted_sum(&shared.apply_op1(NoWayBack).unwrap()).unwrap();
    let expected = one.backward().unwrap();
    // Whichever of the two candle goes back through first, the other one's gradient may be waiting.
    for both in [(&one + &failing).unwrap(), (&failing + &one).unwrap()] {
        assert_told(both.backward(), "backward is not supported");
        assert_told(backward(&both), "backward is not supported");
        assert_same(&one.backward().unwrap(), &expected, &v);
        assert_same(&backward(&one).unwrap(), &expected, &v);
    }
}

#[test]
fn threads_go_back_through_one_graph_at_once() {
    let v = three();
    let shared = hidden(&v).unwrap();
    let one = weighted_sum(&relu(&shared).unwrap()).unwrap();
    let other = (through_candle(&shared).unwrap() + &one).unwrap();
    let expected = [&one, &other].map(|loss| loss.backward().unwrap());
    thread::scope(|scope| {
        for index in 0..4 {
            let (loss, expected) = ([&one, &other][index % 2], &expected[index % 2]);
            let v = &v;
            scope.spawn(move || {
                for _ in 0..100 {
                    assert_same(&loss.backward().unwrap(), expected, v);
                    assert_same(&backward(loss).unwrap(), expected, v);
                }
            });
        }
    });
}

/// A result may go to another thread, or come from one that has ended.
#[test]
fn what_another_thread_made_is_gone_through() {
    let v = three();
    let expected = weighted_sum(&relu(&hidden(&v).unwrap()).unwrap()).unwrap().backward().unwrap();
    let shared = thread::scope(|scope| scope.spawn(|| hidden(&v)).join().unwrap()).unwrap();
    let loss = weighted_sum(&relu(&shared).unwrap()).unwrap();
    assert_same(&loss.backward().unwrap(), &expected, &v);
}

/// What is dropped leaves its place in memory to others, which nothing stands for.
#[test]
fn tensors_that_lie_where_others_did_have_their_own_gradients() {
    let v = three();
    for turn in 0..200 {
        let result = hidden(&v).unwrap();
        drop(result);
        // candle's own, of the same size.
        let own = v[0].narrow(1, 0, 5).unwrap().contiguous().unwrap().sqr().unwrap();
        let loss = weighted_sum(&relu(&own).unwrap()).unwrap();
        let gradients = loss.backward().unwrap();
        assert!(gradients.get(&v[0]).is_some() && gradients.get(&v[1]).is_none(), "turn {turn}");
    }
}

#[test]
fn a_detached_result_is_the_end_and_a_variable_of_it_a_beginning() {
    let v = three();
    let result = hidden(&v).unwrap();
    assert!(!relu(&result.detach()).unwrap().track_op());
    let variable = Var::from_tensor(&result).unwrap();
    let gradients = backward(&weighted_sum(&relu(&variable).unwrap()).unwrap()).unwrap();
    assert!(gradients.get(&variable).is_some() && gradients.get(&v[0]).is_none());
}

/// Thousands of ops one after another, as in a recurrent network, on a thread of 2 MiB.
#[test]
fn long_chains_are_gone_through_and_dropped() {
    let v = variable(&[2], DType::F32, 1);
    thread::scope(|scope| {
        let chain = || {
            let step = |values: Tensor, _| add_relu(&values, &relu(&values)?.tanh()?);
            let end = (0..500).try_fold(v.as_tensor().clone(), step).unwrap();
            assert!(end.sum_all().unwrap().backward().unwrap().get(&v).is_some());
        };
        scope.spawn(chain).join().unwrap();
    });
}

#[test]
fn optimisers_go_back_and_step() {
    let [one, other] = [1, 1].map(|seed| variable(&[3, 4], DType::F32, seed));
    let settings = SgdSettings { momentum: 0.9, ..SgdSettings::pytorch(0.1) };
    let stepped = |variable: &Var, own: bool| {
        let mut sgd = Sgd::new(vec![variable.clone()], settings).unwrap();
        for _ in 0..3 {
            let loss = weighted_sum(&relu(variable).unwrap()).unwrap();
            match own {
                true => sgd.backward_step(&loss).unwrap(),
                false => sgd.step(&loss.backward().unwrap()).unwrap(),
            }
        }
        values(variable)
    };
    let before = values(&one);
    let expected = stepped(&one, false);
    assert_ne!(before, expected);
    assert_eq!(stepped(&other, true), expected);
}

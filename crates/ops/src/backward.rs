//! candle's backward pass, from which the gradients of variables come as they were written.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::thread::{self, ThreadId};

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, TensorId, bail};

use crate::tape::{add_gradients, sum};

thread_local! {
    /// Passes of [`backward`] on this thread, each within the one before it.
    static PASSES: RefCell<Vec<Pass>> = const { RefCell::new(Vec::new()) };
    /// Ops of this crate that this thread goes back through, each within the one before it.
    static FRAMES: Cell<usize> = const { Cell::new(0) };
}

struct Pass {
    level: Level,
    /// The nodes of its graph, and whether it has been there.
    nodes: HashMap<TensorId, bool>,
    gradients: GradStore,
}

/// As `loss.backward()`, without the copies that candle makes of the gradients of variables.
///
/// candle's backward pass adds each variable's gradient to a tensor of zeros, which tells where a network is large and
/// a batch small. The optimisers of this crate go back by this function in
/// [`backward_step`](crate::Optimizer::backward_step).
///
/// ```
/// use candle_core::{DType, Device, Tensor, Var};
/// use pairnet_ops::{backward, cross_entropy, linear};
///
/// # fn main() -> candle_core::Result<()> {
/// let device = Device::Cpu;
/// let input = Tensor::ones((2, 3), DType::F32, &device)?;
/// let weight = Var::zeros((2, 3), DType::F32, &device)?;
/// let loss = cross_entropy(&linear(&input, &weight, None)?, &Tensor::new(&[0u32, 0], &device)?)?;
/// let gradients = backward(&loss)?;
/// assert_eq!(gradients.get(&weight).unwrap().to_vec2::<f32>()?, [[-0.5; 3], [0.5; 3]]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`Tensor::backward`]; and where an op of the caller's own calls `backward` of candle, in its backward pass, on
/// what `loss` was computed from: whose gradients are whose can't be told there.
pub fn backward(loss: &Tensor) -> Result<GradStore> {
    let nodes = loss.sorted_nodes().into_iter().map(|node| (node.id(), false)).collect();
    let level = Level::of_ops();
    let passes = PASSES.with_borrow_mut(|passes| {
        passes.push(Pass { level, nodes, gradients: GradStore::default() });
        passes.len()
    });
    let within = Within(passes);
    let by_candle = loss.backward()?;
    let pass = PASSES.with_borrow_mut(Vec::pop);
    drop(within);
    let mut gradients = pass.map(|pass| pass.gradients).unwrap_or_default();
    add_gradients(&mut gradients, by_candle)?;
    Ok(gradients)
}

/// Ends a pass that fails or panics.
struct Within(usize);

impl Drop for Within {
    fn drop(&mut self) {
        PASSES.with_borrow_mut(|passes| passes.truncate(self.0 - 1));
    }
}

/// One op of this crate that is gone back through.
pub(crate) struct Frame {
    /// Where on this thread.
    pub(crate) level: Level,
    /// Whether [`backward`] does so.
    collects: bool,
}

/// A thread, and how many ops it goes back through within each other: while a kernel waits, its thread may take up
/// another pass.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Level {
    thread: ThreadId,
    frames: usize,
}

impl Level {
    /// That of the ops which this pass comes to.
    pub(crate) fn of_ops() -> Self {
        Self { thread: thread::current().id(), frames: FRAMES.get() + 1 }
    }
}

impl Frame {
    /// Of the op that made this node.
    pub(crate) fn of(node: TensorId) -> Result<Self> {
        let level = Level::of_ops();
        let collects = PASSES.with_borrow_mut(|passes| {
            // What else this thread does meanwhile is no part of the pass: another one within a kernel, and another
            // graph.
            let pass = passes.last_mut().filter(|pass| pass.level == level);
            let Some(been_there) = pass.and_then(|pass| pass.nodes.get_mut(&node)) else {
                return Ok(false);
            };
            if *been_there {
                bail!("backward: another pass within it goes through the same graph");
            }
            *been_there = true;
            Ok(true)
        })?;
        FRAMES.set(level.frames);
        Ok(Self { level, collects })
    }

    /// Keeps the gradient of a variable where [`backward`] runs; else it is candle's to add up.
    pub(crate) fn collect(&self, argument: &Tensor, gradient: Tensor) -> Result<Option<Tensor>> {
        if !self.collects || !argument.is_variable() {
            return Ok(Some(gradient));
        }
        let before = of_pass(|gradients| gradients.remove(argument)).flatten();
        // Nothing is borrowed here: a kernel may take up another pass meanwhile.
        let gradient = match before {
            Some(other) => sum(&other, &gradient)?,
            None => gradient,
        };
        of_pass(|gradients| gradients.insert(argument, gradient));
        Ok(None)
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        FRAMES.set(self.level.frames - 1);
    }
}

/// Does something with the gradients of the innermost pass.
fn of_pass<R>(f: impl FnOnce(&mut GradStore) -> R) -> Option<R> {
    PASSES.with_borrow_mut(|passes| passes.last_mut().map(|pass| f(&mut pass.gradients)))
}

//! A way back through the ops of this crate that writes each gradient once.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Storage, Tensor, bail};

use crate::element::{has_kernels, values, with_float};
use crate::graph::Backward;
use crate::kernels::elementwise::sums;

/// The ops of this crate that ran on one thread while it was recorded.
///
/// It goes back from any result, given its gradient, where candle's backward pass begins with a loss, and hands each
/// gradient on as it was written. [`backward`](crate::backward()) does that, too; a tape goes back without candle's
/// graph, which saves some microseconds a step. Where it comes to
/// something that candle's own ops have computed, candle goes on from there to the variables: the
/// gradients are those of `loss.backward()` whatever stands between. A reshaped tensor stays on the tape. On other
/// devices than the CPU nothing is recorded, and candle does all.
///
/// Where candle goes back through what was recorded, it copies every gradient: record what a tape goes back from, and
/// nothing else.
///
/// ```
/// use candle_core::{DType, Device, Tensor, Var};
/// use pairnet_ops::{Tape, linear, linear_relu};
///
/// # fn main() -> candle_core::Result<()> {
/// let device = Device::Cpu;
/// let input = Tensor::ones((4, 3), DType::F32, &device)?;
/// let (weight, bias) = (Var::ones((2, 3), DType::F32, &device)?, Var::ones(2, DType::F32, &device)?);
///
/// let (result, tape) = Tape::record(|| linear_relu(&input, &weight, Some(bias.as_tensor())))?;
/// let gradients = tape.backward(&result, &result.ones_like()?)?;
/// assert_eq!(gradients.get(&weight).unwrap().to_vec2::<f32>()?, [[4.0; 3]; 2]);
/// assert_eq!(gradients.get(&bias).unwrap().to_vec1::<f32>()?, [4.0; 2]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Tape {
    nodes: Vec<Node>,
}

thread_local! {
    static RECORDED: RefCell<Option<Vec<Node>>> = const { RefCell::new(None) };
}

impl Tape {
    /// What `f` returns, and the ops that it ran on this thread.
    ///
    /// # Errors
    ///
    /// Those of `f`.
    pub fn record<R>(f: impl FnOnce() -> Result<R>) -> Result<(R, Self)> {
        // A thread that waits for another may record something else meanwhile.
        let before = RestoreRecording(RECORDED.replace(Some(Vec::new())));
        let result = f()?;
        let nodes = RECORDED.take().unwrap_or_default();
        drop(before);
        Ok((result, Self { nodes }))
    }

    /// The gradients of the variables that `result` was computed from, given the one of `result`.
    ///
    /// `result` is what was recorded, or was computed from it, or from variables without this tape: it
    /// is gone back from in any case.
    ///
    /// # Errors
    ///
    /// Where `gradient` has another shape, dtype or device than `result`, `result` was computed from no
    /// variable, or an op has no backward pass.
    pub fn backward(&self, result: &Tensor, gradient: &Tensor) -> Result<GradStore> {
        if gradient.shape() != result.shape() || gradient.dtype() != result.dtype() {
            bail!(
                "Tape: a gradient of shape {:?} and dtype {:?} for a result of {:?} and {:?}",
                gradient.shape(),
                gradient.dtype(),
                result.shape(),
                result.dtype()
            );
        }
        if !gradient.device().same_device(result.device()) {
            bail!("Tape: the gradient is on another device than the result");
        }
        if !result.track_op() {
            bail!("Tape: the result of shape {:?} was computed from no variable", result.shape());
        }
        let mut pass = BackwardPass {
            recorded: self.nodes.iter().filter_map(|node| memory(&node.result)).collect(),
            of_results: HashMap::new(),
            of_variables: GradStore::default(),
        };
        pass.take(result, gradient.detach())?;
        for node in self.nodes.iter().rev() {
            let gradient = memory(&node.result).and_then(|key| pass.of_results.remove(&key));
            let Some(gradient) = gradient else { continue };
            let gradient = gradient.reshape(node.result.shape())?;
            let arguments: Vec<&Tensor> = node.arguments.iter().collect();
            let gradients = node.op.backward(&arguments, &node.result, &gradient)?;
            for (argument, gradient) in node.arguments.iter().zip(gradients) {
                if let Some(gradient) = gradient {
                    pass.take(argument, gradient)?;
                }
            }
        }
        Ok(pass.of_variables)
    }
}

/// What the thread recorded before; it goes on with that, also where the recorded function panics.
struct RestoreRecording(Option<Vec<Node>>);

impl Drop for RestoreRecording {
    fn drop(&mut self) {
        RECORDED.set(self.0.take());
    }
}

/// Gradients on their way back.
struct BackwardPass {
    /// Where the recorded results lie.
    recorded: HashSet<usize>,
    of_results: HashMap<usize, Tensor>,
    of_variables: GradStore,
}

impl BackwardPass {
    /// Brings a gradient to whatever made `tensor`.
    fn take(&mut self, tensor: &Tensor, gradient: Tensor) -> Result<()> {
        if !tensor.track_op() {
            return Ok(());
        }
        let key = memory(tensor).filter(|key| self.recorded.contains(key));
        if tensor.is_variable() {
            let sum = match self.of_variables.remove(tensor) {
                Some(other) => sum(&other, &gradient)?,
                None => gradient,
            };
            self.of_variables.insert(tensor, sum);
        } else if let Some(key) = key {
            let sum = match self.of_results.remove(&key) {
                Some(other) => sum(&other, &gradient.reshape(other.shape())?)?,
                None => gradient,
            };
            self.of_results.insert(key, sum);
        } else {
            add_gradients(&mut self.of_variables, through_candle(tensor, gradient)?)?;
        }
        Ok(())
    }
}

/// Adds others to these gradients, variable by variable.
///
/// # Errors
///
/// Where two gradients of a variable differ in shape, dtype or device.
pub fn add_gradients(gradients: &mut GradStore, others: GradStore) -> Result<()> {
    for &id in others.get_ids() {
        let Some(other) = others.get_id(id) else { continue };
        let sum = match gradients.get_id(id) {
            Some(own) => sum(own, other)?,
            None => other.clone(),
        };
        gradients.insert_id(id, sum);
    }
    Ok(())
}

/// Of two gradients. candle's own addition shares threads with the whole program, and waits for them.
pub(crate) fn sum(one: &Tensor, other: &Tensor) -> Result<Tensor> {
    let alike = one.shape() == other.shape() && one.dtype() == other.dtype();
    let ours = matches!(one.dtype(), DType::F32 | DType::F64)
        && [one, other]
            .iter()
            .all(|gradient| gradient.device().is_cpu() && gradient.is_contiguous());
    if alike && ours {
        let guards = (one.storage_and_layout(), other.storage_and_layout());
        return with_float!("Tape", one.dtype(), T => {
            let (one_values, other_values) = (values::<T, _>(&guards.0)?, values::<T, _>(&guards.1)?);
            Tensor::from_vec(sums(one_values, other_values), one.shape(), one.device())
        });
    }
    one + other
}

/// Where the values of a tensor lie; a reshaped one is at the same place. `None` for a part of what
/// lies there, or another order.
pub(crate) fn memory(tensor: &Tensor) -> Option<usize> {
    let (storage, layout) = tensor.storage_and_layout();
    let storage: &Storage = &storage;
    let Storage::Cpu(values) = storage else { return None };
    let length = match values {
        CpuStorage::F32(values) => values.len(),
        CpuStorage::F64(values) => values.len(),
        _ => return None,
    };
    let whole = layout.contiguous_offsets() == Some((0, length));
    whole.then(|| std::ptr::from_ref(storage).addr())
}

/// candle's own way back from `tensor`.
fn through_candle(tensor: &Tensor, gradient: Tensor) -> Result<GradStore> {
    let scalar = if has_kernels(tensor.device()) {
        tensor.contiguous()?.apply_op1(Seed { gradient })?
    } else {
        (tensor * gradient)?.sum_all()?
    };
    scalar.backward()
}

/// Σ x · gradient, for its gradient alone: candle's backward pass begins with a scalar.
struct Seed {
    gradient: Tensor,
}

impl CustomOp1 for Seed {
    fn name(&self) -> &'static str {
        "seed"
    }

    fn cpu_fwd(&self, _values: &CpuStorage, _layout: &Layout) -> Result<(CpuStorage, Shape)> {
        // Nobody reads it, so it need not be added up.
        let sum = match self.gradient.dtype() {
            DType::F32 => CpuStorage::F32(vec![0.0]),
            DType::F64 => CpuStorage::F64(vec![0.0]),
            other => bail!("seed: dtype {other:?} is not supported, only F32 and F64"),
        };
        Ok((sum, Shape::from(())))
    }

    fn bwd(&self, _values: &Tensor, _sum: &Tensor, _one: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(self.gradient.clone()))
    }
}

/// One op that ran.
struct Node {
    op: Box<dyn Backward>,
    arguments: Vec<Tensor>,
    result: Tensor,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} → {:?}", self.op.name(), self.result.shape())
    }
}

/// Whether a tape records what this thread does.
pub(crate) fn is_recorded() -> bool {
    RECORDED.with_borrow(Option::is_some)
}

/// Writes an op down where this thread is recorded and the op has a way back.
pub(crate) fn note(op: impl FnOnce() -> Box<dyn Backward>, arguments: &[&Tensor], result: &Tensor) {
    if !result.track_op() {
        return;
    }
    RECORDED.with_borrow_mut(|recorded| {
        if let Some(nodes) = recorded {
            let arguments = arguments.iter().map(|&argument| argument.clone()).collect();
            nodes.push(Node { op: op(), arguments, result: result.clone() });
        }
    });
}

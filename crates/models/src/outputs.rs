//! What a network says, and the way back from it to the gradients.

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Result, Shape, Tensor, Var, bail};

/// What a network says of a batch of n pairs.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// The logit of first ≤ second, (n).
    pub logits: Tensor,
    /// The digit logits, (2, n, 10), first digits before second ones; `None` for a network without
    /// them.
    pub digit_logits: Option<Tensor>,
    /// Where branches end and the comparator begins: one a digit in a training pass.
    pub(crate) seams: Vec<Seam>,
}

impl Outputs {
    /// The gradient of `loss`, a scalar made from these outputs, for every parameter.
    ///
    /// After a training pass this takes the place of `loss.backward()`, which knows the comparator
    /// alone: each digit's branch is a graph of its own, so that the two are gone back through side
    /// by side. What comes out does not depend on how many threads there are.
    ///
    /// # Errors
    ///
    /// Where the device has no memory left.
    pub fn backward(&self, loss: &Tensor) -> Result<GradStore> {
        let mut gradients = loss.backward()?;
        if let [first, second] = &self.seams[..] {
            let (first, second) = side_by_side(
                loss.device(),
                || first.backward(&gradients),
                || second.backward(&gradients),
            )?;
            for branch in [first, second].into_iter().flatten() {
                gradients.extend(branch)?; // adds up where both digits have the same weights
            }
        }
        Ok(gradients)
    }

    /// The same values, without what they were computed from.
    pub fn detach(&self) -> Self {
        Self {
            logits: self.logits.detach(),
            digit_logits: self.digit_logits.as_ref().map(Tensor::detach),
            seams: Vec::new(),
        }
    }
}

/// Where the graph of one digit's branch ends and another begins.
#[derive(Clone, Debug)]
pub(crate) struct Seam {
    end: Tensor,
    start: Var,
}

impl Seam {
    pub(crate) fn after(end: &Tensor) -> Result<Self> {
        Ok(Self { end: end.clone(), start: Var::from_tensor(end)? })
    }

    /// The values of the branch, which what comes after it begins with.
    pub(crate) fn start(&self) -> Tensor {
        self.start.as_tensor().clone()
    }

    /// The branch's share of the gradients, given what `after` has for its values; `None` where the
    /// loss does not depend on them.
    fn backward(&self, after: &GradStore) -> Result<Option<GradStore>> {
        let Some(gradient) = after.get(&self.start) else { return Ok(None) };
        let gradient = gradient.detach();
        let scalar = if self.end.device().is_cpu() {
            self.end.contiguous()?.apply_op1(Seed { gradient })?
        } else {
            (&self.end * gradient)?.sum_all()?
        };
        scalar.backward().map(Some)
    }
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

/// Both results, on two threads where the device is the CPU and the rayon pool has them.
pub(crate) fn side_by_side<T: Send>(
    device: &Device,
    first: impl FnOnce() -> Result<T> + Send,
    second: impl FnOnce() -> Result<T> + Send,
) -> Result<(T, T)> {
    if !device.is_cpu() {
        return Ok((first()?, second()?));
    }
    let (first, second) = rayon::join(first, second);
    Ok((first?, second?))
}

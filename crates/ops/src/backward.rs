//! candle's backward pass, from which the gradients of variables come as they were written.

use std::cell::RefCell;

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor};

use crate::tape::{add_gradients, sum};

thread_local! {
    static COLLECTED: RefCell<Option<GradStore>> = const { RefCell::new(None) };
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
/// As [`Tensor::backward`].
pub fn backward(loss: &Tensor) -> Result<GradStore> {
    let before = RestoreCollected(COLLECTED.replace(Some(GradStore::default())));
    let by_candle = loss.backward()?;
    let mut gradients = COLLECTED.take().unwrap_or_default();
    drop(before);
    add_gradients(&mut gradients, by_candle)?;
    Ok(gradients)
}

/// What the thread collected before; it goes on with that, also where a backward pass fails.
struct RestoreCollected(Option<GradStore>);

impl Drop for RestoreCollected {
    fn drop(&mut self) {
        COLLECTED.set(self.0.take());
    }
}

/// Keeps the gradient of a variable where [`backward`] runs; else it is candle's to add up.
pub(crate) fn collect(argument: &Tensor, gradient: Tensor) -> Result<Option<Tensor>> {
    if !argument.is_variable() {
        return Ok(Some(gradient));
    }
    COLLECTED.with_borrow_mut(|collected| {
        let Some(collected) = collected else { return Ok(Some(gradient)) };
        let gradient = match collected.remove(argument) {
            Some(other) => sum(&other, &gradient)?,
            None => gradient,
        };
        collected.insert(argument, gradient);
        Ok(None)
    })
}

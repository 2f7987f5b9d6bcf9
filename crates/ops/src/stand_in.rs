//! Scalars that stand for results in candle's graph, so that its backward pass copies no gradient of theirs.
//!
//! For each gradient candle makes a tensor of zeros with the shape of the argument, and adds to it; where the argument
//! is permuted, value by value. So where no tape records, an op of this crate is two nodes of the graph: a scalar made of
//! the arguments, and the result made of the scalar. Where an argument is such a result, its scalar is taken instead. A
//! gradient waits behind the scalar as it was written ([`Waiting`]); what candle adds up is which ones are waiting there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, Weak};

use candle_core::{CpuStorage, Result, Shape, Tensor, bail};

use crate::backward::{Frame, Level};
use crate::graph::{Backward, node};
use crate::tape::memory;
use crate::threads::locked;
use crate::waiting::{Consumer, Waiting};

/// The tensor of these values, whose gradients candle's backward pass does not copy on their way to the arguments.
pub(crate) fn stood_for(
    op: Box<dyn Backward>,
    arguments: &[&Tensor],
    values: (CpuStorage, Shape),
) -> Result<Tensor> {
    let stand_ins: Vec<_> = arguments.iter().map(|argument| StandIn::of(argument)).collect();
    let in_graph: Vec<&Tensor> = stand_ins
        .iter()
        .zip(arguments)
        .map(|(stand_in, &argument)| stand_in.as_ref().map_or(argument, |it| &it.scalar))
        .collect();
    let place = Arc::new(Place::default());
    let arguments = arguments.iter().map(|&argument| argument.clone()).collect();
    let made = Made { op, arguments, stand_ins: stand_ins.clone(), place: Arc::clone(&place) };
    let scalar = node(made, &in_graph, (CpuStorage::F64(vec![0.0]), Shape::from(())))?;
    let stand_in = Arc::new(StandIn { scalar, place: Arc::clone(&place) });
    let result = node(StoodFor(Arc::clone(&stand_in)), &[&stand_in.scalar], values)?;
    let kept = place.result.get_or_init(|| result.detach());
    if let Some(key) = memory(kept) {
        locked(&ALL).insert(key, Arc::downgrade(&stand_in));
    }
    Ok(result)
}

/// What stands for a result.
struct StandIn {
    scalar: Tensor,
    place: Arc<Place>,
}

/// By where their results lie.
static ALL: Mutex<BTreeMap<usize, Weak<StandIn>>> = Mutex::new(BTreeMap::new());

impl StandIn {
    /// What stands for this tensor, if it is a result of [`stood_for`] or a reshaped one.
    fn of(tensor: &Tensor) -> Option<Arc<Self>> {
        if !tensor.track_op() || tensor.is_variable() {
            return None;
        }
        let key = memory(tensor)?;
        locked(&ALL).get(&key).and_then(Weak::upgrade)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        if let Some(key) = self.place.result.get().and_then(memory) {
            locked(&ALL).remove(&key);
        }
    }
}

/// A result, and its gradients until all of them are there.
#[derive(Default)]
struct Place {
    /// Without its graph. As long as this lives, nothing else lies there in memory.
    result: OnceLock<Tensor>,
    gradients: Waiting,
    /// Whose gradients of the arguments wait at theirs.
    consumer: Consumer,
}

impl Place {
    fn result(&self) -> Result<&Tensor> {
        match self.result.get() {
            Some(result) => Ok(result),
            None => bail!("backward: an op has no result"),
        }
    }

    /// Lets a gradient wait, and returns what candle is told of it.
    fn take(&self, level: Level, consumer: &Consumer, gradient: &Tensor) -> Result<Tensor> {
        let gradient = gradient.reshape(self.result()?.shape())?;
        self.gradients.push(level, consumer, gradient)
    }
}

/// An op as the scalar is made by it.
struct Made {
    op: Box<dyn Backward>,
    arguments: Vec<Tensor>,
    stand_ins: Vec<Option<Arc<StandIn>>>,
    place: Arc<Place>,
}

impl Backward for Made {
    fn name(&self) -> &'static str {
        self.op.name()
    }

    fn backward(
        &self,
        _in_graph: &[&Tensor],
        scalar: &Tensor,
        told: &Tensor,
    ) -> Result<Vec<Option<Tensor>>> {
        let frame = Frame::of(scalar.id())?;
        let gradient = self.place.gradients.take(frame.level, told)?;
        let arguments: Vec<&Tensor> = self.arguments.iter().collect();
        let gradients = self.op.backward(&arguments, self.place.result()?, &gradient)?;
        let hand_on = |((gradient, argument), stand_in): (_, &Option<Arc<StandIn>>)| {
            let Some(gradient) = gradient else { return Ok(None) };
            match stand_in {
                Some(it) => it.place.take(frame.level, &self.place.consumer, &gradient).map(Some),
                None => frame.collect(argument, gradient),
            }
        };
        gradients.into_iter().zip(arguments).zip(&self.stand_ins).map(hand_on).collect()
    }
}

/// A result as it is made of the scalar.
struct StoodFor(Arc<StandIn>);

impl Backward for StoodFor {
    fn name(&self) -> &'static str {
        "result"
    }

    fn backward(
        &self,
        _scalar: &[&Tensor],
        _result: &Tensor,
        gradient: &Tensor,
    ) -> Result<Vec<Option<Tensor>>> {
        let place = &self.0.place;
        // candle's own ops have used the result, and have one gradient together.
        Ok(vec![Some(place.take(Level::of_ops(), &place.consumer, gradient)?)])
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Var};

    use super::*;
    use crate::{backward, relu};

    /// Nothing that stands for it holds a result, also where others were made of it and gone back through.
    #[test]
    fn what_is_dropped_is_forgotten() {
        if crate::kernels::switched_off() {
            return;
        }
        let variable = Var::ones(3, DType::F32, &Device::Cpu).unwrap();
        let result = relu(&variable).unwrap();
        let stand_in = Arc::downgrade(&StandIn::of(&result).unwrap());
        let loss = relu(&result.reshape((3, 1)).unwrap()).unwrap().sum_all().unwrap();
        let gradients = backward(&loss).unwrap();
        drop(result);
        assert!(stand_in.upgrade().is_some(), "the loss holds it");
        drop(loss);
        assert!(stand_in.upgrade().is_none());
        assert_eq!(gradients.get(&variable).unwrap().to_vec1::<f32>().unwrap(), [1.0; 3]);
    }
}

//! What every op of this crate is to candle and to a tape.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, Layout, Result, Shape, Storage, Tensor, WithDType, bail};

use crate::element::{Element, values, with_float};
use crate::graph::{Backward, node};
use crate::kernels::matmul::Matrix;
use crate::memory::keep_freed;
use crate::stand_in::stood_for;
use crate::tape::{is_recorded, note};

/// An op on `N` tensors of one dtype that lie in the computer's memory row by row. What else it needs, it
/// holds.
pub(crate) trait Op<const N: usize>: Send + Sync + 'static {
    /// Whether all arguments have the gradient of the first that has one: the others are not computed.
    const ALIKE: bool = false;

    /// The function that the caller knows.
    fn name(&self) -> &'static str;

    /// The result and its shape.
    fn forward<T: Element>(&self, arguments: [Argument<'_, T>; N]) -> Result<(Vec<T>, Shape)>;

    /// The gradient of each argument, where it has one and it is `wanted`, given that of the result.
    fn backward<T: Element>(
        &self,
        arguments: [Argument<'_, T>; N],
        wanted: [bool; N],
        result: &[T],
        gradient: &[T],
    ) -> Result<[Option<Vec<T>>; N]>;
}

/// A tensor's values.
#[derive(Clone, Copy)]
pub(crate) struct Argument<'a, T> {
    pub(crate) values: &'a [T],
    pub(crate) dims: &'a [usize],
}

impl<'a, T: Copy> Argument<'a, T> {
    /// (…, columns) as rows.
    pub(crate) fn matrix(self) -> Matrix<'a, T> {
        let columns = self.dims.last().copied().unwrap_or(1);
        Matrix::new(self.values, self.dims.iter().rev().skip(1).product(), columns)
    }
}

/// What the forward pass has kept for the backward pass.
pub(crate) fn kept<'a, K>(operation: &str, kept: &'a OnceLock<K>) -> Result<&'a K> {
    match kept.get() {
        Some(kept) => Ok(kept),
        None => bail!("{operation}: there was no forward pass"),
    }
}

/// Runs the op, as one that candle's backward pass or the tape of this thread goes back through.
pub(crate) fn apply<O: Op<N>, const N: usize>(op: O, arguments: [&Tensor; N]) -> Result<Tensor> {
    keep_freed();
    let op = Shell::<O, N>(Arc::new(op));
    let values = op.forward(arguments)?;
    if is_recorded() {
        let result = node(op.clone(), &arguments, values)?;
        note(|| Box::new(op), &arguments, &result);
        return Ok(result);
    }
    if arguments.iter().any(|argument| argument.track_op()) {
        return stood_for(Box::new(op), &arguments, values);
    }
    node(op, &arguments, values)
}

/// The op between tensors and slices.
struct Shell<O, const N: usize>(Arc<O>);

impl<O, const N: usize> Clone for Shell<O, N> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<O: Op<N>, const N: usize> Shell<O, N> {
    fn forward(&self, arguments: [&Tensor; N]) -> Result<(CpuStorage, Shape)> {
        let guards = arguments.map(Tensor::storage_and_layout);
        with_float!(self.0.name(), arguments[0].dtype(), T => {
            let (result, shape) = self.0.forward(self.given::<T, _>(&guards)?)?;
            Ok((T::to_cpu_storage_owned(result), shape))
        })
    }

    fn given<'a, T: Element, S: Deref<Target = Storage>>(
        &self,
        guards: &'a [(S, &'a Layout)],
    ) -> Result<[Argument<'a, T>; N]> {
        let given = guards
            .iter()
            .map(|guard| Ok(Argument { values: values(guard)?, dims: guard.1.dims() }));
        self.all(given)
    }

    fn all<A>(&self, arguments: impl Iterator<Item = Result<A>>) -> Result<[A; N]> {
        match arguments.collect::<Result<Vec<A>>>()?.try_into() {
            Ok(arguments) => Ok(arguments),
            Err(_) => bail!("{}: {N} tensors are needed", self.0.name()),
        }
    }
}

impl<O: Op<N>, const N: usize> Backward for Shell<O, N> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn backward(
        &self,
        arguments: &[&Tensor],
        result: &Tensor,
        gradient: &Tensor,
    ) -> Result<Vec<Option<Tensor>>> {
        let gradient = gradient.contiguous()?;
        let wanted = self.all(arguments.iter().map(|argument| Ok(argument.track_op())))?;
        let guards: Vec<_> = arguments.iter().map(|tensor| tensor.storage_and_layout()).collect();
        let (result_values, gradient_values) =
            (result.storage_and_layout(), gradient.storage_and_layout());
        with_float!(self.0.name(), result.dtype(), T => {
            let gradients = self.0.backward(
                self.given::<T, _>(&guards)?,
                wanted,
                values(&result_values)?,
                values(&gradient_values)?,
            )?;
            let tensor = |(gradient, like): (Option<Vec<T>>, &&Tensor)| {
                gradient.map(|values| Tensor::from_vec(values, like.shape(), like.device())).transpose()
            };
            let mut gradients =
                gradients.into_iter().zip(arguments).map(tensor).collect::<Result<Vec<_>>>()?;
            if O::ALIKE {
                let first = gradients.iter().flatten().next().cloned();
                gradients.iter_mut().zip(wanted).for_each(|(gradient, wanted)| {
                    *gradient = first.clone().filter(|_| wanted);
                });
            }
            Ok(gradients)
        })
    }
}

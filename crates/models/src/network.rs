//! A network with weights: a batch of pairs in, logits out.

use std::collections::HashMap;
use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor, Var, bail};
use pairnet_ops::{RunningStatistics, Tape};
use rand_core::RngCore;

use crate::architecture::{Architecture, Branch, BranchOutput, Layer, Weights};
use crate::kernels::Kernels;
use crate::layer::TrainedLayer;
use crate::outputs::{Outputs, Part, Parts, both};
use crate::pass::{Masks, NoMasks, Pass, Statistics};
use crate::variants::Variant;

/// A network whose weights have values.
#[derive(Debug)]
pub struct Network {
    architecture: Architecture,
    kernels: Kernels,
    /// One where the weights are shared, two where each digit has its own, none where the
    /// comparator sees the images.
    branches: Vec<Vec<TrainedLayer>>,
    comparator: Vec<TrainedLayer>,
}

impl Network {
    /// A network with initial weights drawn as PyTorch's layers draw theirs: U(−1/√fan_in,
    /// 1/√fan_in) for weights and biases; batch norm starts at 1 and 0.
    ///
    /// The draws come in the order of [`Network::parameters`].
    ///
    /// # Errors
    ///
    /// Where the device has no memory left.
    pub fn new(
        variant: &Variant,
        kernels: Kernels,
        rng: &mut impl RngCore,
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        let mut layers = |part: &str, layers: &[Layer]| -> Result<Vec<TrainedLayer>> {
            (0..)
                .zip(layers)
                .map(|(index, &layer)| {
                    TrainedLayer::new(format!("{part}.{index}"), layer, rng, dtype, device)
                })
                .collect()
        };
        let architecture = variant.architecture;
        let branches = match (&architecture.branch, variant.weight_sharing) {
            (None, _) => Vec::new(),
            (Some(branch), true) => vec![layers("branch", branch.layers)?],
            (Some(branch), false) => {
                vec![layers("branch0", branch.layers)?, layers("branch1", branch.layers)?]
            }
        };
        let comparator = layers("comparator", architecture.comparator)?;
        Ok(Self { architecture, kernels, branches, comparator })
    }

    /// The same images (n, 2, 14, 14), lying in memory as this network reads them.
    ///
    /// [`Network::train`] and [`Network::evaluate`] take images however they lie, and copy those
    /// that lie otherwise: what is seen many times is better laid out once.
    ///
    /// # Errors
    ///
    /// Where the device has no memory left.
    pub fn lay_out(&self, images: &Tensor) -> Result<Tensor> {
        if self.architecture.branch.is_some() {
            // All first digits, then all second ones.
            images.transpose(0, 1)?.contiguous()?.transpose(0, 1)
        } else if self.sees_an_image() {
            self.kernels.channels_first(&self.kernels.layout(images)?)
        } else {
            images.contiguous()
        }
    }

    /// Whether the comparator begins with a convolution.
    fn sees_an_image(&self) -> bool {
        let first = self.architecture.comparator.first();
        first.is_some_and(|layer| matches!(layer.weights, Weights::Convolution { .. }))
    }

    /// A pass in training: batch norm uses the batch's statistics and takes them up into its
    /// running ones, dropout is on. [`Outputs::backward`] gives the gradients.
    ///
    /// `images` (n, 2, 14, 14), pixels 0 to 255.
    ///
    /// # Errors
    ///
    /// Where the shape of `images` does not fit, or `masks` has no mask.
    pub fn train(&mut self, images: &Tensor, masks: &mut dyn Masks) -> Result<Outputs> {
        let mut pass = Pass::Training { masks, statistics: Vec::new() };
        let outputs = self.forward(images, &mut pass)?;
        for (name, batch) in &pass.into_statistics() {
            for layer in self.branches.iter_mut().flatten().chain(&mut self.comparator) {
                layer.update_running(name, batch)?;
            }
        }
        Ok(outputs)
    }

    /// A pass in evaluation: batch norm uses its running statistics, dropout is off.
    ///
    /// `images` (n, 2, 14, 14), pixels 0 to 255.
    ///
    /// # Errors
    ///
    /// Where the shape of `images` does not fit.
    pub fn evaluate(&self, images: &Tensor) -> Result<Outputs> {
        self.forward(images, &mut Pass::Evaluation)
    }

    fn forward(&self, images: &Tensor, pass: &mut Pass<'_>) -> Result<Outputs> {
        let branches = self.run_branches(images, pass)?;
        let given: Vec<Tensor> = branches.iter().map(Part::given).collect();
        let (logits, tape) = Tape::record(|| self.compare(images, &given, pass)?.squeeze(1))?;
        let digit_logits = match &self.architecture.branch {
            Some(Branch { output: BranchOutput::Digits, .. }) => Some(Tensor::stack(&given, 0)?),
            _ => None,
        };
        let comparator = Part::new(logits, tape)?;
        let logits = comparator.given();
        let parts = Some(Arc::new(Parts { comparator, branches }));
        Ok(Outputs { logits, digit_logits, parts })
    }

    /// What the comparator makes of the branches' results, or of the images where there are none.
    fn compare(&self, images: &Tensor, branches: &[Tensor], pass: &mut Pass<'_>) -> Result<Tensor> {
        let input = match &self.architecture.branch {
            Some(branch) => {
                let seen = branches.iter().map(|features| match branch.output {
                    BranchOutput::Features => Ok(features.clone()),
                    BranchOutput::Sigmoid => candle_nn::ops::sigmoid(features),
                    BranchOutput::Digits => self.kernels.softmax(features),
                });
                Tensor::cat(&seen.collect::<Result<Vec<_>>>()?, 1)?
            }
            None if self.sees_an_image() => self.kernels.layout(images)?,
            None => images.flatten_from(1)?,
        };
        self.run(&self.comparator, &input, pass)
    }

    /// What the branches make of the first digits and of the second ones, (n, features) each;
    /// nothing where there are no branches.
    fn run_branches(&self, images: &Tensor, pass: &mut Pass<'_>) -> Result<Vec<Part>> {
        let (first, second) = match &self.branches[..] {
            [first, second] => (first, second),
            [shared] => (shared, shared),
            _ => return Ok(Vec::new()),
        };
        let (pairs, digits, height, width) = images.dims4()?;
        let by_digit = images.transpose(0, 1)?.reshape((digits * pairs, 1, height, width))?;
        let by_digit = self.kernels.layout(&by_digit)?;
        let by_digit = [by_digit.narrow(0, 0, pairs)?, by_digit.narrow(0, pairs, pairs)?];
        let training = matches!(pass, Pass::Training { .. });
        if training && first.iter().chain(second).any(TrainedLayer::draws_masks) {
            // One after another: masks are drawn in a fixed order.
            return [first, second]
                .into_iter()
                .zip(&by_digit)
                .map(|(branch, digits)| self.run_branch(branch, digits, pass))
                .collect();
        }
        let (first, second) = both(
            images.device(),
            || self.run_apart(first, &by_digit[0], training),
            || self.run_apart(second, &by_digit[1], training),
        )?;
        if let Pass::Training { statistics, .. } = pass {
            statistics.extend(first.1.into_iter().chain(second.1));
        }
        Ok(vec![first.0, second.0])
    }

    /// A branch without dropout, and the statistics of its batches.
    fn run_apart(
        &self,
        branch: &[TrainedLayer],
        digits: &Tensor,
        training: bool,
    ) -> Result<(Part, Statistics)> {
        let mut pass = match training {
            true => Pass::Training { masks: &mut NoMasks, statistics: Vec::new() },
            false => Pass::Evaluation,
        };
        let part = self.run_branch(branch, digits, &mut pass)?;
        Ok((part, pass.into_statistics()))
    }

    fn run_branch(
        &self,
        branch: &[TrainedLayer],
        digits: &Tensor,
        pass: &mut Pass<'_>,
    ) -> Result<Part> {
        let (features, tape) = Tape::record(|| self.run(branch, digits, pass)?.flatten_from(1))?;
        Part::new(features, tape)
    }

    fn run(&self, layers: &[TrainedLayer], input: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor> {
        layers
            .iter()
            .try_fold(input.clone(), |values, layer| layer.forward(&values, self.kernels, pass))
    }

    fn layers(&self) -> impl Iterator<Item = &TrainedLayer> {
        self.branches.iter().flatten().chain(&self.comparator)
    }

    /// Name and variable of everything that is trained, in a fixed order: branches, then
    /// comparator, first layer to last; weight, bias, then batch norm's scale and shift.
    pub fn parameters(&self) -> Vec<(String, &Var)> {
        self.layers().flat_map(TrainedLayer::parameters).collect()
    }

    /// Gives every parameter the value of its name in `tensors`, which may hold others too.
    ///
    /// # Errors
    ///
    /// Where a name is missing or a shape differs; no parameter is changed then.
    pub fn set_parameters(&mut self, tensors: &HashMap<String, Tensor>) -> Result<()> {
        let parameters = self.parameters();
        let mut changes = Vec::with_capacity(parameters.len());
        for (name, variable) in parameters {
            let Some(tensor) = tensors.get(&name) else { bail!("there is no tensor '{name}'") };
            if tensor.shape() != variable.shape() {
                bail!("'{name}' has shape {:?}, {:?} is needed", tensor.shape(), variable.shape());
            }
            let value = tensor.to_dtype(variable.dtype())?.to_device(variable.device())?;
            changes.push((variable, value));
        }
        // A copy, because training changes a variable where it lies.
        changes.into_iter().try_for_each(|(variable, value)| variable.set(&value.copy()?))
    }

    /// Name and running statistics of each batch norm, in the same order.
    pub fn running_statistics(&self) -> Vec<(String, &RunningStatistics)> {
        self.layers().filter_map(TrainedLayer::running).collect()
    }

    /// How many numbers are trained.
    pub fn parameter_count(&self) -> usize {
        self.parameters().iter().map(|(_, variable)| variable.elem_count()).sum()
    }
}

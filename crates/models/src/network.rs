//! A network with weights: a batch of pairs in, logits out.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor, Var};
use pairnet_network::{Architecture, Branch, BranchOutput, SIDE, Weights};
use pairnet_ops::{RunningStatistics, Tape, cat};
use rand_core::RngCore;

use crate::entries::Entry;
use crate::error::{ModelError, Result};
use crate::handed::AtWork;
use crate::kernels::Kernels;
use crate::layer::TrainedLayer;
use crate::outputs::{Outputs, Subnetwork, Subnetworks, both};
use crate::pass::{Masks, NoMasks, Pass, Statistics};

/// A network whose weights have values.
#[derive(Debug)]
pub struct Network {
    architecture: Architecture,
    kernels: Kernels,
    dtype: DType,
    device: Device,
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
    /// Where the sizes do not fit each other ([`Architecture::check`]): nothing is allocated then;
    /// where the device has no memory left.
    pub fn new(
        architecture: &Architecture,
        kernels: Kernels,
        rng: &mut impl RngCore,
        dtype: DType,
        device: &Device,
    ) -> Result<Self, ModelError> {
        architecture.check()?;
        Self::given(architecture, kernels, dtype, device, &mut |entry| {
            Ok(entry.first_values(dtype, device, rng)?)
        })
    }

    /// As [`Network::new`], each tensor from a generator of its own, which `rng` has for its name
    /// ([`Network::state`]): so networks that share some of their layers can start these alike.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn new_by_name<R: RngCore>(
        architecture: &Architecture,
        kernels: Kernels,
        rng: impl Fn(&str) -> R,
        dtype: DType,
        device: &Device,
    ) -> Result<Self, ModelError> {
        architecture.check()?;
        Self::given(architecture, kernels, dtype, device, &mut |entry| {
            Ok(entry.first_values(dtype, device, &mut rng(&entry.name))?)
        })
    }

    /// A network with the tensors that `give` has for its state. The sizes have to fit each other.
    pub(crate) fn given(
        architecture: &Architecture,
        kernels: Kernels,
        dtype: DType,
        device: &Device,
        give: &mut dyn FnMut(&Entry) -> Result<Tensor, ModelError>,
    ) -> Result<Self, ModelError> {
        let mut layers = Vec::new();
        for (name, layer) in architecture.layers() {
            layers.push(TrainedLayer::new(name, layer, give)?);
        }
        let mut branches = Vec::new();
        for _ in architecture.branch_names() {
            let depth = architecture.branch.as_ref().map_or(0, |branch| branch.layers.len());
            let rest = layers.split_off(depth);
            branches.push(std::mem::replace(&mut layers, rest));
        }
        let (architecture, device) = (architecture.clone(), device.clone());
        Ok(Self { architecture, kernels, dtype, device, branches, comparator: layers })
    }

    /// What it is made of.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// That of weights, images and outputs.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Where its weights are.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The same images (n, 2, 14, 14), lying in memory as this network reads them.
    ///
    /// [`Network::train`] and [`Network::evaluate`] take images however they lie, and copy those
    /// that lie otherwise: what is seen many times is better laid out once.
    ///
    /// # Errors
    ///
    /// As those two; where the device has no memory left.
    pub fn lay_out(&self, images: &Tensor) -> Result<Tensor, ModelError> {
        self.check(images)?;
        Ok(if self.architecture.branch.is_some() {
            // All first digits, then all second ones.
            images.transpose(0, 1)?.contiguous()?.transpose(0, 1)?
        } else if self.sees_an_image() {
            self.kernels.channels_first(&self.kernels.layout(images)?)?
        } else {
            images.contiguous()?
        })
    }

    /// Whether these are pairs of digits as this network computes with.
    fn check(&self, images: &Tensor) -> Result<(), ModelError> {
        let (found, needed) = (images.dtype(), self.dtype);
        match *images.dims() {
            [0, ..] => Err(ModelError::Images { found: images.shape().clone() }),
            [_, 2, SIDE, SIDE] if found == needed => Ok(()),
            [_, 2, SIDE, SIDE] => Err(ModelError::ImagesDType { found, needed }),
            _ => Err(ModelError::Images { found: images.shape().clone() }),
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
    /// `images` (n, 2, 14, 14), n above 0, of the network's dtype, pixels 0 to 255.
    ///
    /// # Errors
    ///
    /// Where `images` has another shape or dtype, or `masks` has no mask.
    pub fn train(&mut self, images: &Tensor, masks: &mut dyn Masks) -> Result<Outputs, ModelError> {
        self.check(images)?;
        let mut pass = Pass::Training { masks, statistics: Vec::new() };
        let outputs = self.forward(images, &mut pass)?;
        for (name, batch) in &pass.into_statistics() {
            for layer in self.layers_mut() {
                layer.update_running(name, batch)?;
            }
        }
        Ok(outputs)
    }

    /// A pass in evaluation: batch norm uses its running statistics, dropout is off.
    ///
    /// `images` (n, 2, 14, 14), n above 0, of the network's dtype, pixels 0 to 255.
    ///
    /// # Errors
    ///
    /// Where `images` has another shape or dtype.
    pub fn evaluate(&self, images: &Tensor) -> Result<Outputs, ModelError> {
        self.check(images)?;
        Ok(self.forward(images, &mut Pass::Evaluation)?)
    }

    fn forward(&self, images: &Tensor, pass: &mut Pass<'_>) -> Result<Outputs> {
        let branches = self.run_branches(images, pass)?;
        let given: Vec<Tensor> = branches.iter().map(Subnetwork::given).collect();
        let (logits, tape) = Tape::record(|| self.compare(images, &given, pass)?.squeeze(1))?;
        let at_work = AtWork::default();
        let digit_logits = match &self.architecture.branch {
            Some(Branch { output: BranchOutput::Digits, .. }) => {
                Some(at_work.hand_out(&Tensor::stack(&given, 0)?)?)
            }
            _ => None,
        };
        let comparator = Subnetwork::new(logits, tape)?;
        let logits = at_work.hand_out(&comparator.given())?;
        let subnetworks = Some(Arc::new(Subnetworks { comparator, branches, at_work }));
        Ok(Outputs { logits, digit_logits, subnetworks })
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
                cat(&seen.collect::<Result<Vec<_>>>()?, 1)?
            }
            None if self.sees_an_image() => self.kernels.layout(images)?,
            None => images.flatten_from(1)?,
        };
        self.flat(self.run(&self.comparator, &input, pass)?)
    }

    /// Rows of numbers, an image in PyTorch's order: channels, then rows, then columns.
    fn flat(&self, values: Tensor) -> Result<Tensor> {
        match values.rank() {
            2 => Ok(values),
            _ => self.kernels.channels_first(&values)?.flatten_from(1),
        }
    }

    /// What the branches make of the first digits and of the second ones, (n, features) each;
    /// nothing where there are no branches.
    fn run_branches(&self, images: &Tensor, pass: &mut Pass<'_>) -> Result<Vec<Subnetwork>> {
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
    ) -> Result<(Subnetwork, Statistics)> {
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
    ) -> Result<Subnetwork> {
        let (features, tape) = Tape::record(|| self.flat(self.run(branch, digits, pass)?))?;
        Subnetwork::new(features, tape)
    }

    fn run(&self, layers: &[TrainedLayer], input: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor> {
        layers
            .iter()
            .try_fold(input.clone(), |values, layer| layer.forward(&values, self.kernels, pass))
    }

    pub(crate) fn layers(&self) -> impl Iterator<Item = &TrainedLayer> {
        self.branches.iter().flatten().chain(&self.comparator)
    }

    pub(crate) fn layers_mut(&mut self) -> impl Iterator<Item = &mut TrainedLayer> {
        self.branches.iter_mut().flatten().chain(&mut self.comparator)
    }

    /// Name and variable of everything that is trained, in a fixed order: branches, then
    /// comparator, first layer to last; weight, bias, then batch norm's scale and shift.
    ///
    /// They are for an optimiser. What has to be kept is [`Network::state`], which has the running
    /// statistics too.
    pub fn parameters(&self) -> Vec<(String, &Var)> {
        self.layers().flat_map(TrainedLayer::parameters).collect()
    }

    /// Name and running statistics of each batch norm, in the same order.
    pub fn running_statistics(&self) -> Vec<(String, &RunningStatistics)> {
        self.layers().filter_map(TrainedLayer::running).collect()
    }

    /// How many numbers are trained.
    pub fn parameter_count(&self) -> usize {
        self.architecture.parameters()
    }
}

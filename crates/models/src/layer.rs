//! A layer with its weights: from the table's steps to the ops that compute them.

use candle_core::conv::CudnnFwdAlgo;
use candle_core::{DType, Tensor, Var};
use pairnet_network::{Layer, Step, Weights};
use pairnet_ops::channels_last::NormalisedConvolution;
use pairnet_ops::{
    self as ops, BatchStatistics, Conv2dConfig, NormalisedLinear, RunningStatistics, channels_last,
    reference,
};

use crate::entries::{Entry, entries};
use crate::error::{ModelError, Result};
use crate::kernels::Kernels;
use crate::pass::Pass;

/// Batch norm's ε, as PyTorch's default.
const EPSILON: f64 = 1e-5;
/// The share of a batch in the running statistics, as PyTorch's default.
const MOMENTUM: f64 = 0.1;

/// A layer whose weights have values.
#[derive(Debug)]
pub(crate) struct TrainedLayer {
    name: String,
    layer: Layer,
    weight: Var,
    bias: Var,
    batch_norm: Option<BatchNorm>,
}

#[derive(Debug)]
struct BatchNorm {
    gamma: Var,
    beta: Var,
    running: RunningStatistics,
}

impl TrainedLayer {
    /// A layer with the tensors that `give` has for each of its [`entries`], in their order.
    pub(crate) fn new(
        name: String,
        layer: &Layer,
        give: &mut dyn FnMut(&Entry) -> Result<Tensor, ModelError>,
    ) -> Result<Self, ModelError> {
        let given = entries(&name, layer).iter().map(give).collect::<Result<Vec<_>, _>>()?;
        let [weight, bias, batch_norm @ ..] = &given[..] else {
            return Err(ModelError::MissingTensor { name });
        };
        let batch_norm = match batch_norm {
            [gamma, beta, mean, variance] => Some(BatchNorm {
                gamma: Var::from_tensor(gamma)?,
                beta: Var::from_tensor(beta)?,
                running: RunningStatistics { mean: mean.clone(), variance: variance.clone() },
            }),
            _ => None,
        };
        let (weight, bias) = (Var::from_tensor(weight)?, Var::from_tensor(bias)?);
        Ok(Self { name, layer: layer.clone(), weight, bias, batch_norm })
    }

    /// Whether a training pass asks for masks here.
    pub(crate) fn draws_masks(&self) -> bool {
        self.layer.steps.iter().any(|step| matches!(step, Step::Dropout(_)))
    }

    /// The result for `input`, in training the values of one batch.
    pub(crate) fn forward(
        &self,
        input: &Tensor,
        kernels: Kernels,
        pass: &mut Pass<'_>,
    ) -> Result<Tensor> {
        let (mut values, steps) = match self.apply_normalised(input, kernels, pass)? {
            Some(done) => done,
            None => self.apply_weights(input, kernels, pass)?,
        };
        for step in steps {
            values = match step {
                Step::Relu => values.relu()?,
                Step::MaxPool => kernels.max_pool(&values)?,
                Step::BatchNorm => self.normalise(&values, kernels, pass)?,
                Step::Dropout(probability) => match pass {
                    Pass::Training { masks, .. } => {
                        let mask =
                            kernels.mask(&values, |shape| masks.draw(shape, *probability))?;
                        let mask = mask.to_device(values.device())?.to_dtype(DType::U8)?;
                        ops::dropout(&values, &mask, *probability)?
                    }
                    Pass::Evaluation => values,
                },
            };
        }
        Ok(values)
    }

    /// Weights with all steps up to batch norm, and pooling after a convolution, in one op; `None`
    /// where this layer is not such a one.
    fn apply_normalised(
        &self,
        input: &Tensor,
        kernels: Kernels,
        pass: &mut Pass<'_>,
    ) -> Result<Option<(Tensor, &[Step])>> {
        let (
            Some(BatchNorm { gamma, beta, running }),
            [Step::Relu, Step::BatchNorm, rest @ ..],
            Kernels::Fused,
        ) = (&self.batch_norm, &self.layer.steps[..], kernels)
        else {
            return Ok(None);
        };
        let (weight, bias, epsilon) = (&*self.weight, Some(self.bias.as_tensor()), EPSILON);
        let config = Self::config(input, pass);
        let convolution = |max_pool| NormalisedConvolution {
            weight,
            bias,
            gamma,
            beta,
            config,
            epsilon,
            max_pool,
        };
        let (max_pool, after) = match rest {
            [Step::MaxPool, after @ ..] => (true, after),
            after => (false, after),
        };
        let ((result, batch), rest) = match (self.layer.weights, &mut *pass) {
            (Weights::Linear { .. }, Pass::Training { .. }) => {
                let layer = NormalisedLinear { weight, bias, gamma, beta, epsilon };
                (ops::linear_relu_batch_norm(&self.flat(input, kernels)?, &layer)?, rest)
            }
            (Weights::Convolution { .. }, Pass::Training { .. }) => {
                (channels_last::conv2d_relu_batch_norm_nhwc(input, &convolution(max_pool))?, after)
            }
            (Weights::Convolution { .. }, Pass::Evaluation) => {
                let layer = convolution(max_pool);
                let result =
                    channels_last::conv2d_relu_batch_norm_evaluation_nhwc(input, &layer, running)?;
                return Ok(Some((result, after)));
            }
            (Weights::Linear { .. }, Pass::Evaluation) => return Ok(None),
        };
        if let Pass::Training { statistics, .. } = pass {
            statistics.push((self.name.clone(), batch));
        }
        Ok(Some((result, rest)))
    }

    /// The settings of a convolution. What a network answers is summed directly: minimal filtering, which is for
    /// training, mixes the rounding of neighbours.
    fn config(input: &Tensor, pass: &Pass<'_>) -> Conv2dConfig {
        let direct = matches!(pass, Pass::Evaluation) && input.device().is_cpu();
        Conv2dConfig {
            cudnn_fwd_algo: direct.then_some(CudnnFwdAlgo::Direct),
            ..Default::default()
        }
    }

    /// What weights of this kind take: rows of numbers, or images as they are.
    fn flat(&self, input: &Tensor, kernels: Kernels) -> Result<Tensor> {
        match self.layer.weights {
            Weights::Linear { .. } if input.rank() > 2 => {
                kernels.channels_first(input)?.flatten_from(1)
            }
            _ => Ok(input.clone()),
        }
    }

    /// The weights' result, fused with the steps that the kernels can take along, and the steps
    /// that are left.
    fn apply_weights(
        &self,
        input: &Tensor,
        kernels: Kernels,
        pass: &Pass<'_>,
    ) -> Result<(Tensor, &[Step])> {
        let (weight, bias) = (&self.weight, Some(self.bias.as_tensor()));
        let (steps, config) = (&self.layer.steps[..], Self::config(input, pass));
        let input = &self.flat(input, kernels)?;
        Ok(match (kernels, self.layer.weights, steps) {
            (
                Kernels::Fused,
                Weights::Convolution { .. },
                [Step::Relu, Step::MaxPool, rest @ ..],
            ) => (channels_last::conv2d_relu_max_pool_nhwc(input, weight, bias, config)?, rest),
            (Kernels::Fused, Weights::Convolution { .. }, [Step::Relu, rest @ ..]) => {
                (channels_last::conv2d_relu_nhwc(input, weight, bias, config)?, rest)
            }
            (Kernels::Fused, Weights::Convolution { .. }, rest) => {
                (channels_last::conv2d_nhwc(input, weight, bias, config)?, rest)
            }
            (Kernels::Fused, Weights::Linear { .. }, [Step::Relu, rest @ ..]) => {
                (ops::linear_relu(input, weight, bias)?, rest)
            }
            (Kernels::Fused, Weights::Linear { .. }, rest) => {
                (ops::linear(input, weight, bias)?, rest)
            }
            (Kernels::Composed, Weights::Convolution { .. }, rest) => {
                (reference::conv2d(input, weight, bias, config)?, rest)
            }
            (Kernels::Composed, Weights::Linear { .. }, rest) => {
                (reference::linear(input, weight, bias)?, rest)
            }
        })
    }

    fn normalise(&self, values: &Tensor, kernels: Kernels, pass: &mut Pass<'_>) -> Result<Tensor> {
        let Some(BatchNorm { gamma, beta, running }) = &self.batch_norm else {
            return Ok(values.clone());
        };
        let trained = (&**gamma, &**beta);
        let Pass::Training { statistics, .. } = pass else {
            return kernels.batch_norm_evaluation(values, trained, EPSILON, running);
        };
        let (normalised, batch) = kernels.batch_norm(values, trained, EPSILON)?;
        statistics.push((self.name.clone(), batch));
        Ok(normalised)
    }

    /// Takes up the statistics of one batch that this layer saw.
    pub(crate) fn update_running(&mut self, name: &str, batch: &BatchStatistics) -> Result<()> {
        match &mut self.batch_norm {
            Some(batch_norm) if self.name == name => batch_norm.running.update(batch, MOMENTUM),
            _ => Ok(()),
        }
    }

    /// Name and variable of everything that is trained.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (String, &Var)> {
        let normalised = self.batch_norm.iter().flat_map(|norm| [&norm.gamma, &norm.beta]);
        let variables = [&self.weight, &self.bias].into_iter().chain(normalised);
        let names = entries(&self.name, &self.layer).into_iter().map(|entry| entry.name);
        names.zip(variables)
    }

    /// Name and value of each of the layer's [`entries`].
    pub(crate) fn state(&self) -> impl Iterator<Item = (String, &Tensor)> {
        let normalised = self.batch_norm.iter().flat_map(|norm| {
            let RunningStatistics { mean, variance } = &norm.running;
            [norm.gamma.as_tensor(), norm.beta.as_tensor(), mean, variance]
        });
        let tensors =
            [self.weight.as_tensor(), self.bias.as_tensor()].into_iter().chain(normalised);
        let names = entries(&self.name, &self.layer).into_iter().map(|entry| entry.name);
        names.zip(tensors)
    }

    /// Takes the value that `give` has for each name of [`TrainedLayer::state`], which fits.
    pub(crate) fn set_state(&mut self, give: &dyn Fn(&str) -> Result<Tensor>) -> Result<()> {
        for (name, variable) in self.parameters() {
            variable.set(&give(&name)?)?;
        }
        if let Some(batch_norm) = &mut self.batch_norm {
            let running = |part| give(&format!("{}.batch_norm.running_{part}", self.name));
            let (mean, variance) = (running("mean")?, running("var")?);
            batch_norm.running = RunningStatistics { mean, variance };
        }
        Ok(())
    }

    /// Name and statistics of this layer's batch norm, if it has one.
    pub(crate) fn running(&self) -> Option<(String, &RunningStatistics)> {
        let batch_norm = self.batch_norm.as_ref()?;
        Some((format!("{}.batch_norm", self.name), &batch_norm.running))
    }
}

//! A layer with its weights: from the table's steps to the ops that compute them.

use candle_core::{DType, Device, Result, Tensor, Var};
use pairnet_ops::channels_last::NormalisedConvolution;
use pairnet_ops::{
    self as ops, BatchStatistics, Conv2dConfig, NormalisedLinear, RunningStatistics, channels_last,
    reference,
};
use rand_core::RngCore;

use crate::architecture::{Layer, Step, Weights};
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
    /// A layer with weights and bias drawn from U(−1/√fan_in, 1/√fan_in), PyTorch's default for
    /// linear and convolution layers; batch norm starts at 1 and 0.
    pub(crate) fn new(
        name: String,
        layer: Layer,
        rng: &mut impl RngCore,
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        let outputs = layer.weights.outputs();
        let bound = 1.0 / (layer.weights.fan_in() as f64).sqrt();
        let mut draw = |shape: Vec<usize>| -> Result<Var> {
            let count = shape.iter().product();
            let values: Vec<f32> = (0..count).map(|_| uniform(rng, bound)).collect();
            Var::from_tensor(&Tensor::from_vec(values, shape, device)?.to_dtype(dtype)?)
        };
        let weight = draw(layer.weights.shape())?;
        let bias = draw(vec![outputs])?;
        let batch_norm = if layer.steps.contains(&Step::BatchNorm) {
            Some(BatchNorm {
                gamma: Var::ones(outputs, dtype, device)?,
                beta: Var::zeros(outputs, dtype, device)?,
                running: RunningStatistics::new(outputs, dtype, device)?,
            })
        } else {
            None
        };
        Ok(Self { name, layer, weight, bias, batch_norm })
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
            None => self.apply_weights(input, kernels)?,
        };
        for step in steps {
            values = match step {
                Step::Relu => values.relu()?,
                Step::MaxPool => kernels.max_pool(&values)?,
                Step::BatchNorm => self.normalise(&values, kernels, pass)?,
                Step::Dropout(probability) => match pass {
                    Pass::Training { masks, .. } => {
                        let mask = masks.draw(values.shape(), *probability)?;
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
        ) = (&self.batch_norm, self.layer.steps, kernels)
        else {
            return Ok(None);
        };
        let (weight, bias, epsilon) = (&*self.weight, Some(self.bias.as_tensor()), EPSILON);
        let convolution = |max_pool| NormalisedConvolution {
            weight,
            bias,
            gamma,
            beta,
            config: Conv2dConfig::default(),
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
    fn apply_weights(&self, input: &Tensor, kernels: Kernels) -> Result<(Tensor, &[Step])> {
        let (weight, bias, steps) = (&self.weight, Some(self.bias.as_tensor()), self.layer.steps);
        let config = Conv2dConfig::default();
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
        let own = [("weight", &self.weight), ("bias", &self.bias)];
        let normalised = self.batch_norm.iter().flat_map(|batch_norm| {
            [("batch_norm.weight", &batch_norm.gamma), ("batch_norm.bias", &batch_norm.beta)]
        });
        own.into_iter().chain(normalised).map(|(part, var)| (format!("{}.{part}", self.name), var))
    }

    /// Name and statistics of this layer's batch norm, if it has one.
    pub(crate) fn running(&self) -> Option<(String, &RunningStatistics)> {
        let batch_norm = self.batch_norm.as_ref()?;
        Some((format!("{}.batch_norm", self.name), &batch_norm.running))
    }
}

/// A number from U(−bound, bound): 24 random bits, as many as an f32 holds.
fn uniform(rng: &mut impl RngCore, bound: f64) -> f32 {
    let unit = f64::from(rng.next_u32() >> 8) / f64::from(1u32 << 24);
    ((2.0 * unit - 1.0) * bound) as f32
}

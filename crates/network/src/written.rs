//! How networks are written down.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::architecture::{Architecture, Branch};
use crate::error::ArchitectureError;
use crate::layer::{Layer, Step, Weights};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenArchitecture {
    name: String,
    backbone: String,
    weight_sharing: bool,
    auxiliary_loss: bool,
    /// For whoever counts without building.
    parameters: Option<usize>,
    branch: Option<Branch>,
    comparator: Vec<Layer>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLayer {
    kind: Kind,
    inputs: usize,
    outputs: usize,
    kernel: Option<usize>,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Convolution,
    Linear,
}

impl Serialize for Architecture {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WrittenArchitecture::from(self.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Architecture {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        WrittenArchitecture::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
    }
}

impl Serialize for Layer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WrittenLayer::from(self.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Layer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        WrittenLayer::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
    }
}

impl From<Architecture> for WrittenArchitecture {
    fn from(network: Architecture) -> Self {
        let parameters = Some(network.parameters());
        let Architecture { name, backbone, weight_sharing, auxiliary_loss, branch, comparator } =
            network;
        Self { name, backbone, weight_sharing, auxiliary_loss, parameters, branch, comparator }
    }
}

impl TryFrom<WrittenArchitecture> for Architecture {
    type Error = ArchitectureError;

    fn try_from(written: WrittenArchitecture) -> Result<Self, ArchitectureError> {
        let WrittenArchitecture { name, backbone, weight_sharing, auxiliary_loss, .. } = written;
        let WrittenArchitecture { parameters, branch, comparator, .. } = written;
        let network = Self { name, backbone, weight_sharing, auxiliary_loss, branch, comparator };
        network.check()?;
        let counted = network.parameters();
        match parameters {
            Some(written) if written != counted => {
                Err(ArchitectureError::Parameters { name: network.name, written, counted })
            }
            _ => Ok(network),
        }
    }
}

impl From<Layer> for WrittenLayer {
    fn from(layer: Layer) -> Self {
        let (kind, inputs, outputs, kernel) = match layer.weights {
            Weights::Convolution { inputs, outputs, kernel } => {
                (Kind::Convolution, inputs, outputs, Some(kernel))
            }
            Weights::Linear { inputs, outputs } => (Kind::Linear, inputs, outputs, None),
        };
        Self { kind, inputs, outputs, kernel, steps: layer.steps }
    }
}

impl TryFrom<WrittenLayer> for Layer {
    type Error = &'static str;

    fn try_from(written: WrittenLayer) -> Result<Self, &'static str> {
        let WrittenLayer { kind, inputs, outputs, kernel, steps } = written;
        let weights = match (kind, kernel) {
            (Kind::Convolution, Some(kernel)) => Weights::Convolution { inputs, outputs, kernel },
            (Kind::Linear, None) => Weights::Linear { inputs, outputs },
            (Kind::Convolution, None) => return Err("a convolution has a kernel"),
            (Kind::Linear, Some(_)) => return Err("a linear layer has no kernel"),
        };
        Ok(Self { weights, steps })
    }
}

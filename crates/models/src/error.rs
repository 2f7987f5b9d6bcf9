//! What can go wrong with a network.

use std::path::PathBuf;

use candle_core::{DType, Shape};
use pairnet_network::ArchitectureError;

/// candle's, unless another error is named.
pub(crate) type Result<T, E = candle_core::Error> = std::result::Result<T, E>;

/// What can go wrong with a network.
///
/// It becomes a [`candle_core::Error`] with the same words, so that `?` takes it in a function that
/// returns candle's `Result`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// There is no such network.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// What was given for a batch of pairs has another shape.
    #[error("images of shape {found:?} were given, a network takes (n, 2, 14, 14), n above 0")]
    Images {
        /// Their shape.
        found: Shape,
    },
    /// A batch of pairs has another dtype than the weights.
    #[error("images of dtype {} were given to a network of {}", found.as_str(), needed.as_str())]
    ImagesDType {
        /// That of the images.
        found: DType,
        /// That of the network.
        needed: DType,
    },
    /// Outputs that were detached lead back to no parameter.
    #[error("these outputs were detached from the network")]
    Detached,
    /// A loss that leads to none of the outputs it was to be made from.
    #[error("the loss does not depend on these outputs")]
    Independent,
    /// A state lacks a tensor.
    #[error("there is no tensor '{name}'")]
    MissingTensor {
        /// Its name.
        name: String,
    },
    /// A state has a tensor that the network has no use for.
    #[error("the network has no tensor '{name}'")]
    UnknownTensor {
        /// Its name.
        name: String,
    },
    /// A tensor of a state has another shape.
    #[error("'{name}' has shape {found:?}, {needed:?} is needed")]
    TensorShape {
        /// Its name.
        name: String,
        /// The shape it has.
        found: Vec<usize>,
        /// The shape of the network's.
        needed: Vec<usize>,
    },
    /// A tensor of a state has another dtype.
    #[error("'{name}' has dtype {found}, {} is needed", needed.as_str())]
    TensorDType {
        /// Its name.
        name: String,
        /// The dtype it has.
        found: String,
        /// That of the network.
        needed: DType,
    },
    /// A file could not be read.
    #[error("failed to read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file could not be written; it is as it was.
    #[error("failed to write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What a file holds is no checkpoint, or not one of this program's.
    #[error("{} holds no network: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<ModelError>,
    },
    /// Bytes that are not of the format safetensors, or not all of them.
    #[error("not a whole safetensors file: {0}")]
    NotSafetensors(#[from] safetensors::SafeTensorError),
    /// What `torch.save` and `pickle.dump` write: a program, which whoever reads it runs.
    #[error(
        "it is a pickle or an archive, as torch.save writes; such files can run any program and are \
         never read. In Python, safetensors.torch.save_file keeps tensors alone"
    )]
    Pickle,
    /// A safetensors file of another program.
    #[error("its metadata has no '{key}'")]
    NoDescription {
        /// Where the description would be.
        key: &'static str,
    },
    /// A file was changed after it was written.
    #[error(
        "it was changed since it was written: its checksum is not that of what it holds; put a copy in \
         its place, or remove it and train it again"
    )]
    Checksum,
    /// A file has more than the network that it describes.
    #[error("it has {length} bytes, a network such as it describes takes {most} at most")]
    TooLong {
        /// Bytes of the file.
        length: u64,
        /// Bytes that it can have.
        most: u64,
    },
    /// A checkpoint of another version.
    #[error("checkpoint format {found} cannot be read, only those up to {readable} can")]
    Format {
        /// The version it has.
        found: String,
        /// The last version that can be read.
        readable: u32,
    },
    /// The description in a checkpoint is none.
    #[error("its description cannot be read: {0}")]
    Description(#[from] serde_json::Error),
    /// A tensor could not be computed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

impl From<ModelError> for candle_core::Error {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Tensor(error) => error,
            error => Self::wrap(error),
        }
    }
}

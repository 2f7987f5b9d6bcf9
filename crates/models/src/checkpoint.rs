//! Networks in safetensors files.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use candle_core::safetensors::Load as _;
use candle_core::{DType, Device, Tensor};
use pairnet_network::Architecture;
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};

use crate::checksum::checksum;
use crate::entries::{Entry, entries};
use crate::error::ModelError;
use crate::kernels::Kernels;
use crate::network::Network;
use crate::state::{Found, check_state};

/// The version of checkpoints that this crate writes. It reads [`CHECKPOINT_FORMAT_WITHOUT_CHECKSUM`] too.
pub const CHECKPOINT_FORMAT: u32 = 2;

/// The version of checkpoints that have no checksum: what was changed in one of them cannot be told.
pub const CHECKPOINT_FORMAT_WITHOUT_CHECKSUM: u32 = 1;

/// What a caller has to say of a network that is kept: of which recipe and run it is, how often it
/// is right.
pub type Metadata = BTreeMap<String, String>;

/// The one key of the file's metadata. One, because the format keeps them in no order, and the same
/// network is to give the same bytes.
const KEY: &str = "pairnet";

/// More than the header of a safetensors file can have.
const MOST_OF_HEADER: u64 = 100_000_000;

/// What is under the key, as JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    format: u32,
    network: Architecture,
    metadata: Metadata,
    /// Of the other fields and of every tensor ([`checksum`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checksum: Option<String>,
}

impl Description {
    /// What the header of a file says, before any of its tensors is looked at.
    fn of(header: &safetensors::tensor::Metadata) -> Result<Self, ModelError> {
        let text = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let text = text.ok_or(ModelError::NoDescription { key: KEY })?;
        let Version { format } = serde_json::from_str(text)?;
        if format != CHECKPOINT_FORMAT && format != CHECKPOINT_FORMAT_WITHOUT_CHECKSUM {
            let found = format.to_string();
            return Err(ModelError::Format { found, readable: CHECKPOINT_FORMAT });
        }
        let description: Self = serde_json::from_str(text)?;
        if description.checksum.is_some() == (description.format == CHECKPOINT_FORMAT) {
            Ok(description)
        } else {
            Err(ModelError::Checksum)
        }
    }

    /// Bytes of the network's tensors, in the largest dtype.
    fn most_bytes(&self) -> u64 {
        let layers = self.network.layers();
        let entries = layers.flat_map(|(name, layer)| entries(&name, layer));
        entries.map(|entry| entry.shape.iter().product::<usize>() as u64 * 8).sum()
    }
}

#[derive(Deserialize)]
struct Version {
    format: serde_json::Value,
}

impl Network {
    /// Writes [`Network::state`] to `path`, whole or not at all: a safetensors file, whose metadata
    /// has the architecture and what the caller adds. The same network gives the same bytes.
    ///
    /// ```
    /// # use candle_core::{DType, Device};
    /// # use pairnet_models::{Kernels, Metadata, Network, variant};
    /// # use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (folder, mut rng) = (tempfile::tempdir()?, ChaCha8Rng::seed_from_u64(0));
    /// # let network =
    /// #     Network::new(variant("mlp-ws")?, Kernels::Fused, &mut rng, DType::F32, &Device::Cpu)?;
    /// let path = folder.path().join("mlp-ws.safetensors");
    /// network.save(&path, &Metadata::from([("recipe".to_owned(), "paper".to_owned())]))?;
    ///
    /// let (again, metadata) = Network::load(&path, Kernels::Fused, &Device::Cpu)?;
    /// assert_eq!(again.architecture(), network.architecture());
    /// assert_eq!(metadata["recipe"], "paper");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// In Python, `safetensors.torch.load_file(path)` has the tensors, and
    /// `json.loads(safe_open(path, "pt").metadata()["pairnet"])` the rest: `format`, `network`,
    /// `metadata` and `checksum` ([`checksum`](crate::checksum())).
    ///
    /// A program that is killed meanwhile leaves a file beside it, `.NAME….pairnet-part`.
    ///
    /// # Errors
    ///
    /// Where the file cannot be written: what was there before is there still.
    pub fn save(&self, path: &Path, metadata: &Metadata) -> Result<(), ModelError> {
        let bytes = self.to_safetensors(metadata)?;
        write(path, &bytes).map_err(|source| ModelError::Write { path: path.to_owned(), source })
    }

    /// The network in the file `path`, with what [`Network::save`] was told beside it.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read, is not a whole safetensors file, was changed since it was written,
    /// has no description or that of another version, or its tensors are not those of the network that it
    /// describes. Before all of this is known nothing is allocated but for its header and as much as the
    /// network has that this describes.
    ///
    /// A file of [`CHECKPOINT_FORMAT_WITHOUT_CHECKSUM`] is read as it is: whether its numbers are those that
    /// were written cannot be told. [`Network::save`] gives it a checksum.
    pub fn load(
        path: &Path,
        kernels: Kernels,
        device: &Device,
    ) -> Result<(Self, Metadata), ModelError> {
        Self::from_safetensors(&checkpoint_bytes(path)?, kernels, device)
            .map_err(|source| ModelError::File { path: path.to_owned(), source: Box::new(source) })
    }

    /// The bytes that [`Network::save`] writes.
    ///
    /// # Errors
    ///
    /// Where the device has no memory left.
    pub fn to_safetensors(&self, metadata: &Metadata) -> Result<Vec<u8>, ModelError> {
        let mut tensors = Vec::new();
        for (name, tensor) in self.state()? {
            tensors.push((name, tensor.to_device(&Device::Cpu)?));
        }
        let mut description = Description {
            format: CHECKPOINT_FORMAT,
            network: self.architecture().clone(),
            metadata: metadata.clone(),
            checksum: None,
        };
        let named = tensors.iter().map(|(name, tensor)| (name, tensor));
        description.checksum = Some(checksum(&description, named)?);
        let beside = HashMap::from([(KEY.to_owned(), serde_json::to_string(&description)?)]);
        Ok(safetensors::serialize(tensors, Some(beside))?)
    }

    /// The network in the bytes of a file, as [`Network::load`] has it.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn from_safetensors(
        bytes: &[u8],
        kernels: Kernels,
        device: &Device,
    ) -> Result<(Self, Metadata), ModelError> {
        let (_, header) = SafeTensors::read_metadata(bytes)
            .map_err(|error| if is_pickle(bytes) { ModelError::Pickle } else { error.into() })?;
        let description = Description::of(&header)?;
        let file = SafeTensors::deserialize(bytes)?;
        if let Some(stated) = &description.checksum
            && *stated != checksum(&description, file.iter())?
        {
            return Err(ModelError::Checksum);
        }
        let Description { network, metadata, .. } = description;
        let infos = header.tensors();
        let dtype = infos.values().find_map(|info| DType::try_from(info.dtype).ok());
        let dtype = dtype.filter(DType::is_float).unwrap_or(DType::F32);
        let found = infos.iter().map(|(name, info)| Found {
            name,
            shape: &info.shape,
            dtype: info.dtype.to_string().to_lowercase(),
        });
        check_state(&network, dtype, found)?;
        let mut give = |entry: &Entry| -> Result<Tensor, ModelError> {
            Ok(file.tensor(&entry.name)?.load(device)?)
        };
        let network = Self::given(&network, kernels, dtype, device, &mut give)?;
        Ok((network, metadata))
    }
}

/// All bytes of a network's file, as far as its header goes and no more than the network has that this
/// describes: enough for [`Network::from_safetensors`], which checks all else.
///
/// # Errors
///
/// Where the file cannot be read, is longer than that, or its header describes no network.
pub fn checkpoint_bytes(path: &Path) -> Result<Vec<u8>, ModelError> {
    read(path)
        .map_err(|source| ModelError::Read { path: path.to_owned(), source })?
        .map_err(|source| ModelError::File { path: path.to_owned(), source: Box::new(source) })
}

/// Whether bytes that are no safetensors file begin as an archive does, or a pickle of protocol 2 to 5
/// (Python's `pickletools`: PROTO, and its version).
fn is_pickle(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || matches!(bytes, [0x80, 2..=5, ..])
}

/// Of what is no network's file, as much as shows that.
fn read(path: &Path) -> io::Result<Result<Vec<u8>, ModelError>> {
    // A pipe or a device would have no end; and one that is opened waits.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
    }
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    (&file).take(8).read_to_end(&mut bytes)?;
    let header = bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    if header <= MOST_OF_HEADER {
        (&file).take(header).read_to_end(&mut bytes)?;
    }
    let Ok(header) = serde_json::from_slice(bytes.get(8..).unwrap_or_default()) else {
        return Ok(Ok(bytes));
    };
    let most = match Description::of(&header) {
        Ok(description) => bytes.len() as u64 + description.most_bytes(),
        Err(error) => return Ok(Err(error)),
    };
    if length > most {
        return Ok(Err(ModelError::TooLong { length, most }));
    }
    // It may grow meanwhile.
    file.take(most - bytes.len() as u64).read_to_end(&mut bytes)?;
    Ok(Ok(bytes))
}

/// Beside `path`, then under its name.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(name);
    let mut aside = tempfile::Builder::new();
    aside.prefix(&prefix).suffix(".pairnet-part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any new file: the caller's mask is taken from it.
        aside.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = aside.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    // So that the new name outlives a power cut too, on systems that can sync a folder.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

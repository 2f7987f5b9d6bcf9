//! Trained networks, kept with what is known of them.

use std::path::{Path, PathBuf};

use candle_core::Device;
use pairnet_models::{Kernels, Metadata, Network, variant};
use pairnet_record::{Provenance, Record, write_atomically};

use crate::TrainingError;
use crate::scale::PixelScale;

/// A trained network, and what it has to be shown.
#[derive(Debug)]
pub struct Trained {
    /// The network.
    pub network: Network,
    /// What pixels are made into before it sees them.
    pub scale: PixelScale,
}

/// A network from a file, and what is known of it.
#[derive(Debug)]
pub struct Kept {
    /// The network, on the CPU.
    pub trained: Trained,
    /// What [`keep`] wrote beside it, if it was that.
    pub known: Metadata,
}

/// Where the metadata has the scale of the pixels; nowhere where they are left as they are.
const SCALE: [&str; 2] = ["pixel_shift", "pixel_divisor"];

impl Kept {
    /// Reads what [`keep`] has written.
    ///
    /// # Errors
    ///
    /// As [`Network::load`], and where the scale of the pixels is no number.
    pub fn load(path: &Path) -> Result<Self, TrainingError> {
        let (network, known) =
            Network::load(path, Kernels::Fused, &Device::Cpu).map_err(TrainingError::Network)?;
        let number = |name: &str, otherwise: f64| match known.get(name) {
            None => Ok(otherwise),
            Some(text) => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(number),
                _ => Err(TrainingError::Scale {
                    path: path.to_owned(),
                    name: name.to_owned(),
                    value: text.clone(),
                }),
            },
        };
        let [shift, divisor] = SCALE;
        let scale = PixelScale {
            shift: number(shift, PixelScale::RAW.shift)?,
            divisor: number(divisor, PixelScale::RAW.divisor)?,
        };
        Ok(Self { trained: Trained { network, scale }, known })
    }

    /// Whether it is the network of this run of a network of its name, where `follows_from` is that of the run's
    /// record.
    pub fn is_of_run(&self, run: usize, follows_from: &str) -> bool {
        let known = |name: &str| self.known.get(name).map(String::as_str);
        known("follows_from") == Some(follows_from) && known("run") == Some(&*run.to_string())
    }

    /// Whether it is the network that this is the record of.
    pub fn is_of(&self, record: &Record) -> bool {
        self.name() == record.variant && self.is_of_run(record.run, &record.follows_from)
    }

    /// The network's name.
    pub fn name(&self) -> &str {
        &self.trained.network.architecture().name
    }

    /// Where it comes from, in words: recipe, seed, run and accuracies, as far as they are known.
    pub fn origin(&self) -> String {
        let known = |name: &str| self.known.get(name).map(String::as_str);
        let mut words = Vec::new();
        for name in ["recipe", "seed", "run"] {
            words.extend(known(name).map(|value| format!("{name} {value}")));
        }
        words.extend(self.accuracies());
        words.join(", ")
    }

    /// How often it was right in its training, in words: `99.9 % of its training pairs`, and of its
    /// test pairs.
    pub fn accuracies(&self) -> impl Iterator<Item = String> {
        let named = [("train_accuracy", "training"), ("test_accuracy", "test")];
        named.into_iter().filter_map(|(name, split)| {
            let percent: f64 = self.known.get(name)?.parse().ok()?;
            Some(format!("{percent:.1} % of its {split} pairs"))
        })
    }
}

/// The file that `asked` means: of the networks in the workspace's `data/networks` where it is the bare
/// name of one, else itself.
pub fn kept_path(asked: &Path, workspace: &Path) -> PathBuf {
    match asked.to_str().and_then(|name| variant(name).ok()) {
        Some(variant) => shipped_path(workspace, &variant.name),
        None => asked.to_owned(),
    }
}

/// Where the workspace has its trained network of that name.
pub fn shipped_path(workspace: &Path, variant: &str) -> PathBuf {
    workspace.join("data/networks").join(format!("{variant}.safetensors"))
}

/// `networks/<recipe>/<variant>/<run>.safetensors` in a sweep's folder.
pub fn network_path(dir: &Path, recipe: &str, variant: &str, run: usize) -> PathBuf {
    dir.join("networks").join(recipe).join(variant).join(format!("{run}.safetensors"))
}

/// Writes a trained network to `path`, whole or not at all: what [`Network::save`] writes, with recipe, seed,
/// run, `follows_from` and accuracies (percent) of its record, version and revision of the program, and the
/// instruction set of its kernels ([`pairnet_ops::instructions`]), on which rounding depends. Where the
/// pixels were scaled, `pixel_shift` and `pixel_divisor` are there too ([`PixelScale`]).
///
/// # Errors
///
/// Where the file cannot be written.
pub fn keep(
    path: &Path,
    trained: &Trained,
    record: &Record,
    program: &Provenance,
) -> Result<(), TrainingError> {
    let accuracy = |accuracy: Option<f64>| accuracy.map(|percent| percent.to_string());
    let Trained { network, scale } = trained;
    let scaled = |value: f64| (*scale != PixelScale::RAW).then(|| value.to_string());
    let known = [
        (SCALE[0], scaled(scale.shift)),
        (SCALE[1], scaled(scale.divisor)),
        ("recipe", Some(record.recipe.clone())),
        ("seed", Some(record.seed.to_string())),
        ("run", Some(record.run.to_string())),
        ("follows_from", Some(record.follows_from.clone())),
        ("train_accuracy", accuracy(record.train_accuracy)),
        ("test_accuracy", accuracy(record.test_accuracy)),
        ("version", Some(program.version.clone())),
        ("revision", program.git_revision.clone()),
        // A GPU has others.
        ("instructions", network.device().is_cpu().then(|| pairnet_ops::instructions().to_owned())),
    ];
    let known = known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let bytes = network.to_safetensors(&known.collect()).map_err(TrainingError::Network)?;
    // Not `Network::save`: a run that is made again takes the file that a killed one was writing.
    Ok(write_atomically(path, &bytes)?)
}

//! Digits and kept networks, as the commands that ask networks need them.

use std::path::Path;

use anyhow::{Context, Result};
use candle_core::Device;
use pairnet_data::Mnist;
use pairnet_models::{Kernels, Metadata, Network};

/// A network from a file, and what is known of it.
pub(crate) struct Kept {
    pub(crate) network: Network,
    pub(crate) known: Metadata,
}

impl Kept {
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let (network, known) = Network::load(path, Kernels::Fused, &Device::Cpu)
            .context("a network is a file that train --save or reproduce --keep has written")?;
        Ok(Self { network, known })
    }

    pub(crate) fn name(&self) -> &str {
        &self.network.architecture().name
    }

    /// Where it comes from, in words.
    pub(crate) fn origin(&self) -> String {
        let known = |name: &str| self.known.get(name).map(String::as_str);
        let mut words = Vec::new();
        for name in ["recipe", "seed", "run"] {
            words.extend(known(name).map(|value| format!("{name} {value}")));
        }
        for (name, split) in [("train_accuracy", "training"), ("test_accuracy", "test")] {
            let percent = known(name).and_then(|value| value.parse::<f64>().ok());
            words.extend(percent.map(|percent| format!("{percent:.1} % of its {split} pairs")));
        }
        words.join(", ")
    }
}

/// Digits from a folder of the user's, else those that are shipped.
pub(crate) fn digits(dir: Option<&Path>) -> Result<Mnist> {
    Ok(match dir {
        Some(dir) => Mnist::from_dir(dir)?,
        None => Mnist::shipped()?,
    })
}

//! `cargo xtask data`: MNIST fetched and verified.

use std::path::{Path, PathBuf};

use anyhow::Result;
#[cfg(feature = "hub")]
use indicatif::{ProgressBar, ProgressStyle};
use pairnet_data::Mnist;
#[cfg(feature = "hub")]
use pairnet_data::hub::{Options, Progress};

use pairnet_terminal::print;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Fetch MNIST from the Hugging Face hub and check that it is the shipped data
    Fetch(Fetch),
    /// Say whether the digits are MNIST as shipped, and print their files' SHA-256
    ///
    /// Exit code 1 where they are others, or cannot be read.
    Verify {
        /// Folder of MNIST files (IDX, plain or gzip) [default: the shipped ones]
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
    },
}

#[derive(clap::Args)]
pub(crate) struct Fetch {
    /// Folder to write the four IDX files to, for --data-dir [default: only the hub's cache]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn data(command: &Command) -> Result<()> {
    match command {
        Command::Fetch(arguments) => fetch(arguments),
        Command::Verify { data_dir } => verify(data_dir.as_deref()),
    }
}

fn verify(data_dir: Option<&Path>) -> Result<()> {
    let (mnist, origin) = match data_dir {
        Some(dir) => (Mnist::from_dir(dir)?, dir.display().to_string()),
        None => (Mnist::shipped()?, "the shipped files".to_owned()),
    };
    let identity = mnist.identity()?;
    let (train, test) = (mnist.train.len(), mnist.test.len());
    let mut text = format!("{identity}\n{train} training and {test} test digits in {origin}\n");
    for (file, checksum) in &mnist.checksums {
        text += &format!("{checksum}  {file}\n");
    }
    print(&text)?;
    anyhow::ensure!(identity.is_shipped(), "{origin} does not hold MNIST as shipped");
    Ok(())
}

#[cfg(feature = "hub")]
fn fetch(arguments: &Fetch) -> Result<()> {
    let bar = Bar::new();
    let mnist = pairnet_data::hub::fetch(&Options::default(), &mut |progress| bar.tell(&progress));
    bar.0.finish_and_clear();
    let mnist = mnist?;
    print(&format!(
        "fetched {} training and {} test digits; they are the shipped data\n",
        mnist.train.len(),
        mnist.test.len()
    ))?;
    if let Some(dir) = &arguments.out {
        mnist.write_idx(dir)?;
        pairnet_terminal::note(format_args!(
            "wrote IDX files to {}; use them with --data-dir",
            dir.display()
        ));
    }
    Ok(())
}

/// How much of a file has come, on a terminal; elsewhere nothing, but that a file is tried again.
#[cfg(feature = "hub")]
struct Bar(ProgressBar);

#[cfg(feature = "hub")]
impl Bar {
    fn new() -> Self {
        // Hidden where standard error is no terminal.
        let bar = ProgressBar::new(0);
        let style =
            ProgressStyle::with_template("{bar:32} {bytes}/{total_bytes}, {eta} to go  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(bar)
    }

    fn tell(&self, progress: &Progress<'_>) {
        match progress {
            Progress::Received { file, done, all } => {
                self.0.set_length(all.unwrap_or(*done));
                self.0.set_position(*done);
                self.0.set_message((*file).to_owned());
            }
            Progress::Waiting { reason, wait, .. } => {
                let seconds = wait.as_secs();
                self.0.suspend(|| {
                    pairnet_terminal::note(format_args!("{reason}; again in {seconds} seconds"))
                });
            }
            _ => {}
        }
    }
}

#[cfg(not(feature = "hub"))]
fn fetch(_arguments: &Fetch) -> Result<()> {
    anyhow::bail!(
        "this build cannot reach the hub: MNIST is shipped, and fetching it again needs the feature 'hub'. Type\n  \
         cargo run --release --package xtask --features hub -- data fetch"
    )
}

/// Digits from a folder of the user's, else those that are shipped.
pub(crate) fn digits(dir: Option<&Path>) -> Result<Mnist> {
    Ok(match dir {
        Some(dir) => Mnist::from_dir(dir)?,
        None => Mnist::shipped()?,
    })
}

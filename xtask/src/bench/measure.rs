//! Wall times, each of one thing on an otherwise idle machine.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use candle_core::Device;
use pairnet_data::Mnist;
use pairnet_models::{Architecture, Kernels};
use pairnet_ops::linear;
use pairnet_record::{Owner, Record};
use pairnet_training::{Job, Recipe, Setup, Workers, sweep};

/// What it ran on.
pub(crate) struct Machine {
    pub(crate) name: String,
    pub(crate) cores: usize,
}

impl Machine {
    pub(crate) fn here() -> Self {
        Self {
            name: crate::provenance::machine(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// One round; each list has an entry a variant, in seconds a run.
pub(crate) struct Measurement {
    /// GFLOP/s of matrix products, all cores together.
    pub(crate) sgemm: f64,
    pub(crate) ours: Vec<f64>,
    pub(crate) alone_one_thread: Vec<f64>,
    pub(crate) alone_all_threads: Vec<f64>,
    pub(crate) stock: Vec<f64>,
    pub(crate) pytorch: Vec<f64>,
}

impl Measurement {
    pub(crate) fn new(sgemm: f64) -> Self {
        Self {
            sgemm,
            ours: Vec::new(),
            alone_one_thread: Vec::new(),
            alone_all_threads: Vec::new(),
            stock: Vec::new(),
            pytorch: Vec::new(),
        }
    }
}

/// Seconds a run of a sweep of this variant: wall time over runs.
pub(crate) fn measure_ours(
    recipe: &Recipe,
    variant: &Architecture,
    kernels: Kernels,
    data: &Mnist,
    (runs, workers): (usize, usize),
    threads: usize,
    stop: &AtomicBool,
) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let jobs: Vec<Job<'_>> = (0..runs).map(|run| Job { recipe, variant, run }).collect();
    let setup = Setup { device: Device::Cpu, kernels, test_every_epoch: false, keep: None };
    let workers = Workers { count: workers, threads };
    let owner = Owner::take(folder.path(), "cargo xtask bench")?;
    let start = Instant::now();
    let failed = sweep(&owner, (&jobs, 0), data, &setup, workers, stop, &|_| {})?;
    none_failed(&failed)?;
    Ok(start.elapsed().as_secs_f64() / runs as f64)
}

/// The time of a run that failed says nothing.
fn none_failed(failed: &[Record]) -> Result<()> {
    match failed.first().and_then(|record| record.failure.as_ref()) {
        Some(failure) => bail!("a run failed: {}", failure.reason),
        None => Ok(()),
    }
}

/// Seconds that a run of this variant takes alone: on one thread, and on as many as there are cores.
///
/// In turn, several times, since a processor is not as fast at one moment as at the next. These are the
/// runs' own seconds, as their records tell them: without starting threads and writing files.
pub(crate) fn measure_alone(
    recipe: &Recipe,
    variant: &Architecture,
    data: &Mnist,
    cores: usize,
    stop: &AtomicBool,
) -> Result<(f64, f64)> {
    const TIMES: usize = 5;
    let folder = tempfile::tempdir()?;
    let setup =
        Setup { device: Device::Cpu, kernels: Kernels::Fused, test_every_epoch: false, keep: None };
    let owner = Owner::take(folder.path(), "cargo xtask bench")?;
    let seconds = |threads: usize| -> Result<f64> {
        let own = Mutex::new(0.0);
        let workers = Workers { count: 1, threads };
        let job = [Job { recipe, variant, run: 0 }];
        let finished = |record: &Record| {
            if let Ok(mut own) = own.lock() {
                *own = record.timing.seconds;
            }
        };
        none_failed(&sweep(&owner, (&job, 0), data, &setup, workers, stop, &finished)?)?;
        Ok(own.into_inner().unwrap_or_default())
    };
    let (mut one, mut all) = (0.0, 0.0);
    for _ in 0..TIMES {
        one += seconds(1)?;
        all += seconds(cores)?;
    }
    Ok((one / TIMES as f64, all / TIMES as f64))
}

/// Seconds a run of PyTorch at its best: as many processes of one thread as there are cores. What
/// the script measures is without starting processes and reading the data.
pub(crate) fn measure_pytorch(
    python: &Path,
    script: &Path,
    recipe: &str,
    variant: &str,
    runs: usize,
    processes: usize,
) -> Result<f64> {
    let output = Command::new(python)
        .arg(script)
        .args(["--recipe", recipe, "--variants", variant])
        .args(["--runs", &runs.to_string(), "--processes", &processes.to_string()])
        .output()
        .with_context(|| format!("failed to start {}", python.display()))?;
    if !output.status.success() {
        bail!("{} failed: {}", script.display(), String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout)?;
    let first = text.lines().next().context("PyTorch's script printed nothing")?;
    let line: serde_json::Value = serde_json::from_str(first)?;
    let seconds = line.get("seconds").and_then(serde_json::Value::as_f64);
    Ok(seconds.with_context(|| format!("no seconds in '{first}'"))? / runs as f64)
}

/// GFLOP/s of 512×512×512 matrix products in f32, one stream of them a core.
pub(crate) fn multiply_speed(cores: usize) -> Result<f64> {
    const SIZE: usize = 512;
    const TIMES: usize = 60;
    let start = Instant::now();
    let work = || -> candle_core::Result<()> {
        let matrix =
            candle_core::Tensor::ones((SIZE, SIZE), candle_core::DType::F32, &Device::Cpu)?;
        let bias = matrix.get(0)?;
        for _ in 0..TIMES {
            linear(&matrix, &matrix, Some(&bias))?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
                    Ok(pool.install(work)?)
                })
            })
            .collect();
        for thread in threads {
            match thread.join() {
                Ok(result) => result?,
                Err(_) => bail!("a thread of matrix products panicked"),
            }
        }
        Ok(())
    })?;
    let operations = 2.0 * (SIZE as f64).powi(3) * TIMES as f64 * cores as f64;
    Ok(operations / start.elapsed().as_secs_f64() / 1e9)
}

//! What the examples share: many trainings side by side, and the mean of what they measured.

use std::error::Error;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use candle_core::Device;
use pairnet_data::Mnist;
use pairnet_models::Kernels;
use pairnet_training::{Job, Setup, TrainingError, run};

/// The test accuracy of each job with its seed, in percent; `None` where the run failed.
pub(crate) fn test_accuracies(jobs: &[(Job<'_>, u64)]) -> Result<Vec<Option<f64>>, Box<dyn Error>> {
    let data = Mnist::shipped()?;
    let setup =
        Setup { device: Device::Cpu, kernels: Kernels::Fused, test_every_epoch: false, keep: None };
    let accuracies = Mutex::new(vec![None; jobs.len()]);
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = || -> Result<(), TrainingError> {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some((job, seed)) = jobs.get(index) else { return Ok(()) };
            let coordinates = (job.run, *seed);
            let finished = run(job.recipe, job.variant, coordinates, &data, &setup, &stop)?;
            if let Ok(mut accuracies) = accuracies.lock() {
                accuracies[index] = finished.record.test_accuracy;
            }
        }
    };
    std::thread::scope(|scope| {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })?;
    Ok(accuracies.into_inner()?)
}

/// Mean and sample variance.
pub(crate) fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, squares / (count - 1.0))
}

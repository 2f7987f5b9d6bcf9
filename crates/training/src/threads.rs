//! Threads for work that comes in many parts.

use crate::TrainingError;

/// `work` on so many threads of its own, 0 for as many as there are processors: where none can be started, the pool
/// that all of a program shares would panic.
///
/// # Errors
///
/// [`TrainingError::Threads`] where they cannot be started.
pub(crate) fn on_threads<R: Send>(
    count: usize,
    work: impl FnOnce() -> R + Send,
) -> Result<R, TrainingError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build();
    Ok(pool.map_err(|error| TrainingError::Threads(error.into()))?.install(work))
}

/// Starts the threads that all of a program shares, on which ops compute outside of a sweep: the first op would start
/// them, and panic where they cannot be started.
///
/// # Errors
///
/// [`TrainingError::Threads`] where they cannot be started, or run already.
pub fn start_threads() -> Result<(), TrainingError> {
    let started = rayon::ThreadPoolBuilder::new().build_global();
    started.map_err(|error| TrainingError::Threads(error.into()))
}

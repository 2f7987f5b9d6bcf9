//! The report on sweeps that were never trained.

mod outputs;
mod refusals;
mod sweeps;

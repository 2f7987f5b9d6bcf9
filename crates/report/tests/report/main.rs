//! The report on sweeps that were never trained.

mod browser;
mod figures;
mod outputs;
mod pictured;
mod quoted;
mod refusals;
mod studies;
mod study;
mod sweeps;

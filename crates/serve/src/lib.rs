//! A page to draw two digits on, and the server behind it.
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//!
//! use pairnet_serve::{Answer, Network, Samples, Served, listen, serve};
//!
//! let brightness = Network {
//!     name: "brightness".to_owned(),
//!     recipe: "none".to_owned(),
//!     note: "compares the ink, and was never trained".to_owned(),
//!     answer: Box::new(|pair| {
//!         let ink = |digit: &[u8; 784]| digit.iter().map(|&level| f64::from(level)).sum::<f64>();
//!         let apart = (ink(&pair[1]) - ink(&pair[0])) / 10_000.0;
//!         Ok(Answer { probability: 1.0 / (1.0 + (-apart).exp()), digits: None })
//!     }),
//! };
//! let served =
//!     Served { networks: vec![brightness], samples: Samples::none(), hosts: Vec::new() };
//!
//! let listener = listen("127.0.0.1:0".parse().unwrap())?;
//! let _address = listener.local_addr(); // what to open in a browser
//! let stop = AtomicBool::new(false); // set it, and the server ends
//! # stop.store(true, std::sync::atomic::Ordering::SeqCst);
//! serve(listener, served, &stop)?;
//! # Ok::<(), pairnet_serve::ServeError>(())
//! ```
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | the page: one HTML file, which asks for nothing but what follows |
//! | `GET /networks` | `{"networks": [{"name", "recipe", "note"}], "samples": n}` |
//! | `GET /samples/K` | `{"sample": {"index", "classes": [a, b]}, …}`, for K below n, and the answers to it |
//! | `POST /answers` | `{"sample": null, "digits", "seen", "answers"}` |
//!
//! A `POST` carries two drawings of 112×112 grey levels, first then second, row by row, as 25,088 bytes of
//! `application/octet-stream`. `digits` are the two as MNIST would have them (28×28, 0 to 255), `seen` their
//! means over 2×2 pixels (14×14), which is what networks see. `answers` has for each network, in the order of
//! `/networks`, `{"probability", "holds", "digits", "error"}`: of *first ≤ second*, whether it is above ½, two
//! times ten probabilities or null, and null or why it could not answer.
//!
//! What is wrong with a request is told by a status of 4xx and `{"error": "…"}`; what is not HTTP at all gets a bare
//! 4xx. Requests are bounded in size and time, connections in number and life ([`limits`]); answers are
//! computed on threads of their own, no more at once than there are cores. Names under which the server is not
//! known are refused, so that no page elsewhere can reach it by a name that it has bent to this machine (DNS
//! rebinding).
//!
//! This crate knows no network and no data set: what answers is handed in.

mod ask;
mod error;
mod guard;
mod host;
pub mod limits;
mod page;
mod refusal;
mod routes;
mod served;
mod server;

pub use error::{HostError, ServeError};
pub use host::Host;
pub use served::{Answer, Ask, Digit, Network, Pair, Sample, Samples, Served};
pub use server::{listen, serve};

/// The snippets of the README, which are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

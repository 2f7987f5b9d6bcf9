//! What a network that compares two digits is made of, as a value: read from a file, checked, and
//! enough to build the network from.
//!
//! ```
//! use pairnet_network::{Architecture, Branch, BranchOutput, Layer, Step};
//!
//! let network = Architecture {
//!     name: "small".to_owned(),
//!     backbone: "mlp".to_owned(),
//!     weight_sharing: true,
//!     auxiliary_loss: true,
//!     branch: Some(Branch {
//!         layers: vec![
//!             Layer::linear(14 * 14, 50, &[Step::Relu, Step::BatchNorm]),
//!             Layer::linear(50, 10, &[]),
//!         ],
//!         output: BranchOutput::Digits,
//!     }),
//!     comparator: vec![Layer::linear(20, 30, &[Step::Relu]), Layer::linear(31, 1, &[])],
//! };
//! let error = network.check().unwrap_err().to_string();
//! assert_eq!(error, "comparator.1 takes 31 inputs, comparator.0 gives 30");
//! ```
//!
//! Two digits of 14×14 pixels come in, one logit goes out. With a branch, each digit goes through
//! it, and the comparator sees both results side by side; without one, the comparator sees the pair
//! as an image of two channels. Layers are named as in a network's state: `branch.0`, or `branch0.0`
//! and `branch1.0` where each digit has weights of its own, and `comparator.0`.
//!
//! As JSON, a network has the fields of [`Architecture`] and the count of its parameters, a layer
//! `kind`, `inputs`, `outputs`, `kernel` and `steps`, and a step is text: `relu`, `batch-norm`,
//! `max-pool`, `dropout 0.5`. What is read has been checked ([`Architecture::check`]); a count of
//! parameters may be left out, and one that is wrong is an error.

mod architecture;
mod arithmetic;
mod error;
mod layer;
mod sizes;
mod written;

pub use architecture::{Architecture, Branch, BranchOutput, MOST_PARAMETERS, SIDE};
pub use arithmetic::MultiplyAdds;
pub use error::ArchitectureError;
pub use layer::{Layer, Step, UnknownStep, Weights};

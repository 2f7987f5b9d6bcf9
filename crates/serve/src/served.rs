//! What is handed in: networks that answer, and pairs to start from.

use crate::error::ServeError;
use crate::host::Host;

/// A digit as MNIST has it: 28×28 grey levels, row by row, light on dark.
pub type Digit = [u8; 28 * 28];

/// The first digit and the second.
pub type Pair = [Digit; 2];

/// Something that says whether the first digit of a pair is at most the second.
pub struct Network {
    /// Its name: `lenet5-ws-al`, say.
    pub name: String,
    /// How it was trained, by name; may be empty.
    pub recipe: String,
    /// What else there is to know of it, in a few words: "99.9 % of training pairs, 97.1 % of test pairs".
    pub note: String,
    /// Called from several threads at once. What it says is wrong is shown in its place; where it panics, the
    /// request fails and the server goes on.
    pub answer: Box<Ask>,
}

/// From a pair to an answer, or to why there is none.
pub type Ask = dyn Fn(&Pair) -> Result<Answer, String> + Send + Sync;

/// What a network makes of a pair.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The probability of *first ≤ second*, from 0 to 1.
    pub probability: f64,
    /// The probabilities of 0 to 9 for each of the two digits, where the network has these outputs.
    pub digits: Option<[[f64; 10]; 2]>,
}

/// Pairs to start from.
pub struct Samples {
    /// How many there are.
    pub count: usize,
    /// The pair of each index below `count`. Called from several threads at once.
    pub pair: Box<dyn Fn(usize) -> Sample + Send + Sync>,
}

impl Samples {
    /// No pair to start from.
    pub fn none() -> Self {
        // No index is below 0.
        Self { count: 0, pair: Box::new(|_| Sample { digits: [[0; 784]; 2], classes: [0; 2] }) }
    }
}

/// A pair whose digits are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The two images.
    pub digits: Pair,
    /// What they show: 0 to 9.
    pub classes: [u8; 2],
}

/// All that a server serves.
pub struct Served {
    /// Who answers, in the order in which they are shown.
    pub networks: Vec<Network>,
    /// What to start from.
    pub samples: Samples,
    /// Names under which the server is known, beside `localhost`, the loopback addresses and the address at
    /// which a client has reached it.
    pub hosts: Vec<Host>,
}

impl Served {
    pub(crate) fn checked(self) -> Result<Self, ServeError> {
        if self.networks.is_empty() { Err(ServeError::NoNetworks) } else { Ok(self) }
    }
}

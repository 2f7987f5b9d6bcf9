//! Why there is no server.

use std::io;
use std::net::SocketAddr;

/// Why the server did not start. Once it runs, no client ends it.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Nobody would answer.
    #[error("there is no network that could answer")]
    NoNetworks,
    /// The address cannot be listened on.
    #[error("failed to listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The system refuses what a server needs.
    #[error("failed to start the server: {0}")]
    Start(io::Error),
}

/// What no request would name as its host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{text}' is not the name of a host: write it as in box.example, without http://, port or path, or as \
     an address"
)]
pub struct HostError {
    /// What was given.
    pub text: String,
}

//! How much of everything a client gets.

use std::time::Duration;

/// Rows, and columns, of a drawing.
pub const DRAWING_SIDE: usize = 112;
/// Bytes of two drawings.
pub const DRAWINGS: usize = 2 * DRAWING_SIDE * DRAWING_SIDE;
/// Bytes of a body that are read and dropped, so that a client that sent too many gets to read why it was
/// refused.
pub const DROPPED: usize = 1 << 20;
/// Bytes of a request's first line and headers.
pub const HEADERS: usize = 16 << 10;
/// Connections at once; more wait until one is free.
pub const CONNECTIONS: usize = 256;
/// From one request's end, or the connection's beginning, to the end of the next one's headers.
pub const HEADERS_WITHIN: Duration = Duration::from_secs(5);
/// From the end of the headers to that of the body.
pub const BODY_WITHIN: Duration = Duration::from_secs(5);
/// From the end of the body to the last network's answer.
pub const ANSWERS_WITHIN: Duration = Duration::from_secs(20);
/// How old a connection gets before it is asked to end; a browser opens another without a word.
pub const CONNECTION_LIFE: Duration = Duration::from_secs(120);
/// How long a connection that was asked to end may take to answer what it was asked.
pub const GRACE: Duration = Duration::from_secs(25);
/// The same, once the server was asked to end.
pub const LAST_GRACE: Duration = Duration::from_secs(1);

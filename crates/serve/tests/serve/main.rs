//! The server and its page, from outside.

mod client;
mod garbage;
mod requests;
mod stand;

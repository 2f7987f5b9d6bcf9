//! The server and its page, from outside.

mod browser;
mod client;
mod garbage;
mod requests;
mod stand;

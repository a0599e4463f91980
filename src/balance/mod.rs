//! The balancer: a process of its own that stands before the processes of an app and gives each
//! request, or connection, to one of them (acceptance rows A10, C2, K6, K21).
//!
//! ```text
//!   daemon ── table (a file) ──▶ balancer ── status (a socket) ──▶ daemon
//!                                 ▲   │ HTTP: a request each, TCP: a connection each
//!   clients ── held socket ───────┘   └──▶ 127.0.0.1:PORT of each process that is in service
//! ```
//!
//! The keeper runs it like any service and holds its listening socket, so nobody is refused while it
//! is replaced. What it knows is in the [`table`], a file: that outlives the daemon and the balancer
//! itself, which therefore begins with the last knowledge.
//!
//! It decides nothing about processes. Who is in service is said by the daemon; that a connection is
//! refused it sees itself, and tries another process before anything was sent. A process that
//! leaves gets nothing new; that it has nothing left to answer is read from the [`status`].
//!
//! | question | where |
//! |---|---|
//! | who is there, and who is next | [`table`], [`fleet`], [`backend`], [`choose`] |
//! | what happens to a request | [`http`], [`headers`], [`body`], [`alarm`] |
//! | how a process is reached | [`pool`], [`connect`], [`socket`] |
//! | what happens to a connection | [`tcp`], [`prospect`] |
//! | how it begins and ends | [`serve`], [`silence`], [`watch`] |
//! | on which thread | [`workers`] |
//!
//! What is absent: it has no route to the keeper or the store, and reads no definition.

mod alarm;
mod backend;
mod body;
mod choose;
mod connect;
mod fleet;
mod headers;
mod http;
mod pool;
mod prospect;
mod serve;
mod silence;
mod socket;
pub mod status;
pub mod table;
mod tcp;
mod watch;
mod workers;

pub use serve::{Places, run};

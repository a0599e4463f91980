//! # pmdaemon
//!
//! A process manager for Linux: one brain, one pair of hands. A pure state machine decides; a tiny
//! keeper process holds the services; everything else is a way in or a way out.
//!
//! ```text
//!  browser   curl   generated clients   command line
//!     └────────┴──────────┬───────────────┘
//!               HTTP + WebSocket: unix socket in the home, TCP 127.0.0.1:9615
//!               ┌─────────▼────────┐
//!               │ daemon           │  brain, store (SQLite), API, dashboard, sampling, log reading
//!               └─────────┬────────┘
//!       orders ▼          │ SOCK_SEQPACKET                                    ▲ facts
//!               ┌─────────┴────────┐
//!               │ keeper           │  forks, reaps, signals, captures logs
//!               └──┬─────┬─────┬───┘
//!                 app   app   app
//! ```
//!
//! # The map
//!
//! | module | what it is | may use |
//! |---|---|---|
//! | [`model`] | the words: ids, definitions, goals, states, facts | nothing |
//! | [`home`] | the paths of one installation | nothing |
//! | [`settings`] | settings from the environment | `wire` (how a size is written) |
//! | [`fault`] | points at which a test can have a process die | `home` |
//! | [`secrets`] | random secrets, values that are kept encrypted, and files for their owner alone | nothing |
//! | [`supervisor`] | the brain: `step(now, input) → effects`, without I/O | `model` |
//! | [`keeper`] | the hands: a process of its own, one thread, no policy | `home`, `fault`, `own_log` (how a line looks), `model` (names of signals) |
//! | [`kernel`] | is this Linux new enough, and what does it let us do? | `keeper` |
//! | [`store`] | SQLite | `model`, `supervisor` (what it remembers) |
//! | [`auth`] | tokens, sessions, rights | `model`, `secrets`, `store` |
//! | [`logs`], [`sample`] | reading what processes wrote, measuring what they use | `model` |
//! | [`balance`] | the balancer: a process that stands before those of an app | nothing |
//! | [`files`] | a server of static files: a process of its own | nothing |
//! | [`probe`] | health checks: one question to an app, one verdict | `model` |
//! | [`daemon`] | the shell around the brain: the loop, the clocks, the picture for readers | all above |
//! | [`wire`] | the API's types | nothing |
//! | [`ecosystem`] | files that declare apps, as PM2's users write them | `wire` |
//! | [`dashboard`] | pages: wire types in, HTML out | `wire` |
//! | [`api`] | the router and its handlers | all above |
//! | [`client`], [`cli`] | the command line, which reaches the daemon by HTTP only | `wire`, `ecosystem`, `home`, `secrets`, `settings`, `kernel` |
//! | [`library`] | [`ProcessManager`] for programs in Rust | `client`, `wire`, `home` |
//! | [`run`], [`local_token`] | put the daemon together and let the command line in | all |
//!
//! `tests/integration_tests` checks that nobody uses what the table does not allow.

// Acceptance row F5.
#![warn(missing_docs)]

pub mod api;
pub mod auth;
pub mod balance;
pub mod cli;
pub mod client;
pub mod daemon;
pub mod dashboard;
pub mod ecosystem;
pub mod fault;
pub mod files;
pub mod home;
pub mod keeper;
pub mod kernel;
pub mod library;
pub mod local_token;
pub mod logs;
pub mod model;
pub mod own_log;
pub mod probe;
pub mod run;
pub mod sample;
pub mod secrets;
pub mod settings;
pub mod store;
pub mod supervisor;
pub mod wire;

pub use library::{Error, LogFollower, ProcessConfig, ProcessManager, config};

//! The way in over HTTP: one router for the command line, curl, the browser and generated clients.
//!
//! [`router`] is the table of contents. Each handler is a file named after its verb. What may be
//! done is part of a handler's signature ([`access::Auth`]): a handler without it does not get a
//! principal, and no decision is made by the prefix of a path.
//!
//! Order of checks: connection limits, Host ([`guard`]), authentication, Origin and Fetch
//! Metadata, right, names of parameters ([`access`]), body limits and parsing ([`extract`]), handler.
//! Every answer that is not 2xx or 3xx is a problem document ([`problem`]).

pub mod access;
mod accounts;
pub mod act;
pub mod alerts;
pub mod apps;
pub mod arrival;
pub mod audit;
pub mod auth;
mod balancer_state;
pub mod compat;
mod compress;
pub mod conditional;
pub mod config;
pub mod convert;
mod convert_balance;
mod convert_custom;
mod convert_depends;
mod convert_env;
mod convert_given;
pub mod convert_health;
mod convert_hooks;
mod convert_logs;
mod convert_operation;
mod convert_ready;
mod convert_resources;
mod convert_revision;
mod convert_rolling;
mod convert_schedule;
mod convert_store;
mod convert_usage;
mod convert_watch;
mod cors;
pub mod cursor;
pub mod events;
pub mod extract;
mod face;
pub mod filter;
pub mod flush;
pub mod forwards;
mod give;
pub mod guard;
pub mod health;
mod idempotency;
mod impatient;
mod in_flight;
pub mod kept;
mod list_query;
mod list_shape;
pub mod listeners;
mod log_state;
pub mod login;
pub mod logs;
pub mod metrics;
mod metrics_marks;
mod metrics_series;
mod metrics_span;
mod naming;
mod notices;
pub mod openapi;
pub mod openapi_3_0;
mod openapi_rules;
pub mod operations;
pub mod pages;
mod paging;
mod parameters;
pub mod password;
mod picture;
mod places;
pub mod plans;
mod pointing;
pub mod points;
pub mod port_owner;
pub mod ports;
pub mod problem;
pub mod processes;
pub mod prometheus;
mod prometheus_daemon;
mod prometheus_runs;
pub mod ready;
pub mod reload_logs;
pub mod requests;
pub mod resolve;
pub mod router;
pub mod scope;
pub mod secrets;
pub mod serve;
pub mod sessions;
pub mod state;
pub mod system;
mod tally;
mod tls;
pub mod tokens;
mod trace;
pub mod users;
pub mod ws;

pub use problem::ApiError;
pub use state::{Api, Shared};

//! The shell around the brain: reads clocks, talks to the keeper, writes to the store, and lets
//! the API in.
//!
//! ```text
//!   API ──Handle──▶ commands ┐                       ┌▶ Keeper (orders)
//!   keeper ───────▶ reports  ├─▶ Driver ─ step ─ effects ─▶ Recorder (durable, then answered)
//!   clock ────────▶ deadline ┘      │                └▶ events
//!                                   └─▶ Snapshot (watch): what every reader sees
//! ```
//!
//! - [`driver`] is the one loop. It never waits while it carries out effects.
//! - [`handle`] is the way in: commands go through it, and every read comes from its snapshot.
//! - [`keeper_line`] is the other end of the keeper's line; it starts a new keeper when that dies.
//! - [`define`] turns what somebody asked for into a definition that can run, or says why not.
//! - [`adopt_unknown`] takes running services over that a lost store does not know.
//! - [`operations`] says how far is what takes time.
//! - [`own_events`] tells what happens to pmdaemon itself; [`backing_up`] makes copies of the store.
//! - [`alert`] tells people and programs what is the matter; [`reach`] says whom it may not reach.
//! - [`awaiting`] looks for signs of being ready that only the daemon can see.
//! - [`balancing`] tells balancers who is in service.
//! - [`preparing`] makes launches ready that need an [`env_file`] to be read.
//! - [`watching`] checks the health of runs, each at its pace.
//! - [`port_probe`] tries ports before the brain gives them out; [`listening`] says who listens;
//!   [`reservations`] keep other pmdaemons from what was given out.
//! - [`node`] is what Node programs need to share a listening socket.
//! - [`resources`] finds out whether limits can be kept and who a user is; [`exposed`], who else could
//!   change what root runs.
//! - [`log_files`] says where output goes; [`retention`] compresses and removes what is closed.
//! - [`file_watch`] looks at files for whose changes apps are restarted.
//! - [`forward`] sends logs to other machines.
//! - [`revisions`] numbers the versions of definitions.
//! - [`sockets`] are held by the keeper, so that nobody is refused while there is no daemon.
//! - [`upgrade`] tries another program ([`self_check`]), [`succession`] and `replacing` make room
//!   for it.
//! - [`secret_env`] keeps secrets, and gives them to programs.
//! - `slots` keeps how far schedules are; `wall_clock` notices when the clock is set.
//! - [`presence`] knows how the daemon before ended, and since when nobody was there.
//! - [`sampling`] measures while somebody looks, or while something has a memory limit.

pub mod accepting;
mod adopt_unknown;
pub mod alert;
mod awaiting;
pub mod backing_up;
pub mod balancing;
pub mod clock;
pub mod config;
pub mod counting;
pub mod custom;
pub mod define;
pub mod define_health;
mod define_hooks;
pub mod define_logs;
mod define_watch;
mod draining;
pub mod driver;
mod endings;
pub mod env_file;
pub mod environment;
pub mod event_text;
pub mod exposed;
pub mod file_watch;
mod finder;
pub mod forward;
pub mod given;
mod giving;
pub mod gone;
pub mod handle;
mod hooks;
pub mod keeper_line;
mod keeper_words;
pub mod listening;
pub mod log_disk;
pub mod log_files;
pub mod log_health;
mod log_losses;
pub mod log_orders;
pub mod log_places;
pub mod node;
pub mod operations;
pub mod own_events;
pub mod port_probe;
pub mod preparing;
pub mod presence;
pub mod reach;
mod replacing;
pub mod reservations;
pub mod resources;
pub mod retention;
pub mod revisions;
pub mod sampling;
pub mod secret_env;
pub mod self_check;
mod slots;
pub mod sockets;
mod steering;
pub mod succession;
mod typescript;
pub mod upgrade;
pub mod view;
mod wall_clock;
pub mod watching;

//! What happens by itself: restarts when files change, schedules and jobs; and secrets.

mod support;

#[path = "timed/watch.rs"]
mod watch;

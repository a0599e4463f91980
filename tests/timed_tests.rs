//! What happens by itself: restarts when files change, schedules and jobs; and secrets.

mod support;

#[path = "timed/jobs.rs"]
mod jobs;

#[path = "timed/secrets.rs"]
mod secrets;

#[path = "timed/watch.rs"]
mod watch;

//! What programs, terminals and strangers get: the library, `monit`, `web` and `doctor`, each with
//! the real program in a home of its own.

mod support;

#[path = "library/doctor.rs"]
mod doctor;
#[path = "library/manager.rs"]
mod manager;
#[path = "library/monit.rs"]
mod monit;
#[path = "library/promise.rs"]
mod promise;
#[path = "library/web.rs"]
mod web;

//! `/api/v1/auth`: who am I, and a way in for the browser.

pub mod login;
pub mod login_link;
pub mod logout;
pub mod whoami;

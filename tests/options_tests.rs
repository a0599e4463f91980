//! Options of `start` and the lines of the promise: variables, interpreters, words of PM2, whole
//! trees.

mod support;

#[path = "options/env.rs"]
mod env;
#[path = "options/interpreters.rs"]
mod interpreters;
#[path = "options/pm2.rs"]
mod pm2;
#[path = "options/promise.rs"]
mod promise;
#[path = "options/rows.rs"]
mod rows;
#[path = "options/trees.rs"]
mod trees;

//! Side by side with PM2 itself, and the habits of its users.

mod support;

#[path = "pm2/change.rs"]
mod change;
#[path = "pm2/deploy.rs"]
mod deploy;
#[path = "pm2/input.rs"]
mod input;
#[path = "pm2/io.rs"]
mod io;
#[path = "pm2/jlist.rs"]
mod jlist;
#[path = "pm2/real.rs"]
mod real;
#[path = "pm2/runtime.rs"]
mod runtime;
#[path = "pm2/serve.rs"]
mod serve;
#[path = "pm2/take_over.rs"]
mod take_over;
#[path = "pm2/words.rs"]
mod words;

//! The keeper's own log: lines on standard error, which whoever started it has pointed at
//! `daemon.log`. Shaped like the daemon's lines, since both end up in the same file.

use std::fmt;
use std::io::Write;

use crate::own_log;

/// Writes one line. A log that cannot be written is no reason to stop.
pub fn line(level: &str, message: fmt::Arguments<'_>) {
    let now = jiff::Timestamp::now();
    let message = own_log::one_line(&message.to_string());
    let text = format!("{now:.6} {level:>5} keeper: {message}\n");
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Something to know.
macro_rules! info {
    ($($arg:tt)*) => { $crate::keeper::say::line("INFO", format_args!($($arg)*)) };
}

/// Something to look at.
macro_rules! warning {
    ($($arg:tt)*) => { $crate::keeper::say::line("WARN", format_args!($($arg)*)) };
}

pub(crate) use {info, warning};

//! The keeper's own log: lines on standard error, which whoever started it has pointed at
//! `daemon.log`. Shaped like the daemon's lines, since both end up in the same file.

use std::fmt;
use std::io::Write;

use crate::own_log;

/// Writes one line. A log that cannot be written is no reason to stop.
pub fn line(level: &str, message: fmt::Arguments<'_>) {
    let now = format!("{:.6}", jiff::Timestamp::now());
    let text = own_log::Format::ours().line(&now, level, "keeper", &message.to_string());
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

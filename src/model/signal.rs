//! Signals by name and number.

use std::fmt;

/// A signal of Linux that can be sent to a process (1 to 31, x86-64 and arm64 numbering).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signal(i32);

/// Names by number; index 0 is unused.
const NAMES: [&str; 32] = [
    "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

impl Signal {
    /// Asks a process to end.
    pub const TERM: Signal = Signal(15);
    /// Ends a process without asking it.
    pub const KILL: Signal = Signal(9);

    /// Reads `TERM`, `SIGTERM`, `sigterm` or `15`.
    ///
    /// # Errors
    /// A sentence with the names that are allowed.
    pub fn parse(text: &str) -> Result<Signal, String> {
        let upper = text.trim().to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        let by_number = name.parse().ok().and_then(Signal::from_number);
        let by_name = || {
            let found = NAMES.iter().skip(1).position(|known| *known == name)?;
            Signal::from_number(found as i32 + 1)
        };
        by_number.or_else(by_name).ok_or_else(|| {
            format!("{text:?} is not a signal: use a number from 1 to 31 or one of {}", NAMES[1..].join(" "))
        })
    }

    /// The signal of that number, if there is one from 1 to 31.
    pub fn from_number(number: i32) -> Option<Signal> {
        (1..=31).contains(&number).then_some(Signal(number))
    }

    /// The kernel's number.
    pub fn number(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIG{}", NAMES[self.0 as usize])
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_read_by_name_or_number_in_any_case() {
        for text in ["TERM", "SIGTERM", "sigterm", "15", " Term "] {
            assert_eq!(Signal::parse(text), Ok(Signal::TERM), "{text}");
        }
        assert_eq!(Signal::parse("USR2").unwrap().number(), 12);
        assert_eq!(Signal::TERM.to_string(), "SIGTERM");
        for text in ["", "SIG", "0", "32", "-9", "NOPE"] {
            assert!(Signal::parse(text).unwrap_err().contains("TERM"), "{text}");
        }
    }
}

//! The ports of an app.

use std::fmt;
use std::str::FromStr;

/// Which ports the processes of an app get, as `PORT` in their environment. Ends are included.
///
/// ```
/// use pmdaemon::config::PortConfig;
///
/// assert_eq!("3000".parse(), Ok(PortConfig::Single(3000)));
/// assert_eq!("3000-3003".parse(), Ok(PortConfig::Range(3000, 3003)));
/// assert_eq!(PortConfig::Auto(4000, 4100).to_string(), "auto:4000-4100");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PortConfig {
    /// This one.
    Single(u16),
    /// Instance *i* gets the first plus *i*.
    Range(u16, u16),
    /// Each gets the first of these that is free.
    Auto(u16, u16),
}

/// A text is no port, or the numbers cannot be ports.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct PortConfigError(String);

impl PortConfig {
    /// How many ports these are.
    pub fn count(self) -> usize {
        match self {
            PortConfig::Single(_) => 1,
            PortConfig::Range(first, last) | PortConfig::Auto(first, last) => {
                usize::from(last.saturating_sub(first)) + 1
            }
        }
    }

    /// Whether these can be ports at all.
    ///
    /// # Errors
    /// Port 0, or a range that goes backwards.
    pub fn check(self) -> Result<(), PortConfigError> {
        let (first, last) = match self {
            PortConfig::Single(port) => (port, port),
            PortConfig::Range(first, last) | PortConfig::Auto(first, last) => (first, last),
        };
        if first == 0 {
            return Err(PortConfigError(format!("{self} begins at port 0: use 1 to 65535")));
        }
        if first > last {
            return Err(PortConfigError(format!("{self} goes backwards: write the smaller port first")));
        }
        Ok(())
    }
}

impl fmt::Display for PortConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PortConfig::Single(port) => write!(f, "{port}"),
            PortConfig::Range(first, last) => write!(f, "{first}-{last}"),
            PortConfig::Auto(first, last) => write!(f, "auto:{first}-{last}"),
        }
    }
}

impl FromStr for PortConfig {
    type Err = PortConfigError;

    fn from_str(text: &str) -> Result<PortConfig, PortConfigError> {
        let wrong =
            || PortConfigError(format!("{text:?} is not a port: use 3000, 3000-3003 or auto:4000-4100"));
        let port = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| text.parse::<u16>().ok()).flatten().ok_or_else(wrong)
        };
        let pair = |text: &str| {
            let (first, last) = text.split_once('-').ok_or_else(wrong)?;
            Ok((port(first)?, port(last)?))
        };
        let ports = match text.strip_prefix("auto:") {
            Some(range) => pair(range).map(|(first, last)| PortConfig::Auto(first, last))?,
            None if text.contains('-') => pair(text).map(|(first, last)| PortConfig::Range(first, last))?,
            None => PortConfig::Single(port(text)?),
        };
        ports.check().map(|()| ports)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_again() {
        for (ports, text, count) in [
            (PortConfig::Single(3000), "3000", 1),
            (PortConfig::Single(65535), "65535", 1),
            (PortConfig::Range(3000, 3003), "3000-3003", 4),
            (PortConfig::Range(1, 1), "1-1", 1),
            (PortConfig::Auto(4000, 4100), "auto:4000-4100", 101),
        ] {
            assert_eq!(ports.to_string(), text);
            assert_eq!(text.parse(), Ok(ports));
            assert_eq!(ports.count(), count, "{text}");
        }
    }

    #[test]
    fn what_is_no_port_is_refused_with_an_example() {
        for text in
            ["", "0", "65536", "-1", "+80", "3000-", "-3000", "a-b", "auto:", "auto:4000", "auto", "3000 "]
        {
            let told = text.parse::<PortConfig>().unwrap_err().to_string();
            assert!(told.contains("use "), "{text:?}: {told}");
        }
        assert!("3003-3000".parse::<PortConfig>().unwrap_err().to_string().contains("backwards"));
        assert!(PortConfig::Auto(2, 1).check().is_err());
    }
}

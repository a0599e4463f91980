//! How the processes of an app come to listen on its port (acceptance row A10).

use std::fmt;

use super::PortPlan;

/// What somebody asked for. A definition keeps what came of it: its [`PortPlan`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ListenMode {
    /// Several processes with one port share it, any other binds its port by itself.
    #[default]
    Auto,
    /// All processes share one port, also if that is only one now: the socket stays open while it
    /// restarts.
    Shared,
    /// Each has a port of its own, and a balancer stands before them.
    Proxy,
}

/// A mode that there is not, or not for such ports.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadListenMode {
    /// No mode at all.
    #[error("{0:?} is not a listen mode: use auto, shared or proxy")]
    Unknown(String),
    /// There is no port to share.
    #[error("listen mode shared needs a port that all processes share: add one such as 3000")]
    NoPort,
    /// More than one port.
    #[error("listen mode shared is for one port and {0} are several: give one such as 3000")]
    SeveralPorts(PortPlan),
}

impl ListenMode {
    /// Reads `auto`, `shared` or `proxy`.
    ///
    /// # Errors
    /// One sentence with what is possible.
    pub fn parse(text: &str) -> Result<ListenMode, BadListenMode> {
        match text {
            "auto" => Ok(ListenMode::Auto),
            "shared" => Ok(ListenMode::Shared),
            "proxy" => Ok(ListenMode::Proxy),
            _ => Err(BadListenMode::Unknown(text.to_owned())),
        }
    }

    /// The mode with which such a plan comes about again.
    pub fn of(plan: PortPlan) -> ListenMode {
        match plan {
            PortPlan::Shared(_) => ListenMode::Shared,
            PortPlan::Single(_) | PortPlan::Range(..) | PortPlan::Auto(..) => ListenMode::Auto,
        }
    }

    /// What so many processes get of these ports in this mode.
    ///
    /// # Errors
    /// When there is not one port to share.
    pub fn apply(self, ports: Option<PortPlan>, processes: u32) -> Result<Option<PortPlan>, BadListenMode> {
        match (self, ports) {
            (ListenMode::Shared, None) => Err(BadListenMode::NoPort),
            (ListenMode::Shared, Some(plan @ (PortPlan::Range(..) | PortPlan::Auto(..)))) => {
                Err(BadListenMode::SeveralPorts(plan))
            }
            (ListenMode::Shared, Some(PortPlan::Single(port))) => Ok(Some(PortPlan::Shared(port))),
            (ListenMode::Auto, Some(PortPlan::Single(port))) if processes > 1 => {
                Ok(Some(PortPlan::Shared(port)))
            }
            (ListenMode::Proxy, Some(PortPlan::Single(port) | PortPlan::Shared(port))) => {
                Ok(Some(PortPlan::Range(port, port)))
            }
            (ListenMode::Auto | ListenMode::Proxy, _) | (ListenMode::Shared, Some(PortPlan::Shared(_))) => {
                Ok(ports)
            }
        }
    }
}

impl fmt::Display for ListenMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ListenMode::Auto => "auto",
            ListenMode::Shared => "shared",
            ListenMode::Proxy => "proxy",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_processes_with_one_port_share_it_and_one_may() {
        let check = |mode: ListenMode, ports: &str, processes, plan: PortPlan| {
            let ports = PortPlan::parse(ports).unwrap();
            assert_eq!(mode.apply(Some(ports), processes), Ok(Some(plan)));
        };
        check(ListenMode::Auto, "3000", 1, PortPlan::Single(3000));
        check(ListenMode::Auto, "3000", 4, PortPlan::Shared(3000));
        check(ListenMode::Shared, "3000", 1, PortPlan::Shared(3000));
        check(ListenMode::Auto, "3000-3003", 4, PortPlan::Range(3000, 3003));
        assert_eq!(ListenMode::Auto.apply(None, 4), Ok(None));
        assert_eq!(ListenMode::Shared.apply(None, 4), Err(BadListenMode::NoPort));
        let range = PortPlan::Range(3000, 3003);
        assert_eq!(ListenMode::Shared.apply(Some(range), 4), Err(BadListenMode::SeveralPorts(range)));
    }

    #[test]
    fn a_mode_is_printed_as_it_is_read_and_what_is_none_is_refused() {
        for mode in [ListenMode::Auto, ListenMode::Shared, ListenMode::Proxy] {
            assert_eq!(ListenMode::parse(&mode.to_string()), Ok(mode));
        }
        for bad in ["", "Shared", "even"] {
            assert!(
                ListenMode::parse(bad).unwrap_err().to_string().contains("auto, shared or proxy"),
                "{bad}"
            );
        }
    }
}

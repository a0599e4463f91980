//! How connections to a port that processes share come to one of them.

use super::{ListenMode, PortPlan};

/// What somebody asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Spread {
    /// All wait in one queue, and whoever has time takes the next.
    #[default]
    Queue,
    /// Each process has a queue of its own; every connection is put into that of one that is ready,
    /// by chance.
    Even,
}

/// A way to spread that there is not, or not for such an app.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadSpread {
    /// No way at all.
    #[error("{0:?} is no way to spread connections: use queue or even")]
    Unknown(String),
    /// There is no port to share.
    #[error("spread even needs one port that all processes share: add one such as 3000")]
    NoPort,
    /// More than one port.
    #[error(
        "spread even is for one port that all processes share and {0} are several: give one such as 3000, or leave \
         spread out"
    )]
    SeveralPorts(PortPlan),
    /// Something else does it.
    #[error(
        "spread even is for a port that processes share, and a balancer spreads by its own method: leave one of the \
         two out"
    )]
    Balanced,
}

impl Spread {
    /// Reads `queue` or `even`.
    ///
    /// # Errors
    /// One sentence with what is possible.
    pub fn parse(text: &str) -> Result<Spread, BadSpread> {
        match text {
            "queue" => Ok(Spread::Queue),
            "even" => Ok(Spread::Even),
            _ => Err(BadSpread::Unknown(text.to_owned())),
        }
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Spread::Queue => "queue",
            Spread::Even => "even",
        }
    }

    /// How processes of such ports then come to listen. Who wants connections spread wants the port
    /// shared.
    ///
    /// # Errors
    /// When there is not one port to share.
    pub fn listen(
        self,
        listen: ListenMode,
        ports: Option<PortPlan>,
        balanced: bool,
    ) -> Result<ListenMode, BadSpread> {
        match (self, ports) {
            (Spread::Queue, _) => Ok(listen),
            (Spread::Even, _) if balanced || listen == ListenMode::Proxy => Err(BadSpread::Balanced),
            (Spread::Even, None) => Err(BadSpread::NoPort),
            (Spread::Even, Some(plan @ (PortPlan::Range(..) | PortPlan::Auto(..)))) => {
                Err(BadSpread::SeveralPorts(plan))
            }
            (Spread::Even, Some(PortPlan::Single(_) | PortPlan::Shared(_))) => Ok(ListenMode::Shared),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_is_read_as_it_is_shown_and_what_is_none_is_refused() {
        for spread in [Spread::Queue, Spread::Even] {
            assert_eq!(Spread::parse(spread.word()), Ok(spread));
        }
        for bad in ["", "Even", "hash"] {
            assert!(Spread::parse(bad).unwrap_err().to_string().ends_with("use queue or even"), "{bad}");
        }
    }

    #[test]
    fn what_is_to_be_spread_is_shared_and_what_cannot_be_is_refused() {
        let port = Some(PortPlan::Single(3000));
        let range = PortPlan::Range(3000, 3003);
        let even = |listen, ports, balanced| Spread::Even.listen(listen, ports, balanced);
        assert_eq!(even(ListenMode::Auto, port, false), Ok(ListenMode::Shared));
        assert_eq!(even(ListenMode::Shared, port, false), Ok(ListenMode::Shared));
        assert_eq!(even(ListenMode::Auto, None, false), Err(BadSpread::NoPort));
        assert_eq!(even(ListenMode::Auto, Some(range), false), Err(BadSpread::SeveralPorts(range)));
        assert_eq!(even(ListenMode::Auto, port, true), Err(BadSpread::Balanced));
        assert_eq!(even(ListenMode::Proxy, port, false), Err(BadSpread::Balanced));
        assert_eq!(Spread::Queue.listen(ListenMode::Auto, None, true), Ok(ListenMode::Auto));
    }
}

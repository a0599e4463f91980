//! A balancer before the processes of an app: what is asked of it, and the app that it is itself.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::{
    AppSpec, EnvSources, Hooks, Labels, LogPolicy, PortPlan, ReadyPolicy, Resources, RestartPolicy,
    RollPolicy, Signal, Spread, StopPolicy,
};

/// What is asked of a balancer (acceptance rows A10, C2, K21).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Balance {
    /// Where clients connect.
    pub port: u16,
    /// Whether it understands what is said.
    pub mode: BalanceMode,
    /// Who is next.
    pub method: BalanceMethod,
    /// Whether a client stays with a process.
    pub sticky: Sticky,
    /// A request that is not begun to be answered within this is given up.
    pub timeout: Duration,
    /// So long a process that leaves has for what it is answering, before it is asked to end.
    pub drain: Duration,
    /// A process that comes into service gets its whole share only after this.
    pub slow_start: Duration,
}

impl Balance {
    /// The limit for an answer to begin when nobody says another.
    pub const USUAL_TIMEOUT: Duration = Duration::from_secs(60);
    /// The limit for a drain when nobody says another.
    pub const USUAL_DRAIN: Duration = Duration::from_secs(30);
    /// The ports of processes whose app names none.
    pub const PRIVATE_PORTS: PortPlan = PortPlan::Auto(20_000, 20_999);
}

/// Whether a balancer understands what is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum BalanceMode {
    /// Each HTTP request goes to one process.
    #[default]
    Http,
    /// Each connection goes to one process.
    Tcp,
}

/// Who is next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum BalanceMethod {
    /// Who has the least to answer now.
    #[default]
    LeastConnections,
    /// One after the other.
    RoundRobin,
}

/// Whether a client stays with a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sticky {
    /// It does not.
    #[default]
    None,
    /// By a cookie.
    Cookie,
    /// By its address.
    Address,
}

/// Gives each of an enum's variants one word, to be read and to be shown.
macro_rules! words {
    ($type:ident, $what:literal, $($word:literal => $variant:ident),+) => {
        impl $type {
            /// Reads its word.
            ///
            /// # Errors
            /// One sentence with what is possible.
            pub fn parse(text: &str) -> Result<$type, String> {
                match text {
                    $($word => Ok($type::$variant),)+
                    other => Err(format!(concat!("{:?} is no ", $what, ": use {}"), other, [$($word),+].join(" or "))),
                }
            }

            /// Its word.
            pub fn word(self) -> &'static str {
                match self {
                    $($type::$variant => $word,)+
                }
            }
        }
    };
}

words!(BalanceMode, "mode of a balancer", "http" => Http, "tcp" => Tcp);
words!(BalanceMethod, "way to balance", "least-connections" => LeastConnections, "round-robin" => RoundRobin);
words!(Sticky, "way to stay with a process", "none" => None, "cookie" => Cookie, "address" => Address);

/// What a balancer has in its environment for the allocator of glibc: the buffers of a connection, 8 KiB
/// each, are kept for the next one of the same thread. Unless it is told, glibc keeps what is shorter
/// than 1 KiB, and merges and splits the rest for each connection.
const MALLOC: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.tcache_max=65536");

impl AppSpec {
    /// This app is the balancer of another one. No user defines such an app, or sees it as one.
    pub fn is_balancer(&self) -> bool {
        self.name.of_balanced().is_some()
    }

    /// The app that the balancer of this one is, if it has one. Where its program and its table are
    /// is not known here.
    pub fn balancer(&self) -> Option<AppSpec> {
        let balance = self.balance.as_ref()?;
        // After that everything that it passed on is over.
        let timeout = balance.drain + Duration::from_secs(5);
        Some(AppSpec {
            name: self.name.of_balancer(),
            namespace: self.namespace.clone(),
            script: "balancer".to_owned(),
            interpreter: None,
            interpreter_args: Vec::new(),
            program: PathBuf::from("/proc/self/exe"),
            args: Vec::new(),
            cwd: PathBuf::from("/"),
            inherited_env: BTreeMap::new(),
            env: BTreeMap::from([(MALLOC.0.to_owned(), MALLOC.1.to_owned())]),
            env_sources: EnvSources::default(),
            instances: 1,
            numbered: false,
            port: Some(PortPlan::Shared(balance.port)),
            spread: Spread::Queue,
            balance: None,
            autostart: true,
            // It comes back whatever happens to it.
            restart: RestartPolicy { max_unstable: u32::MAX, ..RestartPolicy::default() },
            stop: StopPolicy { signal: Signal::TERM, timeout, with_message: false },
            roll: RollPolicy::default(),
            health: None,
            ready: ReadyPolicy::default(),
            hooks: Hooks::default(),
            resources: Resources::default(),
            logs: LogPolicy::default(),
            depends_on: Vec::new(),
            watch: None,
            schedule: None,
            stdin: false,
            labels: Labels::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_as_it_is_shown_and_another_is_refused_with_what_can_be() {
        for mode in [BalanceMode::Http, BalanceMode::Tcp] {
            assert_eq!(BalanceMode::parse(mode.word()), Ok(mode));
        }
        for method in [BalanceMethod::LeastConnections, BalanceMethod::RoundRobin] {
            assert_eq!(BalanceMethod::parse(method.word()), Ok(method));
        }
        for sticky in [Sticky::None, Sticky::Cookie, Sticky::Address] {
            assert_eq!(Sticky::parse(sticky.word()), Ok(sticky));
        }
        assert!(Sticky::parse("ip").unwrap_err().ends_with("use none or cookie or address"));
    }
}

//! Options of `start` about what stands before an app.

use std::time::Duration;

use clap::Args;

use super::values;
use crate::wire::{Balance, NewApp};

/// What stands before it.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct BalanceArgs {
    /// Port on which a balancer takes requests for all processes; each has a port of its own, of
    /// --port or a private one
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(i64).range(1..=65535))]
    pub balance: Option<i64>,
    /// http: each request goes to a process; tcp: each connection [default: http]
    #[arg(long, value_name = "MODE")]
    pub balance_mode: Option<String>,
    /// least-connections, or round-robin [default: least-connections]
    #[arg(long, value_name = "METHOD")]
    pub balance_method: Option<String>,
    /// Clients stay with a process: by cookie or by address [default: none]
    #[arg(long, value_name = "HOW")]
    pub sticky: Option<String>,
    /// A request that is not begun to be answered within this is given up [default: 1m]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::time)]
    pub balance_timeout: Option<Duration>,
    /// So long a process that leaves has for what it is answering [default: 30s]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::delay)]
    pub drain_timeout: Option<Duration>,
    /// A process that comes into service gets its share little by little for so long [default: 0]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::delay)]
    pub slow_start: Option<Duration>,
}

impl BalanceArgs {
    /// Puts them into a definition.
    pub fn define(&self, app: NewApp) -> NewApp {
        let ms = |time: Option<Duration>| time.map(|time| time.as_millis() as i64);
        let balance = (*self != BalanceArgs::default()).then(|| Balance {
            port: self.balance,
            mode: self.balance_mode.clone(),
            method: self.balance_method.clone(),
            sticky: self.sticky.clone(),
            timeout_ms: ms(self.balance_timeout),
            drain_timeout_ms: ms(self.drain_timeout),
            slow_start_ms: ms(self.slow_start),
        });
        NewApp { balance, ..app }
    }
}

/// How a balancer is started.
#[derive(Args, Clone, Debug)]
pub struct BalancerArgs {
    /// What it is told
    #[arg(long, value_name = "FILE")]
    pub table: std::path::PathBuf,
    /// Where it says how it is doing
    #[arg(long, value_name = "SOCKET")]
    pub status: std::path::PathBuf,
}

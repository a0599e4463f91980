//! Introduces what stands before an app to the API's types.

use std::time::Duration;

use super::ApiError;
use super::convert::{millis, span};
use crate::balance::status::Status;
use crate::daemon::view::ProcessView;
use crate::model::{Balance, BalanceMethod, BalanceMode, ListenMode, PortPlan, Sticky};
use crate::wire;

/// What somebody wants before the processes, and then the ports of those.
///
/// # Errors
/// 422 with the member that is wrong.
pub fn wanted(
    asked: Option<wire::Balance>,
    listen: ListenMode,
    port: Option<PortPlan>,
) -> Result<(Option<Balance>, ListenMode, Option<PortPlan>), ApiError> {
    let asked = match (asked, listen) {
        (None, ListenMode::Auto | ListenMode::Shared) => return Ok((None, listen, port)),
        (Some(_), ListenMode::Shared) => {
            let why = "listen mode shared has no balancer: leave one of the two out";
            return Err(ApiError::member("/listen_mode", why));
        }
        (asked, ListenMode::Auto | ListenMode::Proxy) => asked.unwrap_or_default(),
    };
    let (front, port) = match (asked.port, port) {
        (Some(front), port) => match u16::try_from(front).ok().filter(|front| *front > 0) {
            Some(front) => (front, port),
            None => {
                let why = format!("{front} is no port: use 1 to 65535");
                return Err(ApiError::member("/balance/port", why));
            }
        },
        (None, Some(PortPlan::Single(front) | PortPlan::Shared(front))) => (front, None),
        (None, Some(PortPlan::Range(..) | PortPlan::Auto(..)) | None) => {
            let why =
                "a balancer needs the port on which clients connect: say it in balance, or give one port";
            return Err(ApiError::member("/balance/port", why));
        }
    };
    let port = port.unwrap_or(Balance::PRIVATE_PORTS);
    if matches!(port, PortPlan::Single(own) | PortPlan::Shared(own) if own == front) {
        let why = format!("port {front} is the balancer's: give the processes another one, or none");
        return Err(ApiError::member("/port", why));
    }
    // Each process has one of a range; of auto it is passed over.
    if let PortPlan::Range(first, last) = port
        && (first..=last).contains(&front)
    {
        let why = format!(
            "port {front} is the balancer's, and {port} contains it: leave it out of the ports of the processes, or \
             give the balancer another one"
        );
        return Err(ApiError::member("/port", why));
    }
    fn word<T: Default>(
        member: &str,
        text: Option<&str>,
        parse: fn(&str) -> Result<T, String>,
    ) -> Result<T, ApiError> {
        let read = text.map(parse).transpose().map_err(|why| ApiError::member(member, why))?;
        Ok(read.unwrap_or_default())
    }
    let mode = word("/balance/mode", asked.mode.as_deref(), BalanceMode::parse)?;
    let sticky = word("/balance/sticky", asked.sticky.as_deref(), Sticky::parse)?;
    if (mode, sticky) == (BalanceMode::Tcp, Sticky::Cookie) {
        let why = "a cookie is of HTTP: use address with mode tcp";
        return Err(ApiError::member("/balance/sticky", why));
    }
    let balance = Balance {
        port: front,
        mode,
        method: word("/balance/method", asked.method.as_deref(), BalanceMethod::parse)?,
        sticky,
        timeout: span("/balance/timeout_ms", asked.timeout_ms, Balance::USUAL_TIMEOUT)?,
        drain: span("/balance/drain_timeout_ms", asked.drain_timeout_ms, Balance::USUAL_DRAIN)?,
        slow_start: span("/balance/slow_start_ms", asked.slow_start_ms, Duration::ZERO)?,
    };
    if balance.timeout == Duration::ZERO {
        return Err(ApiError::member(
            "/balance/timeout_ms",
            "nothing is answered within 0 ms: use 1 or more",
        ));
    }
    Ok((Some(balance), ListenMode::Proxy, Some(port)))
}

/// Shows it.
pub fn show(balance: &Balance) -> wire::Balance {
    wire::Balance {
        port: Some(i64::from(balance.port)),
        mode: Some(balance.mode.word().to_owned()),
        method: Some(balance.method.word().to_owned()),
        sticky: Some(balance.sticky.word().to_owned()),
        timeout_ms: Some(millis(balance.timeout)),
        drain_timeout_ms: Some(millis(balance.drain)),
        slow_start_ms: Some(millis(balance.slow_start)),
    }
}

/// How the balancer is doing; `status` is what it says itself, if it does.
pub fn balancer(view: &ProcessView, status: Option<Status>) -> wire::Balancer {
    let word = view.state.status().to_string();
    let said = status.unwrap_or_default();
    let backend = |backend: crate::balance::status::Backend| wire::Backend {
        instance: i64::from(backend.instance),
        port: i64::from(backend.port),
        draining: backend.draining,
        active: backend.active as i64,
        requests: backend.requests as i64,
        errors: backend.errors as i64,
    };
    wire::Balancer {
        status: word,
        pid: view.state.pid().map(|pid| i64::from(pid.0)),
        restarts: i64::from(view.restarts),
        connections: said.connections as i64,
        requests: said.requests as i64,
        errors: said.errors as i64,
        retries: said.retries as i64,
        backends: said.backends.into_iter().map(backend).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(port: Option<i64>) -> Option<wire::Balance> {
        Some(wire::Balance { port, ..wire::Balance::default() })
    }

    #[test]
    fn a_balancer_has_its_port_and_the_processes_have_theirs() {
        let check = |asked, listen, port: Option<&str>, front, own: &str| {
            let port = port.map(|text| PortPlan::parse(text).unwrap());
            let (balance, listen, port) = wanted(asked, listen, port).unwrap();
            assert_eq!((balance.unwrap().port, listen), (front, ListenMode::Proxy));
            assert_eq!(port.unwrap().to_string(), own);
        };
        check(asked(Some(8080)), ListenMode::Auto, Some("4000-4003"), 8080, "4000-4003");
        check(asked(Some(8080)), ListenMode::Auto, None, 8080, "auto:20000-20999");
        check(None, ListenMode::Proxy, Some("3000"), 3000, "auto:20000-20999");
    }

    #[test]
    fn what_cannot_be_balanced_is_refused_with_its_member() {
        let check = |asked, listen, port: Option<&str>, words: &str| {
            let port = port.map(|text| PortPlan::parse(text).unwrap());
            let refused = format!("{:?}", wanted(asked, listen, port).map(drop).expect_err(words));
            assert!(refused.contains(words), "{refused}");
        };
        check(asked(Some(0)), ListenMode::Auto, None, "/balance/port");
        check(asked(Some(70_000)), ListenMode::Auto, None, "1 to 65535");
        check(asked(None), ListenMode::Auto, Some("4000-4003"), "/balance/port");
        check(asked(Some(8080)), ListenMode::Shared, Some("4000"), "/listen_mode");
        check(asked(Some(8080)), ListenMode::Auto, Some("8080"), "/port");
        let told = "port 8080 is the balancer's, and 8079-8080 contains it";
        check(asked(Some(8080)), ListenMode::Auto, Some("8079-8080"), told);
        let tcp = wire::Balance {
            mode: Some("tcp".into()),
            sticky: Some("cookie".into()),
            ..asked(Some(1)).unwrap()
        };
        check(Some(tcp), ListenMode::Auto, None, "/balance/sticky");
        let udp = wire::Balance { mode: Some("udp".into()), ..asked(Some(1)).unwrap() };
        check(Some(udp), ListenMode::Auto, None, "http or tcp");
    }
}

//! Whom the daemon may not reach over HTTP for others: addresses that count on one link alone, those at
//! which clouds tell a machine its credentials, and for alerts this machine itself (web.md 4.3, row 36).
//! Looked at when a URL is given, and for names each time one is looked up, of which the answer is what is
//! connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Where clouds have their metadata besides 169.254.0.0/16: Alibaba's, and Amazon's over IPv6.
const METADATA: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Whether receivers on this machine are reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loopback {
    /// They are.
    Allowed,
    /// They are not: what listens here may trust whoever comes from here.
    Refused,
}

/// Whether a URL may name that host. A name may; what it means is looked at when it is looked up.
///
/// # Errors
/// A sentence.
pub fn may_be(host: &str, loopback: Loopback) -> Result<(), String> {
    match host.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(address) => may_be_reached(address, loopback),
        Err(_) => Ok(()),
    }
}

fn may_be_reached(address: IpAddr, loopback: Loopback) -> Result<(), String> {
    let address = address.to_canonical();
    let of_one_link = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    if of_one_link || METADATA.contains(&address) {
        return Err(format!(
            "{address} is an address of one link, or of a cloud's metadata: give the address of a receiver"
        ));
    }
    // Who connects to 0.0.0.0 reaches this machine, too.
    if loopback == Loopback::Refused && (address.is_loopback() || address.is_unspecified()) {
        return Err(format!(
            "{address} is this machine itself: start the daemon with PMDAEMON_ALERT_LOOPBACK=allow in its \
             environment to have alerts sent there"
        ));
    }
    Ok(())
}

/// The system's resolver, but for what nobody may reach.
pub struct Resolver(pub Loopback);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let loopback = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(all_of(found.collect(), loopback)?)
        })
    }
}

/// All of them, if each may be reached: who answers with one that may and one that may not is up to
/// something.
fn all_of(found: Vec<SocketAddr>, loopback: Loopback) -> Result<Addrs, String> {
    found.iter().try_for_each(|address| may_be_reached(address.ip(), loopback))?;
    Ok(Box::new(found.into_iter()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_36_addresses_of_one_link_and_of_metadata_are_not_reached() {
        for address in [
            "169.254.169.254",
            "169.254.0.1",
            "[fe80::1]",
            "[::ffff:169.254.169.254]",
            "[fd00:ec2::254]",
            "100.100.100.200",
        ] {
            assert!(may_be(address, Loopback::Allowed).is_err(), "{address}");
        }
        for host in ["10.0.0.1", "127.0.0.1", "[::1]", "[fd00::1]", "203.0.113.9", "logs.example", "169"] {
            assert!(may_be(host, Loopback::Allowed).is_ok(), "{host}");
        }
    }

    #[test]
    fn row_36_alerts_do_not_reach_this_machine_unless_told() {
        for address in ["127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"] {
            let told = may_be(address, Loopback::Refused).expect_err(address);
            assert!(told.contains("PMDAEMON_ALERT_LOOPBACK=allow"), "{told}");
            assert!(may_be(address, Loopback::Allowed).is_ok(), "{address}");
        }
        for host in ["10.0.0.1", "[fd00::1]", "203.0.113.9", "hooks.example"] {
            assert!(may_be(host, Loopback::Refused).is_ok(), "{host}");
        }
    }

    #[test]
    fn row_36_a_name_that_also_means_such_an_address_is_not_reached() {
        let check = |addresses: &[&str], loopback, reached: bool| {
            let found = addresses.iter().map(|address| address.parse().unwrap()).collect();
            assert_eq!(all_of(found, loopback).is_ok(), reached, "{addresses:?}");
        };
        check(&["203.0.113.9:0", "[2001:db8::1]:0"], Loopback::Refused, true);
        check(&["203.0.113.9:0", "169.254.169.254:0"], Loopback::Allowed, false);
        check(&["[fe80::1]:0"], Loopback::Allowed, false);
        check(&["203.0.113.9:0", "127.0.0.1:0"], Loopback::Refused, false);
        check(&["127.0.0.1:0"], Loopback::Allowed, true);
    }
}

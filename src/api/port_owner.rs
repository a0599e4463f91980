//! Who listens on a port: for the sentence "port 9615 is used by nginx (pid 812)".

use std::collections::BTreeSet;

use crate::daemon::listening;
use crate::model::PortOwner;

/// The program and pid that listens on that TCP port, as far as /proc lets us see.
pub fn port_owner(port: u16) -> Option<String> {
    match listening::owners(&BTreeSet::from([port]), &[]).remove(&port)? {
        PortOwner::Foreign { program, pid } => Some(format!("{program} (pid {pid})")),
        PortOwner::Ours { .. } | PortOwner::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_of_a_port_is_named_with_its_pid() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(port_owner(port).unwrap().contains(&format!("(pid {})", std::process::id())));
        drop(listener);
        assert_eq!(port_owner(port), None);
    }
}

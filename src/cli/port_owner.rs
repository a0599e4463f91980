//! Who listens on a TCP port of this host, as far as this user may see.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// Name and pid of a program that listens on that port.
pub fn of(port: u16) -> Option<(String, u32)> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .flat_map(|table| listening_inodes(&table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    if inodes.is_empty() {
        return None;
    }
    let pids =
        fs::read_dir("/proc").ok()?.flatten().filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
    for pid in pids {
        let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { continue };
        let mut targets = descriptors.flatten().filter_map(|fd| fs::read_link(fd.path()).ok());
        if targets.any(|target| inodes.iter().any(|inode| target.as_os_str() == inode.as_str())) {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
            return Some((name.trim_end().to_owned(), pid));
        }
    }
    None
}

/// The ports on which that process listens.
pub fn listened_by(pid: u32) -> BTreeSet<u16> {
    let ports: BTreeMap<String, u16> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .flat_map(|table| table.lines().skip(1).filter_map(listener).collect::<Vec<_>>())
        .map(|(port, inode)| (format!("socket:[{inode}]"), port))
        .collect();
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let targets =
        descriptors.filter_map(|fd| fs::read_link(fd.path()).ok()?.into_os_string().into_string().ok());
    targets.filter_map(|target| ports.get(&target).copied()).collect()
}

/// Port and inode of a row in the state LISTEN.
fn listener(row: &str) -> Option<(u16, String)> {
    let fields: Vec<&str> = row.split_whitespace().collect();
    let [_, local, _, "0A", _, _, _, _, _, inode, ..] = fields[..] else { return None };
    let port = u16::from_str_radix(local.rsplit(':').next()?, 16).ok()?;
    Some((port, inode.to_owned()))
}

/// Inodes of the sockets of a `/proc/net/tcp` table that are in the state LISTEN on that port.
fn listening_inodes(table: &str, port: u16) -> Vec<String> {
    let listeners = table.lines().skip(1).filter_map(listener);
    listeners.filter(|(of, _)| *of == port).map(|(_, inode)| inode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_of_our_own_is_found_by_its_port() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let (_, pid) = of(listener.local_addr().unwrap().port()).unwrap();
        assert_eq!(pid, std::process::id());
        assert!(listened_by(pid).contains(&listener.local_addr().unwrap().port()));
    }

    #[test]
    fn a_connection_is_not_a_listener() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:258F 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0\n\
            1: 0100007F:258F 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0\n";
        assert_eq!(listening_inodes(table, 9615), ["111"]);
        assert!(listening_inodes(table, 9616).is_empty());
    }
}

//! Who listens on a TCP port of this host, as far as this user may see.

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

/// Inodes of the sockets of a `/proc/net/tcp` table that are in the state LISTEN on that port.
fn listening_inodes(table: &str, port: u16) -> Vec<String> {
    let suffix = format!(":{port:04X}");
    let row = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        match fields[..] {
            [_, local, _, "0A", _, _, _, _, _, inode, ..] if local.ends_with(&suffix) => {
                Some(inode.to_owned())
            }
            _ => None,
        }
    };
    table.lines().skip(1).filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_of_our_own_is_found_by_its_port() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let (_, pid) = of(listener.local_addr().unwrap().port()).unwrap();
        assert_eq!(pid, std::process::id());
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

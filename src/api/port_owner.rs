//! Who listens on a port: for the sentence "port 9615 is used by nginx (pid 812)".

use std::fs;
use std::path::Path;

/// The program and pid that listens on that TCP port, as far as /proc lets us see.
pub fn port_owner(port: u16) -> Option<String> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| listening_inode(table, port))?;
    let socket = format!("socket:[{inode}]");
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(descriptors) = fs::read_dir(entry.path().join("fd")) else { continue };
        let holds = |fd: &fs::DirEntry| fs::read_link(fd.path()).is_ok_and(|to| to == Path::new(&socket));
        if descriptors.flatten().any(|fd| holds(&fd)) {
            let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            return Some(format!("{} (pid {pid})", name.trim()));
        }
    }
    None
}

/// Lines of `/proc/net/tcp`: `sl local_address rem_address st … inode`; state 0A is LISTEN (proc(5)).
fn listening_inode(table: &str, port: u16) -> Option<u64> {
    let text = fs::read_to_string(table).ok()?;
    text.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, local_port) = fields.get(1)?.rsplit_once(':')?;
        let listens = *fields.get(3)? == "0A" && u16::from_str_radix(local_port, 16) == Ok(port);
        listens.then(|| fields.get(9)?.parse().ok())?
    })
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

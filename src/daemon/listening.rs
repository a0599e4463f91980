//! Who listens on which TCP port of this host, as far as /proc lets us see.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::model::{Pid, PortOwner};

/// One listening socket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Socket {
    /// Its port.
    pub port: u16,
    /// Its address.
    pub address: IpAddr,
    /// Who has it open.
    pub owner: PortOwner,
}

/// A row of the kernel's table.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Listening {
    port: u16,
    address: IpAddr,
    inode: u64,
}

/// All listening sockets of this network namespace, by port. `ours` are the main processes of our
/// runs; a listener that we may not see is [`PortOwner::Unknown`].
pub fn sockets(ours: &[(Pid, PortOwner)]) -> Vec<Socket> {
    with_owners(listening(), ours)
}

/// The owners of these ports. A port on which nobody listens is missing.
pub fn owners(ports: &BTreeSet<u16>, ours: &[(Pid, PortOwner)]) -> BTreeMap<u16, PortOwner> {
    let asked = listening().into_iter().filter(|socket| ports.contains(&socket.port)).collect();
    let sockets = with_owners(asked, ours).into_iter().rev();
    sockets.map(|socket| (socket.port, socket.owner)).collect()
}

/// The inodes of the sockets that listen on that port.
pub fn inodes(port: u16) -> BTreeSet<u64> {
    listening().into_iter().filter(|socket| socket.port == port).map(|socket| socket.inode).collect()
}

/// All processes of this host.
pub fn pids() -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Somebody listens on that port who was there before that process, and nobody of its tree does. Who
/// came later may listen on its behalf: a container's proxy, for example.
pub fn is_taken(port: u16, main: Pid) -> bool {
    let started = |pid: i32| field::<u64>(pid, 22);
    let Some(since) = started(main.0) else { return false };
    let sockets = inodes(port);
    let listens = |pid: &i32| sockets_of(*pid).any(|inode| sockets.contains(&inode));
    let listeners: Vec<i32> = pids().into_iter().filter(listens).collect();
    let is_other = |pid: &i32| !is_below(*pid, main) && started(*pid).is_some_and(|start| start < since);
    !listeners.is_empty() && listeners.iter().all(is_other)
}

/// It is that process, or one of its descendants.
pub fn is_below(pid: i32, main: Pid) -> bool {
    line(pid).any(|ancestor| ancestor == main.0)
}

/// A process and its ancestors. As deep as trees can be expected to be; a loop cannot happen, but
/// pids can be reused.
fn line(pid: i32) -> impl Iterator<Item = i32> {
    std::iter::successors(Some(pid), |pid| parent(*pid).filter(|parent| *parent > 1)).take(64)
}

fn listening() -> Vec<Listening> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let texts: Vec<String> = tables.iter().filter_map(|table| fs::read_to_string(table).ok()).collect();
    let mut all: Vec<Listening> = texts.iter().flat_map(|text| text.lines().filter_map(row)).collect();
    all.sort();
    all
}

/// Looks through the descriptors of every process until each socket is found.
fn with_owners(listening: Vec<Listening>, ours: &[(Pid, PortOwner)]) -> Vec<Socket> {
    let mut open: BTreeSet<u64> = listening.iter().map(|socket| socket.inode).collect();
    let mut found: BTreeMap<u64, PortOwner> = BTreeMap::new();
    let mut pids = pids();
    // Whoever opened a socket is mostly older than those who inherited it; not always, as pids begin
    // anew when they are used up.
    pids.sort_unstable();
    for pid in pids {
        if open.is_empty() {
            break;
        }
        for inode in sockets_of(pid).filter(|inode| open.remove(inode)) {
            found.insert(inode, owner(Pid(pid), ours));
        }
    }
    let socket = |row: Listening| {
        let owner = found.get(&row.inode).cloned().unwrap_or(PortOwner::Unknown);
        Socket { port: row.port, address: row.address, owner }
    };
    listening.into_iter().map(socket).collect()
}

/// Lines of `/proc/net/tcp`: `sl local_address rem_address st … inode`; state 0A is LISTEN (proc(5)).
fn row(line: &str) -> Option<Listening> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (address, port) = fields.get(1)?.rsplit_once(':')?;
    if *fields.get(3)? != "0A" {
        return None;
    }
    Some(Listening {
        port: u16::from_str_radix(port, 16).ok()?,
        address: address_of(address)?,
        inode: fields.get(9)?.parse().ok()?,
    })
}

/// Words of 32 bits in the order of the host, each as eight hexadecimal digits.
fn address_of(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(hex.get(at * 8..at * 8 + 8)?, 16).ok()?.to_ne_bytes());
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut bytes = [0; 16];
            for at in 0..4 {
                bytes[at * 4..at * 4 + 4].copy_from_slice(&word(at)?);
            }
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

/// The sockets that a process has open.
fn sockets_of(pid: i32) -> impl Iterator<Item = u64> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    descriptors.filter_map(|fd| inode(fs::read_link(fd.path()).ok()?.to_str()?))
}

/// The inode of a socket, of the link that a descriptor of it is.
pub fn inode(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// Whose process that is: one of ours if a main process of ours is among its ancestors.
fn owner(pid: Pid, ours: &[(Pid, PortOwner)]) -> PortOwner {
    let of = |ancestor: i32| ours.iter().find(|(main, _)| main.0 == ancestor);
    if let Some((_, owner)) = line(pid.0).find_map(of) {
        return owner.clone();
    }
    foreign(pid)
}

/// That process, as one that we did not start.
pub fn foreign(pid: Pid) -> PortOwner {
    let name = fs::read_to_string(format!("/proc/{}/comm", pid.0)).unwrap_or_default();
    PortOwner::Foreign { program: name.trim_end().to_owned(), pid }
}

fn parent(pid: i32) -> Option<i32> {
    field(pid, 4)
}

/// That field of `/proc/PID/stat`, by its number in proc_pid_stat(5), of those after the name, which may
/// hold anything but ends with `)`.
fn field<T: FromStr>(pid: i32, number: usize) -> Option<T> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(number - 3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ProcessId;

    #[test]
    fn a_listener_is_found_with_its_address_and_its_owner() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let found = listening().into_iter().find(|socket| socket.port == port).unwrap();
        assert_eq!(found.address, IpAddr::from([127, 0, 0, 1]));
        let me = Pid(std::process::id() as i32);
        let asked = BTreeSet::from([port]);
        match &owners(&asked, &[])[&port] {
            PortOwner::Foreign { pid, .. } => assert_eq!(*pid, me),
            other => panic!("{other:?}"),
        }
        let web = PortOwner::Ours { name: "web".into(), id: ProcessId(3) };
        assert_eq!(owners(&asked, &[(me, web.clone())])[&port], web);
        drop(listener);
        assert!(owners(&asked, &[]).is_empty());
    }

    #[test]
    fn addresses_are_read_as_the_kernel_writes_them() {
        if cfg!(target_endian = "little") {
            assert_eq!(address_of("0100007F"), Some(IpAddr::from([127, 0, 0, 1])));
            assert_eq!(address_of("00000000000000000000000001000000"), Some(Ipv6Addr::LOCALHOST.into()));
        }
        assert_eq!(address_of("01"), None);
    }

    #[test]
    fn a_connection_is_not_a_listener() {
        let connected =
            "1: 0100007F:258F 0100007F:9999 01 00000000:00000000 00:00000000 00000000 0 0 222 1 0";
        assert_eq!(row(connected), None);
        assert_eq!(row(&connected.replace(" 01 ", " 0A ")).map(|socket| socket.port), Some(9615));
    }
}

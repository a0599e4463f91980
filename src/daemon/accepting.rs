//! Whether a program accepts from a listening socket that others have open, too. That somebody can
//! connect says nothing there: the kernel lets anybody, as long as one has it open.
//!
//! What the program waits on is seen: an epoll that the socket is in, or a thread in `accept`. On
//! what a thread in `poll` or `select` waits is not seen; such a one is believed. One that computes
//! or sleeps does not accept.

use std::collections::BTreeSet;
use std::fs;

use super::listening;
use crate::model::Pid;

/// Whether something of the tree below that process accepts from a socket that listens on that port.
pub fn accepts(main: Pid, port: u16) -> bool {
    let sockets = listening::inodes(port);
    let is_of_tree = |pid: &i32| listening::is_below(*pid, main);
    listening::pids().into_iter().filter(is_of_tree).any(|pid| accepts_from(pid, &sockets))
}

fn accepts_from(pid: i32, sockets: &BTreeSet<u64>) -> bool {
    let (mut held, mut polls, mut ring) = (BTreeSet::new(), Vec::new(), false);
    for (fd, link) in descriptors(pid) {
        match link.as_str() {
            "anon_inode:[eventpoll]" => polls.push(fd),
            "anon_inode:[io_uring]" => ring = true,
            link => {
                if listening::inode(link).is_some_and(|inode| sockets.contains(&inode)) {
                    held.insert(fd);
                }
            }
        }
    }
    if held.is_empty() {
        return false;
    }
    let watched = |fd: &u64| {
        let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).unwrap_or_default();
        watches(&info, sockets)
    };
    // What a ring does is not seen; a program that has one and no epoll is believed.
    polls.iter().any(watched) || (ring && polls.is_empty()) || threads(pid).any(|call| waits(&call, &held))
}

fn descriptors(pid: i32) -> Vec<(u64, String)> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let descriptor = |entry: fs::DirEntry| {
        let link = fs::read_link(entry.path()).ok()?;
        Some((entry.file_name().to_str()?.parse().ok()?, link.to_str()?.to_owned()))
    };
    entries.filter_map(descriptor).collect()
}

/// Lines of an epoll's `fdinfo`: `tfd: 17 events: 19 data: 11 pos:0 ino:b2b1 sdev:8` (proc(5)).
fn watches(info: &str, sockets: &BTreeSet<u64>) -> bool {
    let inode = |line: &str| {
        let word = line.split_whitespace().find_map(|word| word.strip_prefix("ino:"))?;
        u64::from_str_radix(word, 16).ok()
    };
    info.lines().filter_map(inode).any(|inode| sockets.contains(&inode))
}

/// What each thread is doing, as the kernel says it: the number of the system call, and its arguments.
fn threads(pid: i32) -> impl Iterator<Item = String> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    threads.filter_map(|thread| fs::read_to_string(thread.path().join("syscall")).ok())
}

fn waits(call: &str, held: &BTreeSet<u64>) -> bool {
    let mut words = call.split_whitespace();
    let Some(number) = words.next().and_then(|word| word.parse::<libc::c_long>().ok()) else { return false };
    let first = words.next().and_then(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok());
    #[cfg(target_arch = "x86_64")]
    if [libc::SYS_poll, libc::SYS_select].contains(&number) {
        return true;
    }
    match number {
        libc::SYS_accept | libc::SYS_accept4 => first.is_some_and(|fd| held.contains(&fd)),
        libc::SYS_ppoll | libc::SYS_pselect6 => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::fd::OwnedFd;
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn who_only_has_a_socket_does_not_accept_and_who_waits_for_clients_does() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let sockets = listening::inodes(address.port());
        assert_eq!(sockets.len(), 1);
        let has_it = OwnedFd::from(listener.try_clone().unwrap());
        let mut other = Command::new("sleep").arg("1000").stdin(has_it).spawn().unwrap();
        let pid = other.id() as i32;
        let inode = sockets.first().unwrap();
        assert_eq!(descriptors(pid).first(), Some(&(0, format!("socket:[{inode}]"))));
        assert!(!accepts_from(pid, &sockets) && !accepts(Pid(pid), address.port()));
        other.kill().unwrap();
        other.wait().unwrap();
        let me = Pid(std::process::id() as i32);
        let accepting = std::thread::spawn(move || listener.accept().map(drop));
        let until = Instant::now() + Duration::from_secs(20);
        while !accepts(me, address.port()) {
            assert!(Instant::now() < until, "a thread in accept is not seen");
            std::thread::sleep(Duration::from_millis(5));
        }
        std::net::TcpStream::connect(address).unwrap();
        accepting.join().unwrap().unwrap();
    }

    #[test]
    fn what_an_epoll_watches_is_read_as_the_kernel_writes_it() {
        let info = "pos:\t0\nflags:\t02\ntfd:       17 events:       19 data:               11  pos:0 ino:b2b1 sdev:8\n";
        assert!(watches(info, &BTreeSet::from([0xb2b1])));
        assert!(!watches(info, &BTreeSet::from([0xb2b2])));
        assert!(!watches("", &BTreeSet::from([1])));
    }

    #[test]
    fn a_thread_that_sleeps_or_computes_does_not_wait_for_clients() {
        let held = BTreeSet::from([3]);
        let check = |number: libc::c_long, rest: &str, is: bool| {
            assert_eq!(waits(&format!("{number} {rest}"), &held), is, "{number} {rest}");
        };
        check(libc::SYS_accept4, "0x3 0x0 0x0", true);
        check(libc::SYS_accept4, "0x4 0x0 0x0", false);
        check(libc::SYS_ppoll, "0x7ffd 0x1", true);
        check(libc::SYS_nanosleep, "0x3 0x0", false);
        assert!(!waits("running\n", &held));
    }
}

//! The notify socket of a run: systemd's protocol (sd_notify(3)), of which `READY=1`, `STATUS=…` and
//! `STOPPING=1` are heard.
//!
//! Each run has a socket of its own, so nobody has to find out who spoke. It is a file beside the
//! FIFOs where a sign is awaited; for every other run (making a file is dear), for one of another
//! user, who cannot reach the file, and where the path would be too long for an address, it is a
//! name in the abstract namespace. Anybody can send to such a name: only what the
//! user of the run, ours or root sends is heard.

use std::fs;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};

use nix::cmsg_space;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixCredentials, recvmsg, setsockopt, sockopt};

use super::{Heard, LONGEST_STATUS};
use crate::keeper::protocol::Sign;

/// Bytes of the path in an address, without the zero at its end.
const LONGEST_PATH: usize = 107;
/// No datagram is longer, in bytes; systemd takes no more either.
const LONGEST: usize = 4096;
/// So many are read before others have their turn.
const AT_ONCE: usize = 64;

/// Our end.
pub struct NotifySocket {
    socket: UnixDatagram,
    /// What the program finds as `NOTIFY_SOCKET`.
    pub address: String,
    /// Who may speak: root and we always.
    other: Option<u32>,
}

impl NotifySocket {
    /// The file of a run.
    pub fn path(run_dir: &Path, run: u64) -> PathBuf {
        run_dir.join(format!("{run}.notify"))
    }

    /// Makes it, in place of one that an earlier keeper has left. `other`: the user of the run, for
    /// whom it is a name and not a file.
    pub fn make(run_dir: &Path, home_mark: &str, run: u64, other: Option<u32>) -> io::Result<NotifySocket> {
        let path = NotifySocket::path(run_dir, run);
        let text = path.to_str().filter(|text| text.len() <= LONGEST_PATH && other.is_none());
        let (socket, address) = match text {
            Some(text) => {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    Ok(()) | Err(_) => {}
                }
                // The keeper's mask makes it 0600.
                (UnixDatagram::bind(&path)?, text.to_owned())
            }
            None => {
                let name = format!("pmdaemon/{home_mark}/{run}.notify");
                let address = SocketAddr::from_abstract_name(&name)?;
                (UnixDatagram::bind_addr(&address)?, format!("@{name}"))
            }
        };
        socket.set_nonblocking(true)?;
        setsockopt(&socket, sockopt::PassCred, &true)?;
        Ok(NotifySocket { socket, address, other })
    }

    /// Takes what is there.
    pub(super) fn read(&self, heard: &mut Heard) {
        for _ in 0..AT_ONCE {
            match self.receive() {
                Ok(Some(text)) => understand(&text, heard),
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    /// One datagram; nothing, if it is of somebody who has no business here. There is room for who
    /// sent it and nothing else: the kernel closes descriptors that are sent along.
    fn receive(&self) -> io::Result<Option<String>> {
        let mut bytes = [0; LONGEST];
        let mut control = cmsg_space!(UnixCredentials);
        let mut buffers = [IoSliceMut::new(&mut bytes)];
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
        let received = recvmsg::<()>(self.socket.as_raw_fd(), &mut buffers, Some(&mut control), flags)?;
        let may_speak = received.cmsgs()?.any(|message| match message {
            ControlMessageOwned::ScmCredentials(who) => self.may_speak(who.uid()),
            _ => false,
        });
        let length = received.bytes;
        Ok(may_speak.then(|| String::from_utf8_lossy(&bytes[..length]).into_owned()))
    }

    fn may_speak(&self, uid: u32) -> bool {
        uid == 0 || uid == nix::unistd::geteuid().as_raw() || self.other == Some(uid)
    }
}

/// Lines of `NAME=value`, as in sd_notify(3). What we do not know is not for us.
fn understand(text: &str, heard: &mut Heard) {
    let mut status = None;
    for line in text.lines() {
        match line.split_once('=') {
            Some(("READY", "1")) => heard.sign(Sign::Notified),
            Some(("STATUS", text)) => status = Some(shortened(text)),
            Some(("STOPPING", "1")) => status = status.or(Some("stopping".to_owned())),
            Some(_) | None => {}
        }
    }
    heard.status = status.or(heard.status.take());
}

/// One line of printable text.
fn shortened(text: &str) -> String {
    let mut short = String::new();
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        if short.len() + letter.len_utf8() > LONGEST_STATUS {
            break;
        }
        short.push(letter);
    }
    short
}

impl From<NotifySocket> for OwnedFd {
    fn from(socket: NotifySocket) -> OwnedFd {
        socket.socket.into()
    }
}

impl AsFd for NotifySocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_are_understood_line_by_line() {
        let check = |text: &str, ready: bool, status: Option<&str>| {
            let mut heard = Heard::default();
            understand(text, &mut heard);
            assert_eq!((!heard.signs.is_empty(), heard.status.as_deref()), (ready, status), "{text:?}");
        };
        check("READY=1", true, None);
        check("READY=1\nSTATUS=at \u{1b}work\n", true, Some("at work"));
        check("STOPPING=1", false, Some("stopping"));
        check("STATUS=last orders\nSTOPPING=1", false, Some("last orders"));
        check("READY=0\nWATCHDOG=1\nMAINPID=1\nnonsense", false, None);
        check(&format!("STATUS={}", "é".repeat(300)), false, Some(&"é".repeat(128)));
    }

    #[test]
    fn a_socket_is_made_again_in_the_place_of_the_old_one_and_hears_who_may_speak() {
        let dir = tempfile::tempdir().unwrap();
        let first = NotifySocket::make(dir.path(), "mark", 7, None).unwrap();
        let second = NotifySocket::make(dir.path(), "mark", 7, None).unwrap();
        assert_eq!(first.address, second.address);
        UnixDatagram::unbound().unwrap().send_to(b"READY=1", &second.address).unwrap();
        let mut heard = Heard::default();
        first.read(&mut heard);
        assert_eq!(heard, Heard::default());
        second.read(&mut heard);
        assert_eq!(heard.signs, [Sign::Notified]);
        assert!(!second.may_speak(4_000_000));
    }

    #[test]
    fn a_path_that_is_too_long_and_another_user_have_an_abstract_name() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("x".repeat(100));
        fs::create_dir(&deep).unwrap();
        let unique = format!("test-{}", std::process::id());
        let socket = NotifySocket::make(&deep, &unique, 1, None).unwrap();
        assert_eq!(socket.address, format!("@pmdaemon/{unique}/1.notify"));
        let others = NotifySocket::make(dir.path(), &unique, 2, Some(65534)).unwrap();
        assert!(others.address.starts_with('@') && others.may_speak(65534));
    }
}

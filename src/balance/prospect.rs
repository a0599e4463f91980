//! What is to be expected of a client, so that its socket can be spared what is not needed.
//!
//! A client that has said all it has to has nothing to tell but that it is gone, and an answer mostly
//! comes before that matters. So the runtime is asked to watch its socket only when the answer takes
//! long, or when the client may ask for something more. A connection for one request then is never
//! watched: two calls of the kernel less, and no wake-up for "it can be written to".
//!
//! After the last answer the connection is closed. The kernel keeps that answer back for as long as this
//! turn of the connection takes, so that both go in one packet, and is told to send it if there was more
//! to wait for.

use std::io;
use std::net::TcpStream;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::Relaxed};
use std::time::Duration;

use nix::sys::socket::{MsgFlags, send, setsockopt, sockopt::TcpNoDelay};

/// Who waits for longer may be gone meanwhile.
pub const LONG: Duration = Duration::from_millis(50);

/// There is no last answer.
const NONE: i32 = -2;
/// It comes, and nothing of it is kept back.
const COMES: i32 = -1;

/// Of one client; known to who answers it and to its socket, which live on one thread.
#[derive(Clone)]
pub struct Prospect(Arc<State>);

struct State {
    /// It says nothing until it is answered.
    is_quiet: AtomicBool,
    /// [`NONE`], [`COMES`], or the descriptor for which something is kept back.
    last: AtomicI32,
}

impl Prospect {
    /// Of somebody of whom nothing is known.
    pub fn new() -> Prospect {
        Prospect(Arc::new(State { is_quiet: AtomicBool::new(false), last: AtomicI32::new(NONE) }))
    }

    /// It has said all until it is answered; `is_last`: and leaves then.
    pub fn asked(&self, is_last: bool) {
        self.0.is_quiet.store(true, Relaxed);
        self.0.last.store(if is_last { COMES } else { NONE }, Relaxed);
    }

    /// Nothing is to be heard from it.
    pub fn is_quiet(&self) -> bool {
        self.0.is_quiet.load(Relaxed)
    }

    /// Writes something of an answer, after which it may say something. What belongs to the last one is
    /// kept back until [`send`](Prospect::send), or the end.
    ///
    /// # Errors
    /// As write(2).
    pub fn write(&self, stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
        self.0.is_quiet.store(false, Relaxed);
        let mut flags = MsgFlags::MSG_NOSIGNAL;
        if self.0.last.load(Relaxed) != NONE {
            self.0.last.store(stream.as_raw_fd(), Relaxed);
            flags |= MsgFlags::from_bits_retain(libc::MSG_MORE);
        }
        Ok(send(stream.as_raw_fd(), bytes, flags)?)
    }

    /// There is more to wait for: what was kept back goes, and nothing more is. The socket that was
    /// written to must still be open.
    pub fn send(&self) {
        let descriptor = self.0.last.load(Relaxed);
        if descriptor < 0 {
            return;
        }
        self.0.last.store(NONE, Relaxed);
        // SAFETY: it is open, as promised by the caller.
        let socket = unsafe { BorrowedFd::borrow_raw(descriptor) };
        // It is so already; to say it again has the kernel send at once (tcp(7)).
        let _ = setsockopt(&socket, TcpNoDelay, &true);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use super::*;

    /// How much the kernel keeps back; linux/sockios.h has that number, and no crate a name for it.
    fn kept_back(stream: &TcpStream) -> i32 {
        const SIOCOUTQNSD: libc::c_ulong = 0x894B;
        let mut bytes = 0;
        // SAFETY: that call writes one int.
        let told = unsafe { libc::ioctl(stream.as_raw_fd(), SIOCOUTQNSD, &raw mut bytes) };
        assert_eq!(told, 0);
        bytes
    }

    #[test]
    fn a_last_answer_waits_for_the_end_or_for_being_sent_and_another_one_does_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connect = || {
            let heard = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            (listener.accept().unwrap().0, heard)
        };
        let prospect = Prospect::new();
        let (stream, mut heard) = connect();
        prospect.asked(false);
        assert!(prospect.is_quiet());
        assert_eq!(prospect.write(&stream, b"first ").unwrap(), 6);
        assert_eq!((kept_back(&stream), prospect.is_quiet()), (0, false));
        // The kernel keeps nothing back for longer than 200 ms, and this thread may have had no turn.
        let mut was_kept = false;
        for _ in 0..50 {
            prospect.asked(true);
            prospect.write(&stream, b"last ").unwrap();
            was_kept = kept_back(&stream) == 5;
            prospect.send();
            assert_eq!(kept_back(&stream), 0);
            if was_kept {
                break;
            }
        }
        assert!(was_kept);
        prospect.write(&stream, b"and more ").unwrap();
        assert_eq!(kept_back(&stream), 0, "that was not the last");
        prospect.asked(true);
        prospect.write(&stream, b"end").unwrap();
        drop(stream);
        let mut all = String::new();
        heard.read_to_string(&mut all).unwrap();
        assert!(all.starts_with("first last ") && all.ends_with("last and more end"), "{all}");
    }
}

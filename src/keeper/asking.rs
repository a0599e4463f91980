//! When a run is asked to end whose listening socket gets no more connections.
//!
//! What is in the queue of that socket then is lost when the socket is closed, or waits for a next
//! run, unless this one takes it: most programs accept nothing more once they are asked to end. So
//! it is asked only when it has taken everything, and after a moment in which handshakes that had
//! begun come to their end. The kernel tells how long a queue is, and nothing of such handshakes.
//!
//! One that does not take them, since it is busy or hangs, is asked all the same.

use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::alarms::Alarm;
use super::event_loop::Keeper;
use super::sockets::Place;

/// From one look at a queue to the next.
const LOOK: Duration = Duration::from_millis(10);
/// So long handshakes may take.
const HANDSHAKE: Duration = Duration::from_millis(100);
/// Nobody is spared for longer: the kill timeout runs.
const PATIENCE: Duration = Duration::from_millis(500);

/// How a run is asked to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ask {
    /// By this signal to its whole tree.
    Signal(i32),
    /// By message to its main process; if that takes none, by this signal.
    Message(i32),
}

/// What a run is to be asked soon.
#[derive(Clone, Copy, Debug)]
pub struct Asking {
    ask: Ask,
    since: Instant,
}

impl Keeper {
    /// Asks a run to end, once nothing waits for it.
    pub fn ask(&mut self, id: u64, ask: Ask) {
        let deserted = self.is_deserted(id);
        let Some(run) = self.runs.get_mut(&id) else { return };
        if !deserted {
            run.asking = None;
            return self.ask_now(id, ask);
        }
        let since = run.asking.map_or_else(Instant::now, |asking| asking.since);
        run.asking = Some(Asking { ask, since });
        self.alarms.set(Alarm::Ask(id), Instant::now() + LOOK);
    }

    /// Looks whether it can be asked now.
    pub fn ask_if_emptied(&mut self, id: u64) {
        let Some(Asking { ask, since }) = self.runs.get(&id).and_then(|run| run.asking) else { return };
        let waited = since.elapsed();
        // What was said to be closed is closed soon: who stops an app does not wait for handshakes.
        let handshakes = if self.is_released(id) { Duration::ZERO } else { HANDSHAKE };
        let may_come = waited < handshakes || (waited < PATIENCE && self.queue_of(id) > 0);
        if may_come && self.is_deserted(id) {
            return self.alarms.set(Alarm::Ask(id), Instant::now() + LOOK);
        }
        self.runs.get_mut(&id).into_iter().for_each(|run| run.asking = None);
        self.ask_now(id, ask);
    }

    fn ask_now(&mut self, id: u64, ask: Ask) {
        match ask {
            Ask::Signal(signal) => self.signal(id, signal, true),
            Ask::Message(signal) => self.ask_to_end(id, signal),
        }
    }

    /// It could accept, and connections go to others, or none come any more.
    fn is_deserted(&self, id: u64) -> bool {
        let run = self.runs.get(&id).filter(|run| !run.is_ended() && !run.paused);
        let place = run.and_then(Place::of);
        place.is_some_and(|place| self.sockets.is_passed_over(place) || self.sockets.is_released(place))
    }

    /// Its socket closes with it.
    fn is_released(&self, id: u64) -> bool {
        let place = self.runs.get(&id).and_then(Place::of);
        place.is_some_and(|place| self.sockets.is_released(place))
    }

    /// How many connections wait in its queue.
    fn queue_of(&self, id: u64) -> u32 {
        let place = self.runs.get(&id).and_then(Place::of);
        place.and_then(|place| self.sockets.get(place)).map_or(0, queue)
    }
}

/// How many connections wait at that listening socket; 0 if the kernel does not tell.
fn queue(socket: BorrowedFd<'_>) -> u32 {
    // SAFETY: all of it are integers.
    let mut info: libc::tcp_info = unsafe { mem::zeroed() };
    let mut size = mem::size_of_val(&info) as libc::socklen_t;
    // SAFETY: the kernel writes at most `size` bytes into `info`, which lives as long as the call.
    let done = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut size,
        )
    };
    // Of a listening socket that is the length of its queue.
    if done == 0 { info.tcpi_unacked } else { 0 }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_queue_is_as_long_as_connections_wait_in_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(queue(listener.as_fd()), 0);
        let connect = || TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let _waiting = [connect(), connect()];
        assert_eq!(queue(listener.as_fd()), 2);
        listener.accept().unwrap();
        assert_eq!(queue(listener.as_fd()), 1);
    }
}

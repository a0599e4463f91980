//! The daemon's end of the line to the keeper.
//!
//! Orders are sent at once, or queued while the line is full; nothing here makes the driver wait.
//! When the keeper is gone a new one is started, which finds the runs again by itself; what the
//! old one had not carried out is the brain's to order anew (`Fact::HandsRenewed`).

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use tokio::io::unix::AsyncFd;

use crate::home::Home;
use crate::keeper::line;
use crate::keeper::protocol::{LINE_FD, Order, Report};
use crate::keeper::{self, inherited};

/// A connected keeper.
pub struct KeeperLine {
    fd: AsyncFd<OwnedFd>,
    waiting: VecDeque<(Order, Option<Arc<OwnedFd>>)>,
    /// Sockets that came with reports, and were not asked for yet.
    sockets: BTreeMap<String, OwnedFd>,
    /// A keeper that this daemon started is its child, and is waited for when it ends.
    child: Option<Child>,
}

impl KeeperLine {
    /// Takes the line that the keeper handed to the daemon when it started it.
    ///
    /// # Errors
    /// When descriptor [`LINE_FD`] is not such a line: the daemon was started by hand.
    pub fn inherited() -> io::Result<KeeperLine> {
        KeeperLine::over(inherited::line()?, None)
    }

    /// Starts a keeper that takes over everything that runs, and this daemon with it.
    pub fn start_new(home: &Home) -> io::Result<KeeperLine> {
        let (ours, theirs) = socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
        )?;
        let program = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
        let mut command = Command::new(keeper::executable(&program));
        command
            .arg("keeper")
            .arg("--adopt-daemon")
            .arg(std::process::id().to_string())
            .env("PMDAEMON_HOME", home.path())
            .stdin(Stdio::null())
            .fd_mappings(vec![FdMapping { parent_fd: theirs, child_fd: LINE_FD }])
            .map_err(io::Error::other)?;
        KeeperLine::over(ours, Some(command.spawn()?))
    }

    fn over(fd: OwnedFd, child: Option<Child>) -> io::Result<KeeperLine> {
        // Deprecated in favour of an unsafe function that asks for what an `OwnedFd` always keeps:
        // that the descriptor stays open, and ours, as long as it is registered.
        #[allow(deprecated)]
        let fd = AsyncFd::new(fd)?;
        Ok(KeeperLine { fd, waiting: VecDeque::new(), sockets: BTreeMap::new(), child })
    }

    /// Sends an order, or keeps it until the line has room. If the keeper is gone the order is
    /// lost with it; the next [`next`](Self::next) says so.
    pub fn order(&mut self, order: Order) {
        self.waiting.push_back((order, None));
        self.send_waiting();
    }

    /// Has the keeper hold a socket for the next daemon.
    pub fn hold(&mut self, name: String, socket: Arc<OwnedFd>) {
        self.waiting.push_back((Order::Hold { name }, Some(socket)));
        self.send_waiting();
    }

    /// Waits until the line has taken everything, at most for `limit`: who ends afterwards has
    /// said what he had to say. Returns whether that is so.
    pub async fn flush(&mut self, limit: Duration) -> bool {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            self.send_waiting();
            if self.waiting.is_empty() {
                return true;
            }
            let writable = tokio::time::timeout_at(deadline, self.fd.ready(tokio::io::Interest::WRITABLE));
            match writable.await {
                Ok(Ok(mut guard)) => guard.clear_ready(),
                Ok(Err(_)) | Err(_) => return false,
            }
        }
    }

    /// The sockets that the keeper has sent since this was last asked.
    pub fn take_sockets(&mut self) -> BTreeMap<String, OwnedFd> {
        std::mem::take(&mut self.sockets)
    }

    fn send_waiting(&mut self) {
        while let Some((order, socket)) = self.waiting.front() {
            let socket = socket.as_ref().map(|socket| socket.as_fd());
            match line::send_with(self.fd.get_ref().as_fd(), order, socket) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return,
                Err(e) => tracing::debug!("an order to the keeper was lost: {e}"),
            }
            self.waiting.pop_front();
        }
    }

    /// The next report; `None` when the keeper is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<Report> {
        loop {
            let interest = if self.waiting.is_empty() {
                tokio::io::Interest::READABLE
            } else {
                tokio::io::Interest::READABLE | tokio::io::Interest::WRITABLE
            };
            let mut guard = match self.fd.ready(interest).await {
                Ok(guard) => guard,
                Err(e) => {
                    tracing::error!("cannot wait for the keeper: {e}");
                    return None;
                }
            };
            let ready = guard.ready();
            if ready.is_writable() {
                guard.clear_ready_matching(tokio::io::Ready::WRITABLE);
                drop(guard);
                self.send_waiting();
            } else {
                drop(guard);
            }
            match self.try_next() {
                Attempt::Report(report) => return Some(*report),
                Attempt::Gone => return None,
                Attempt::Nothing => {}
            }
        }
    }

    /// A report that is there already, if one is. Lets the driver take a burst in one turn.
    pub fn try_next(&mut self) -> Attempt {
        let received =
            self.fd.try_io(tokio::io::Interest::READABLE, |fd| line::receive_with::<Report>(fd.as_fd()));
        match received {
            Ok(Some((report, socket))) => {
                if let (Report::Held { name }, Some(socket)) = (&report, socket) {
                    self.sockets.insert(name.clone(), socket);
                }
                Attempt::Report(Box::new(report))
            }
            Ok(None) => Attempt::Gone,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Attempt::Nothing,
            Err(e) => {
                tracing::error!("the line to the keeper is broken: {e}");
                Attempt::Gone
            }
        }
    }
}

impl Drop for KeeperLine {
    /// A keeper of ours that is gone must not stay a zombie. One that lives on becomes init's.
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.try_wait();
        }
    }
}

/// What [`KeeperLine::try_next`] found.
pub enum Attempt {
    /// A report.
    Report(Box<Report>),
    /// Nothing yet.
    Nothing,
    /// No keeper any more.
    Gone,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn pair() -> (KeeperLine, OwnedFd) {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags).unwrap();
        (KeeperLine::over(ours, None).unwrap(), theirs)
    }

    #[tokio::test]
    async fn a_keeper_that_is_busy_hears_the_last_order_before_the_line_is_flushed() {
        let (mut line, theirs) = pair();
        for run in 0..10_000 {
            line.order(Order::Forget { run });
        }
        line.order(Order::Quit);
        assert!(!line.flush(Duration::from_millis(20)).await, "nobody reads");
        let reader = std::thread::spawn(move || {
            let deadline = Instant::now() + Duration::from_secs(20);
            while Instant::now() < deadline {
                match line::receive::<Order>(theirs.as_fd()) {
                    Ok(Some(Order::Quit)) => return true,
                    Ok(Some(_)) => {}
                    Ok(None) => return false,
                    Err(_) => std::thread::yield_now(),
                }
            }
            false
        });
        assert!(line.flush(Duration::from_secs(20)).await);
        drop(line);
        assert!(reader.join().unwrap());
    }

    #[tokio::test]
    async fn a_keeper_that_is_gone_keeps_nobody() {
        let (mut line, theirs) = pair();
        for run in 0..10_000 {
            line.order(Order::Forget { run });
        }
        drop(theirs);
        // There is nobody to say it to: nothing waits any more.
        assert!(line.flush(Duration::from_secs(20)).await);
    }
}

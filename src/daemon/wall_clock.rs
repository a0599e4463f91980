//! Notices when somebody sets the clock on the wall, or the host wakes up: schedules go by it, and
//! everything else by one that never jumps.

use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::unix::AsyncFd;

/// A timer that never rings, and is cancelled when its clock is set.
pub(super) struct WallClock(Option<(TimerFd, AsyncFd<OwnedFd>)>);

impl WallClock {
    /// Begins to listen.
    pub(super) fn new() -> WallClock {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_REALTIME, flags).and_then(|timer| {
            arm(&timer)?;
            Ok(timer)
        });
        let timer = timer.map_err(std::io::Error::from).and_then(|timer| {
            // As with the keeper's line: an `OwnedFd` keeps what its successor asks for.
            #[allow(deprecated)]
            let told = AsyncFd::new(timer.as_fd().try_clone_to_owned()?)?;
            Ok((timer, told))
        });
        WallClock(timer.inspect_err(|e| tracing::warn!("a set clock is noticed late: {e}")).ok())
    }

    /// Waits until it was set. May be dropped and called again.
    pub(super) async fn set(&self) {
        let Some((timer, told)) = &self.0 else { return std::future::pending().await };
        loop {
            let Ok(mut ready) = told.readable().await else { return std::future::pending().await };
            let mut eight = [0; 8];
            match nix::unistd::read(timer.as_fd(), &mut eight) {
                Err(Errno::EAGAIN) => ready.clear_ready(),
                // Cancelled; or the far future has come.
                Ok(_) | Err(_) => {
                    ready.clear_ready();
                    if let Err(e) = arm(timer) {
                        tracing::warn!("a set clock is noticed late: {e}");
                    }
                    return;
                }
            }
        }
    }
}

fn arm(timer: &TimerFd) -> nix::Result<()> {
    // A thousand years.
    let far = TimeSpec::new(32_503_680_000, 0);
    let flags = TimerSetTimeFlags::TFD_TIMER_ABSTIME | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET;
    timer.set(Expiration::OneShot(far), flags)
}

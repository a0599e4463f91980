//! Notices that the table was replaced.

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Watches the directory of a file: that is replaced, not written to.
pub struct Watch {
    notices: AsyncFd<Notices>,
    name: std::ffi::OsString,
}

struct Notices(Inotify);

impl std::os::fd::AsRawFd for Notices {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl AsFd for Notices {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Watch {
    /// Begins to watch that file.
    ///
    /// # Errors
    /// When there is no such directory, or too much is watched on this host.
    pub fn new(path: &Path) -> io::Result<Watch> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        let directory = path.parent().unwrap_or(Path::new("/"));
        inotify.add_watch(directory, AddWatchFlags::IN_MOVED_TO)?;
        let name = path.file_name().unwrap_or_default().to_owned();
        // Its successor is unsafe for types whose descriptor changes; this one's does not.
        #[allow(deprecated)]
        let notices = AsyncFd::with_interest(Notices(inotify), Interest::READABLE)?;
        Ok(Watch { notices, name })
    }

    /// Returns when it was replaced.
    ///
    /// # Errors
    /// When the kernel stops telling.
    pub async fn replaced(&mut self) -> io::Result<()> {
        loop {
            let mut ready = self.notices.readable().await?;
            let read = ready.try_io(|notices| notices.get_ref().0.read_events().map_err(io::Error::from));
            match read {
                // One without a name says that some were lost.
                Ok(events) => {
                    let ours = |name: Option<&OsStr>| name.is_none_or(|name| name == self.name);
                    if events?.iter().any(|event| ours(event.name.as_deref())) {
                        return Ok(());
                    }
                }
                Err(_would_block) => {}
            }
        }
    }
}

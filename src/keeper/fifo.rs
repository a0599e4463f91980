//! The named FIFOs of a run: 0600, found again by name. Opened anew for each run, since a program may
//! leave `O_NONBLOCK` set on a description that the next one would inherit.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, tee};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;

/// Room in the pipe of a run, in bytes, for root. Others keep the kernel's 64 KiB: they may have
/// only 64 pipes of this size.
const ROOM: i32 = 1 << 20;

/// Makes a FIFO, if there is none (then nobody has it open: see [`super::sets`]), and opens the
/// keeper's end, then the run's.
pub fn make(path: &Path) -> io::Result<(OwnedFd, File)> {
    match nix::unistd::mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(errno.into()),
    }
    let ours = open(path)?;
    // For reading too: then the run itself keeps the pipe alive, and never gets EPIPE.
    let theirs = OpenOptions::new().read(true).write(true).open(path)?;
    if nix::unistd::geteuid().is_root() {
        // Without it there is less room; that is all.
        let _ = fcntl(&theirs, FcntlArg::F_SETPIPE_SZ(ROOM));
    }
    Ok((ours, theirs))
}

/// How much a FIFO holds, in bytes.
pub fn room(fifo: impl AsFd) -> usize {
    // Of what is no pipe, and then holds nothing: what a new pipe has.
    fcntl(fifo, FcntlArg::F_GETPIPE_SZ).map_or(64 * 1024, |room| room.max(0) as usize)
}

/// Opens the keeper's end of a FIFO that is there.
pub fn open(path: &Path) -> io::Result<OwnedFd> {
    let flags = libc::O_NONBLOCK | libc::O_NOFOLLOW;
    Ok(OpenOptions::new().read(true).custom_flags(flags).open(path)?.into())
}

/// Whether nothing is in a FIFO, and nobody is left who could write to it.
pub fn is_over(fifo: BorrowedFd<'_>) -> bool {
    let mut asked = [PollFd::new(fifo, PollFlags::POLLIN)];
    let answered = poll(&mut asked, PollTimeout::ZERO).is_ok();
    answered && asked[0].revents() == Some(PollFlags::POLLHUP)
}

/// How many bytes are in a FIFO.
pub fn waiting(fifo: BorrowedFd<'_>) -> usize {
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int to the place that it is given.
    let asked = unsafe { libc::ioctl(fifo.as_raw_fd(), libc::FIONREAD, &mut count) };
    if asked == 0 { count.max(0) as usize } else { 0 }
}

/// A pipe that holds as much as that FIFO, if the kernel lets us. Nobody ever waits for it.
pub fn pipe_like(fifo: BorrowedFd<'_>) -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    let _ = fcntl(&writer, FcntlArg::F_SETPIPE_SZ(room(fifo) as i32));
    Ok((reader, writer))
}

/// At most the first `most` bytes in a FIFO, which stay there.
pub fn peek(fifo: BorrowedFd<'_>, most: usize) -> io::Result<Vec<u8>> {
    let (reader, writer) = pipe_like(fifo)?;
    let count = match tee(fifo, writer.as_fd(), most, SpliceFFlags::SPLICE_F_NONBLOCK) {
        Err(Errno::EAGAIN | Errno::EINTR) => 0,
        result => result?,
    };
    let mut seen = vec![0; count];
    File::from(reader).read_exact(&mut seen)?;
    Ok(seen)
}

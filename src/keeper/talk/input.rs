//! The standard input of a run that was launched with a pipe for it.
//!
//! The run holds both ends of the pipe as its descriptor 0, and nobody else holds one. So it never sees
//! an end of its input, whoever of us dies; and who has something to write finds the pipe where the run
//! has it, at `/proc/PID/fd/0`.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};

use nix::fcntl::OFlag;

use crate::keeper::process::io_words;

/// A pipe takes so many bytes whole or not at all (`PIPE_BUF`).
const WHOLE: usize = libc::PIPE_BUF;

/// The pipe, on its way to a run.
pub struct Input(pub File);

impl Input {
    /// A new one, of which a single descriptor is both ends.
    pub fn make() -> io::Result<Input> {
        let (reader, _) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
        let both = format!("/proc/self/fd/{}", reader.as_raw_fd());
        Ok(Input(OpenOptions::new().read(true).write(true).open(both)?))
    }

    /// By what it is recognised.
    pub fn inode(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.ino())
    }
}

impl AsFd for Input {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Writes a line to the pipe of that inode, if that is the standard input of the process.
///
/// # Errors
/// A sentence, when nothing was written.
pub fn write_line(pid: i32, inode: u64, text: &str) -> Result<(), String> {
    let line = format!("{text}\n");
    if line.len() > WHOLE {
        return Err(format!("a line of at most {} bytes fits into a pipe at once", WHOLE - 1));
    }
    let path = format!("/proc/{pid}/fd/0");
    let closed = || "it has closed its standard input, or has put something else in its place".to_owned();
    let is_it = |found: io::Result<Metadata>| {
        found.is_ok_and(|meta| meta.ino() == inode && meta.file_type().is_fifo())
    };
    // Before, because to open something else might act; and after, because the program may be another
    // user's, and exchange it meanwhile for a file that only we may write.
    if !is_it(std::fs::metadata(&path)) {
        return Err(closed());
    }
    let opened = OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(&path);
    let mut pipe = opened.map_err(|e| format!("its standard input cannot be opened: {}", io_words(&e)))?;
    if !is_it(pipe.metadata()) {
        return Err(closed());
    }
    match pipe.write_all(line.as_bytes()) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == ErrorKind::WouldBlock => {
            Err("it does not read its standard input, which is full".to_owned())
        }
        Err(e) => Err(format!("its standard input cannot be written: {}", io_words(&e))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    #[test]
    fn a_line_comes_whole_and_what_is_not_read_is_refused() {
        let input = Input::make().unwrap();
        let inode = input.inode().unwrap();
        let mut reader = Command::new("sh");
        reader.args(["-c", "read -r line; echo \"got $line\"; exec sleep 1000"]);
        let ours = input.0.try_clone().unwrap();
        let mut child = reader.stdin(Stdio::from(ours)).stdout(Stdio::piped()).spawn().unwrap();
        drop(input);
        let pid = child.id() as i32;
        assert_eq!(write_line(pid, inode, "a b"), Ok(()));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "got a b\n");
        assert!(write_line(pid, inode + 1, "x").unwrap_err().contains("closed"));
        assert!(write_line(pid, inode, &"x".repeat(WHOLE)).unwrap_err().contains("4095"));
        let taken = (0..10_000).take_while(|_| write_line(pid, inode, &"x".repeat(1000)).is_ok()).count();
        assert!((10..10_000).contains(&taken), "{taken}");
        assert!(write_line(pid, inode, &"x".repeat(1000)).unwrap_err().contains("full"));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(write_line(pid, inode, "x").unwrap_err().contains("closed"));
    }
}

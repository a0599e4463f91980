//! A command that is run once: how it ended, and the end of what it printed.
//!
//! It is a child of the daemon in a process group of its own. At its limit, and when nobody wants to
//! know any more, the whole group is killed.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};

/// So much of the end of its output is kept.
const KEPT: usize = 4096;

/// A command that has begun.
pub struct Running {
    group: Group,
    output: pipe::Receiver,
    tail: Tail,
}

/// It did not end with exit code 0.
#[derive(Debug)]
pub struct Failed {
    /// How.
    pub how: How,
    /// The end of what it printed.
    pub tail: Tail,
}

/// How a command failed.
#[derive(Debug)]
pub enum How {
    /// It ended so.
    Ended(ExitStatus),
    /// It did not end within its limit.
    Late,
    /// Nobody could see how it ended.
    Lost(io::Error),
}

/// Begins it. `command` says what to run, where, and with which environment.
///
/// # Errors
/// A sentence: which program cannot be executed, or that `what` cannot be run.
pub fn begin(mut command: Command, what: &str) -> Result<Running, String> {
    let cannot = |e: io::Error| format!("{what} cannot be run: {e}");
    let (output, input) = io::pipe().map_err(cannot)?;
    let errors = input.try_clone().map_err(cannot)?;
    command.process_group(0).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(input).stderr(errors);
    let spawned = command.spawn();
    let child = spawned.map_err(|e| {
        format!("{} cannot be executed: {e}", command.as_std().get_program().to_string_lossy())
    })?;
    // It holds our ends of the pipe for writing.
    drop(command);
    let group = Group(child);
    let output = pipe::Receiver::from_owned_fd(OwnedFd::from(output)).map_err(cannot)?;
    Ok(Running { group, output, tail: Tail::default() })
}

impl Running {
    /// The number of its main process, while that is there.
    pub fn pid(&self) -> Option<u32> {
        self.group.0.id()
    }

    /// Waits for its end, so long at most.
    ///
    /// # Errors
    /// How it failed.
    pub async fn end(mut self, limit: Duration) -> Result<(), Failed> {
        let ended = tokio::time::timeout(limit, self.watch()).await;
        let how = match ended {
            Ok(Ok(status)) if status.success() => return Ok(()),
            Ok(Ok(status)) => How::Ended(status),
            Ok(Err(e)) => How::Lost(e),
            Err(_) => How::Late,
        };
        Err(Failed { how, tail: self.tail })
    }

    /// Reads until it has ended. What it may leave running does not keep us.
    async fn watch(&mut self) -> io::Result<ExitStatus> {
        let Running { group, output, tail } = self;
        let mut buffer = [0; 1024];
        let mut open = true;
        let status = loop {
            tokio::select! {
                biased;
                read = output.read(&mut buffer), if open => match read {
                    Ok(0) | Err(_) => open = false,
                    Ok(n) => tail.add(&buffer[..n]),
                },
                status = group.0.wait() => break status?,
            }
        };
        // A pipe holds 64 KiB: what was in it when the command ended is read, and no more.
        // Asked of the kernel itself: tokio may not have heard yet that there is something in it.
        for _ in 0..64 {
            match nix::unistd::read(&*output, &mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(n) => tail.add(&buffer[..n]),
            }
        }
        Ok(status)
    }
}

/// `exit code 3`, as people know it from runs.
impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            How::Ended(status) => match (status.code(), status.signal()) {
                (Some(code), _) => write!(f, "exit code {code}"),
                (None, Some(signal)) => match Signal::try_from(signal) {
                    Ok(signal) => write!(f, "signal {signal}"),
                    Err(_) => write!(f, "signal {signal}"),
                },
                (None, None) => write!(f, "{status}"),
            },
            How::Late => f.write_str("too late"),
            How::Lost(e) => write!(f, "an unknown end: {e}"),
        }
    }
}

/// The command with everything that it started in its group.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // Only while it is not reaped is the number surely its own.
        if let Some(pid) = self.0.id() {
            let _ = killpg(Pid::from_raw(pid as i32), Signal::SIGKILL);
        }
    }
}

/// The end of an output.
#[derive(Default, Debug)]
pub struct Tail(Vec<u8>);

impl Tail {
    fn add(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        if self.0.len() > 2 * KEPT {
            self.0.drain(..self.0.len() - KEPT);
        }
    }

    /// The last lines with something in them, without escapes; so many at most.
    pub fn last_lines(&self, most: usize) -> Vec<String> {
        let lines = self.0.split(|byte| *byte == b'\n');
        let lines = lines.map(|line| super::plain(&String::from_utf8_lossy(line)).trim().to_owned());
        let said: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
        said[said.len().saturating_sub(most)..].to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_it_said_last_is_known_however_soon_its_end_is_noticed() {
        for turn in 0..300 {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", "echo why; exit 3"]);
            let running = begin(command, "it").unwrap();
            let failed = running.end(Duration::from_secs(20)).await.unwrap_err();
            assert_eq!(failed.tail.last_lines(1), ["why"], "turn {turn}, {}", failed.how);
        }
    }
}

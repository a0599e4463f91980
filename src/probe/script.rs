//! Run a script: exit code 0 is well, and otherwise the last line that it printed is the reason.
//!
//! It is a child of the daemon in a process group of its own. At its timeout, and when nobody wants
//! to know any more, the whole group is killed.

use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};

/// So much of the end of its output is kept.
const KEPT: usize = 4096;

/// Asks once. `command` says what to run, where, and with which environment.
///
/// # Errors
/// What is wrong: its last line, or how it ended.
pub async fn run(mut command: Command, timeout: Duration) -> Result<(), String> {
    let cannot = |e: std::io::Error| format!("the health check cannot be run: {e}");
    let (output, input) = std::io::pipe().map_err(cannot)?;
    let errors = input.try_clone().map_err(cannot)?;
    command.process_group(0).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(input).stderr(errors);
    let spawned = command.spawn();
    let child = spawned.map_err(|e| {
        format!("{} cannot be executed: {e}", command.as_std().get_program().to_string_lossy())
    })?;
    // It holds our ends of the pipe for writing.
    drop(command);
    let mut group = Group(child);
    let mut output = pipe::Receiver::from_owned_fd(OwnedFd::from(output)).map_err(cannot)?;
    let mut tail = Tail::default();
    let ended = tokio::time::timeout(timeout, watch(&mut group, &mut output, &mut tail)).await;
    drop(group);
    let last = tail.last_line();
    match ended {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(_)) if last.is_some() => Err(last.unwrap_or_default()),
        Ok(Ok(status)) => Err(format!("the health check ended with {status}")),
        Ok(Err(e)) => Err(format!("the health check was lost: {e}")),
        Err(_) => {
            let said = last.map(|line| format!("; it said: {line}")).unwrap_or_default();
            Err(format!("the health check did not end within {} ms{said}", timeout.as_millis()))
        }
    }
}

/// Reads until it has ended. What it may leave running does not keep us.
async fn watch(
    group: &mut Group,
    output: &mut pipe::Receiver,
    tail: &mut Tail,
) -> std::io::Result<std::process::ExitStatus> {
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
    // A pipe holds 64 KiB: what was in it when the script ended is read, and no more.
    for _ in 0..64 {
        match output.try_read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(n) => tail.add(&buffer[..n]),
        }
    }
    Ok(status)
}

/// The script with everything that it started in its group.
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
#[derive(Default)]
struct Tail(Vec<u8>);

impl Tail {
    fn add(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        if self.0.len() > 2 * KEPT {
            self.0.drain(..self.0.len() - KEPT);
        }
    }

    /// The last line with something in it, without escapes.
    fn last_line(&self) -> Option<String> {
        let lines = self.0.split(|byte| *byte == b'\n');
        let lines = lines.map(|line| super::plain(&String::from_utf8_lossy(line)));
        lines.map(|line| line.trim().to_owned()).rfind(|line| !line.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    async fn sh(text: &str, timeout: Duration) -> Result<(), String> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", text]).current_dir("/").env_clear();
        command.envs([("PATH", "/usr/bin:/bin"), ("PORT", "3000")]);
        run(command, timeout).await
    }

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn exit_code_0_is_well_and_otherwise_the_last_line_is_the_reason() {
        assert_eq!(sh("echo fine", LONG).await, Ok(()));
        let said = sh("echo one; printf '\\033[31mdisk full\\033[0m\\n\\n' >&2; exit 3", LONG).await;
        assert_eq!(said, Err("disk full".into()));
        assert_eq!(sh("exit 3", LONG).await, Err("the health check ended with exit status: 3".into()));
        let env = sh("test \"$(pwd)\" = / && echo \"port $PORT\"; exit 1", LONG).await;
        assert_eq!(env, Err("port 3000".into()));
        let long = sh("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; exit 1", LONG).await;
        assert_eq!(long, Err("line 19999".into()));
    }

    #[tokio::test]
    async fn what_it_leaves_behind_does_not_keep_the_verdict() {
        let begin = Instant::now();
        assert_eq!(sh("sleep 30 & exit 0", LONG).await, Ok(()));
        assert!(begin.elapsed() < LONG);
    }

    #[tokio::test]
    async fn at_its_timeout_the_whole_group_is_killed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().display();
        let text = format!("sleep 1000 & echo $! > {path}; echo waiting; wait");
        let late = sh(&text, Duration::from_millis(500)).await;
        assert_eq!(late, Err("the health check did not end within 500 ms; it said: waiting".into()));
        let child = std::fs::read_to_string(file.path()).unwrap();
        let stat = format!("/proc/{}/stat", child.trim());
        let deadline = Instant::now() + Duration::from_secs(10);
        // Gone, or a zombie of init's by now.
        while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
            assert!(Instant::now() < deadline, "the child of the script lives on");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

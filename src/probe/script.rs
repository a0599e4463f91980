//! Run a script: exit code 0 is well, and otherwise the last line that it printed is the reason.

use std::time::Duration;

use tokio::process::Command;

use super::command::{self, How};

/// Asks once. `command` says what to run, where, and with which environment.
///
/// # Errors
/// What is wrong: its last line, or how it ended.
pub async fn run(command: Command, timeout: Duration) -> Result<(), String> {
    let Err(failed) = command::begin(command, "the health check")?.end(timeout).await else { return Ok(()) };
    let last = failed.tail.last_lines(1).pop();
    Err(match (failed.how, last) {
        (How::Ended(_), Some(last)) => last,
        (How::Ended(status), None) => format!("the health check ended with {status}"),
        (How::Lost(e), _) => format!("the health check was lost: {e}"),
        (How::Late, last) => {
            let said = last.map(|line| format!("; it said: {line}")).unwrap_or_default();
            format!("the health check did not end within {} ms{said}", timeout.as_millis())
        }
    })
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

//! Hooks: commands of the user's own, run beside the loop as health checks are.
//!
//! While one runs, a mark of it lies in the home. A daemon that is killed cannot end what it runs; the
//! next one ends what the marks name, before it begins the same hook again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Command;

use crate::home::Home;
use crate::keeper::{boot_id, stat};
use crate::model::{AppSpec, Hook, RunId};
use crate::probe::command::{self, How};

/// So many of its last lines are told when it has failed.
const LINES: usize = 3;
/// Longest such text, in characters.
const LONGEST: usize = 500;
/// In the environment of a hook: which one it is.
const NAME: &str = "PMDAEMON_HOOK";

/// A hook of one run, with everything filled in.
pub struct ReadyHook {
    hook: Hook,
    command: Command,
    limit: Duration,
    mark: PathBuf,
}

impl ReadyHook {
    /// That hook of the app, if it has it: in its directory, as its user, with that environment.
    pub fn of(
        home: &Home,
        spec: &AppSpec,
        hook: Hook,
        run: RunId,
        env: &BTreeMap<String, String>,
    ) -> Option<ReadyHook> {
        let its = spec.hooks.commands.get(&hook)?;
        let mut command = Command::new(&its.program);
        command.args(&its.args).current_dir(&spec.cwd).env_clear().envs(env).env(NAME, hook.word());
        if let Some(user) = &spec.resources.run_as {
            command.uid(user.uid).gid(user.gid);
        }
        let mark = home.hook_dir().join(format!("{hook}-{run}"));
        Some(ReadyHook { hook, command, limit: spec.hooks.timeout, mark })
    }

    /// Runs it. Dropped before its end, it is killed with all that it started.
    ///
    /// # Errors
    /// A sentence: how it failed, and what it said last.
    pub async fn run(self) -> Result<(), String> {
        let ReadyHook { hook, command, limit, mark } = self;
        let running = command::begin(command, &format!("the hook {hook}"));
        let running = running.map_err(|why| format!("the hook {hook} failed: {why}"))?;
        let _mark = Mark::leave(mark, running.pid());
        let Err(failed) = running.end(limit).await else { return Ok(()) };
        let how = match &failed.how {
            How::Ended(_) => format!("failed with {}", failed.how),
            How::Late => format!("did not end within {} ms and was killed", limit.as_millis()),
            How::Lost(e) => format!("was lost: {e}"),
        };
        let said = failed.tail.last_lines(LINES).join(" / ");
        let said = match said.is_empty() {
            true => "it said nothing".to_owned(),
            false => format!("it said: {said}"),
        };
        Err(format!("the hook {hook} {how}; {said}").chars().take(LONGEST).collect())
    }
}

/// Says which process a hook is, for as long as it is there.
struct Mark(PathBuf);

impl Mark {
    /// Of a process whose number is its own until somebody has waited for it.
    fn leave(path: PathBuf, pid: Option<u32>) -> Mark {
        let start = pid.and_then(|pid| stat(pid as i32)).map(|stat| stat.start);
        if let (Some(pid), Some(start)) = (pid, start) {
            let written = path.parent().map_or(Ok(()), fs::create_dir_all);
            let text = format!("{pid} {start} {}", boot_id());
            if let Err(e) = written.and_then(|()| fs::write(&path, text)) {
                tracing::warn!(
                    "cannot write {}: a daemon after this one would not end it: {e}",
                    path.display()
                );
            }
        }
        Mark(path)
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Ends the hooks of a daemon that was killed.
pub fn end_those_of_others(home: &Home) {
    let Ok(marks) = fs::read_dir(home.hook_dir()) else { return };
    for mark in marks.flatten() {
        end_marked(&mark.path());
        let _ = fs::remove_file(mark.path());
    }
}

fn end_marked(mark: &Path) -> Option<()> {
    let text = fs::read_to_string(mark).ok()?;
    let mut words = text.split(' ');
    let pid: i32 = words.next()?.parse().ok()?;
    let start: u64 = words.next()?.parse().ok()?;
    let is_it = words.next()? == boot_id() && stat(pid)?.start == start;
    is_it.then(|| killpg(Pid::from_raw(pid), Signal::SIGKILL).ok())?
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::time::Instant;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn hook(home: &Path, text: &str, limit: Duration) -> ReadyHook {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", text]).env_clear().env("PATH", "/usr/bin:/bin").env(NAME, "before_start");
        ReadyHook { hook: Hook::BeforeStart, command, limit, mark: home.join("mark") }
    }

    #[tokio::test]
    async fn a_failure_names_the_hook_how_it_ended_and_its_last_lines() {
        let home = tempfile::tempdir().unwrap();
        let check = async |text: &str, limit: Duration, expected: Result<(), &str>| {
            let ran = hook(home.path(), text, limit).run().await;
            assert_eq!(ran, expected.map_err(str::to_owned), "{text}");
            assert!(!home.path().join("mark").exists(), "{text}");
        };
        check("test $PMDAEMON_HOOK = before_start", LONG, Ok(())).await;
        let said = "the hook before_start failed with exit code 3; it said: two / three / four";
        check("printf 'one\\ntwo\\n\\nthree\\n'; echo four >&2; exit 3", LONG, Err(said)).await;
        check("exit 3", LONG, Err("the hook before_start failed with exit code 3; it said nothing")).await;
        let killed = "the hook before_start failed with signal SIGKILL; it said: so long";
        check("echo so long; kill -9 $$", LONG, Err(killed)).await;
        let late = "the hook before_start did not end within 300 ms and was killed; it said nothing";
        check("sleep 1000", Duration::from_millis(300), Err(late)).await;
    }

    #[test]
    fn what_a_killed_daemon_had_begun_is_ended_and_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path());
        fs::create_dir_all(home.hook_dir()).unwrap();
        let sleeper = || std::process::Command::new("/bin/sleep").arg("1000").process_group(0).spawn();
        let (mut left, mut other) = (sleeper().unwrap(), sleeper().unwrap());
        std::mem::forget(Mark::leave(home.hook_dir().join("before_start-7"), Some(left.id())));
        // Its number was somebody else's.
        let start = stat(other.id() as i32).unwrap().start;
        let text = format!("{} {} {}", other.id(), start + 1, boot_id());
        fs::write(home.hook_dir().join("before_start-8"), text).unwrap();
        end_those_of_others(&home);
        let deadline = Instant::now() + LONG;
        while left.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "it lives on");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(other.try_wait().unwrap().is_none());
        assert_eq!(fs::read_dir(home.hook_dir()).unwrap().count(), 0);
        other.kill().unwrap();
        other.wait().unwrap();
    }
}

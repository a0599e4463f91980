//! A program of somebody's own. It gets the alert as JSON on its input, and the most of it in variables.
//!
//! No shell is involved, and it has nothing of the daemon's environment but what finds programs. It runs in a
//! process group of its own, which is killed as a whole when it has ended, or after [`LIMIT`].

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use super::body;
use crate::daemon::alert::notification::Notification;

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(30);
/// What it has of the daemon's environment.
const INHERITED: [&str; 5] = ["PATH", "HOME", "LANG", "TZ", "USER"];

/// Runs it once. Exit code 0 is the acknowledgement.
///
/// # Errors
/// A sentence. What it prints goes nowhere: it may print secrets of its own.
pub async fn run(argv: &[String], notification: &Notification) -> Result<(), String> {
    let (program, args) = argv.split_first().ok_or("the command is empty")?;
    let mut command = Command::new(program);
    command.args(args).current_dir("/").env_clear();
    command.envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.envs(variables(notification));
    command.process_group(0).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().map_err(|e| format!("{program} cannot be executed: {e}"))?;
    let mut group = Group::of(child);
    let input = group.child.stdin.take();
    let body = body::json(notification);
    let ended = async {
        if let Some(mut input) = input {
            // Whether it reads it is its own business.
            let _ = input.write_all(&body).await;
        }
        group.child.wait().await
    };
    match tokio::time::timeout(LIMIT, ended).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("{program} ended with {status}")),
        Ok(Err(e)) => Err(format!("{program} was lost: {e}")),
        Err(_) => Err(format!("{program} did not end within {} s", LIMIT.as_secs())),
    }
}

fn variables(notification: &Notification) -> Vec<(&'static str, String)> {
    let alert = &notification.alert;
    let mut variables = vec![
        ("PMDAEMON_ALERT_ID", alert.id.to_string()),
        ("PMDAEMON_ALERT_STATE", notification.what.as_str().to_owned()),
        ("PMDAEMON_ALERT_RULE", alert.rule.clone()),
        ("PMDAEMON_ALERT_SEVERITY", alert.severity.as_str().to_owned()),
        // The kernel takes no zero byte there.
        ("PMDAEMON_ALERT_SUMMARY", alert.summary.replace('\0', " ")),
    ];
    if let Some(whose) = &alert.subject.process {
        variables.push(("PMDAEMON_ALERT_APP", whose.app.clone()));
        variables.push(("PMDAEMON_ALERT_NAMESPACE", whose.namespace.clone()));
        variables.push(("PMDAEMON_ALERT_PROCESS_ID", whose.id.to_string()));
    }
    variables
}

/// The program with everything that it started in its group.
struct Group {
    child: Child,
    id: Option<Pid>,
}

impl Group {
    fn of(child: Child) -> Group {
        let id = child.id().map(|id| Pid::from_raw(id as i32));
        Group { child, id }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It was reaped a moment ago at most: its number is not given out again that soon.
        if let Some(id) = self.id {
            let _ = killpg(id, Signal::SIGKILL);
        }
    }
}

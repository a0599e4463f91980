//! Health checks: one question to a running app, one verdict. No schedule and no policy; that is
//! the business of `daemon/watching.rs` and of the brain.
//!
//! - [`http`]: GET, 2xx is well. [`tcp`]: connect. [`script`]: run, exit code 0 is well.
//! - Only this host is asked: names are resolved, and addresses that are not of the loopback are
//!   left out. A redirect is an answer like any other, not followed.
//! - A [`command`] is what a script is run by, and hooks are, too.
//! - A check never lasts longer than its timeout; a script's whole process group dies with it.

pub mod command;
pub mod http;
pub mod script;
pub mod tcp;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::{AppSpec, HealthCheck, PortPlan, Verdict};

/// Longest reason that is kept, in characters.
const LONGEST_REASON: usize = 300;

/// A check of one process, with everything filled in.
pub enum Probe {
    /// GET that URL.
    Http {
        /// Which.
        url: reqwest::Url,
        /// It has the port of the process in it: nobody else is asked.
        its_own: bool,
    },
    /// Connect to that `host:port`.
    Tcp(String),
    /// Run that program.
    Script {
        /// Absolute path.
        program: PathBuf,
        /// Its arguments.
        args: Vec<String>,
        /// Working directory.
        cwd: PathBuf,
        /// Its whole environment.
        env: BTreeMap<String, String>,
        /// User and group to run it as, if they are not the daemon's.
        run_as: Option<(u32, u32)>,
    },
}

impl Probe {
    /// Fills in the port, the directory and the environment of a process.
    ///
    /// # Errors
    /// Why this process cannot be checked that way, as the reason of a failed check.
    pub fn of(check: &HealthCheck, spec: &AppSpec, env: BTreeMap<String, String>) -> Result<Probe, String> {
        let port = env.get("PORT").map(String::as_str);
        Ok(match check {
            HealthCheck::Http { url } => {
                let left_open = leaves_port_open(url);
                let url = with_port(url, port)?;
                let mut url = reqwest::Url::parse(&url).map_err(|e| format!("{url} is not a URL: {e}"))?;
                // The port that they share is that of each of them, wherever its socket is just now.
                let shares = matches!(spec.port, Some(PortPlan::Shared(shared)) if url.port_or_known_default() == Some(shared));
                if let Some(port) = port.and_then(|port| port.parse().ok()).filter(|_| shares) {
                    // Cannot fail: it has a host.
                    let _ = url.set_port(Some(port));
                }
                Probe::Http { url, its_own: left_open || shares }
            }
            HealthCheck::Tcp { address } => Probe::Tcp(with_port(address, port)?),
            HealthCheck::Script { program, args, .. } => {
                let run_as = spec.resources.run_as.as_ref().map(|run_as| (run_as.uid, run_as.gid));
                Probe::Script {
                    program: program.clone(),
                    args: args.clone(),
                    cwd: spec.cwd.clone(),
                    env,
                    run_as,
                }
            }
        })
    }

    /// Asks once.
    pub async fn ask(&self, timeout: Duration) -> Verdict {
        let answer = match self {
            Probe::Http { url, its_own } => {
                let answer = within(timeout, http::get(url.clone())).await;
                answer.map_err(|it| Complaint { answered: it.answered && *its_own, ..it })
            }
            Probe::Tcp(address) => {
                within(timeout, async { tcp::connect(address).await.map_err(Complaint::from) }).await
            }
            Probe::Script { program, args, cwd, env, run_as } => {
                let mut command = tokio::process::Command::new(program);
                command.args(args).current_dir(cwd).env_clear().envs(env);
                if let Some((user, group)) = run_as {
                    command.uid(*user).gid(*group);
                }
                // Whether it reached the program is known to the script alone.
                script::run(command, timeout).await.map_err(Complaint::from)
            }
        };
        match answer {
            Ok(()) => Verdict::Passed,
            Err(Complaint { reason, answered }) => {
                Verdict::Failed { reason: reason.chars().take(LONGEST_REASON).collect(), answered }
            }
        }
    }
}

/// Why a check failed.
#[derive(PartialEq, Eq, Debug)]
pub struct Complaint {
    /// In a few words.
    pub reason: String,
    /// The program said so itself.
    pub answered: bool,
}

/// Nobody answered.
impl From<String> for Complaint {
    fn from(reason: String) -> Complaint {
        Complaint { reason, answered: false }
    }
}

async fn within(
    timeout: Duration,
    answer: impl Future<Output = Result<(), Complaint>>,
) -> Result<(), Complaint> {
    match tokio::time::timeout(timeout, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer within {} ms", timeout.as_millis()).into()),
    }
}

/// Whether the text leaves the port to the process: `{port}`, `${PORT}`, or nothing after the
/// colon, which is what a shell makes of an unquoted `${PORT}` that it does not know.
pub fn leaves_port_open(text: &str) -> bool {
    fill(text, "1") != text
}

/// The text with the port of the process in it.
///
/// # Errors
/// When it needs one and the process has none.
pub fn with_port(text: &str, port: Option<&str>) -> Result<String, String> {
    match port.filter(|port| !port.is_empty()) {
        Some(port) => Ok(fill(text, port)),
        None if leaves_port_open(text) => Err(format!(
            "{text} needs the PORT of the process, which has none: give it one with --port or --env PORT=…, or write the port"
        )),
        None => Ok(text.to_owned()),
    }
}

fn fill(text: &str, port: &str) -> String {
    let filled = text.replace("${PORT}", port).replace("{port}", port);
    let start = filled.find("://").map_or(0, |scheme| scheme + 3);
    let end = filled[start..].find(['/', '?', '#']).map_or(filled.len(), |length| start + length);
    if filled[start..end].ends_with(':') {
        format!("{}{port}{}", &filled[..end], &filled[end..])
    } else {
        filled
    }
}

/// A line that a program printed, without its control characters and colours: it is going to be
/// shown in places that would obey them.
pub fn plain(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            // Parameters and intermediates of a control sequence, and its final character.
            '\u{1b}' if rest.next_if_eq(&'[').is_some() => {
                while rest.next_if(|c| (' '..='?').contains(c)).is_some() {}
                rest.next();
            }
            '\t' => plain.push(' '),
            _ if character.is_control() => {}
            _ => plain.push(character),
        }
    }
    plain
}

/// The loopback addresses of a host.
///
/// # Errors
/// When there is none: the host is unknown, or another one than this.
pub async fn loopback(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    // The brackets of an IPv6 address are the URL's.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let all = tokio::net::lookup_host((host, port)).await;
    let all: Vec<SocketAddr> = all.map_err(|e| format!("the host {host} is not known: {e}"))?.collect();
    let here: Vec<SocketAddr> = all.into_iter().filter(|address| address.ip().is_loopback()).collect();
    if here.is_empty() {
        return Err(format!("the host {host} is not this one: only loopback addresses are checked"));
    }
    Ok(here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_the_process_is_filled_in_wherever_it_is_left_open() {
        let check = |text: &str, filled: &str| {
            assert_eq!(with_port(text, Some("3000")).as_deref(), Ok(filled));
            assert_eq!(leaves_port_open(text), text != filled, "{text}");
            assert_eq!(with_port(text, None).is_err(), text != filled, "{text}");
        };
        check("http://localhost:{port}/health", "http://localhost:3000/health");
        check("http://localhost:${PORT}/health", "http://localhost:3000/health");
        check("http://localhost:/health", "http://localhost:3000/health");
        check("http://[::1]:?x=:", "http://[::1]:3000?x=:");
        check("http://localhost/a:", "http://localhost/a:");
        check("http://127.0.0.1:9615/health", "http://127.0.0.1:9615/health");
        check("localhost:{port}", "localhost:3000");
        check("localhost:", "localhost:3000");
    }

    #[test]
    fn a_printed_line_cannot_command_a_terminal() {
        assert_eq!(plain("\u{1b}[31;1mdisk\tfull\u{1b}[0m\r\u{7}"), "disk full");
        assert_eq!(plain("\u{1b}]0;title\u{7}ünï"), "]0;titleünï");
        assert_eq!(plain("end \u{1b}["), "end ");
    }

    #[tokio::test]
    async fn only_this_host_is_asked() {
        assert!(loopback("localhost", 1).await.is_ok_and(|found| !found.is_empty()));
        assert!(loopback("[::1]", 1).await.is_ok());
        assert!(loopback("192.0.2.1", 1).await.unwrap_err().contains("not this one"));
    }
}

//! `monit`: host and processes, again and again.
//!
//! On a terminal the view is redrawn in place. Into a pipe or file each look is a block of plain
//! text, with an empty line between two.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use super::super::error::CliError;
use super::super::live::{Did, Live};
use super::super::look_args::MonitArgs;
use super::super::out::{self, Screen};
use super::super::render::{escape, status_style, styled, units};
use super::super::session::Session;
use super::super::stop::Stop;
use super::{list, report, status};
use crate::client::ClientError;
use crate::wire::{Host, Process, System};

/// How long the daemon may be away: it is being replaced.
const PATIENCE: Duration = Duration::from_secs(15);

/// Runs the command.
pub async fn run(args: MonitArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    match session.screen.width {
        Some(_) => live(Looks::new(session), args.interval).await,
        None => blocks(Looks::new(session), args.interval).await,
    }
}

/// Redraws until the person leaves.
async fn live(mut looks: Looks, interval: Duration) -> Result<(), CliError> {
    let mut terminal = Live::enter()?;
    loop {
        let due = tokio::time::Instant::now() + interval;
        let look = tokio::select! {
            look = looks.next() => look?,
            left = left(&mut terminal) => return left,
        };
        loop {
            // Asked anew each time: it may have another size now.
            if let Err(e) = draw(&terminal, &look) {
                return unseen(&e);
            }
            tokio::select! {
                () = tokio::time::sleep_until(due) => break,
                did = terminal.did() => match did {
                    Ok(Did::Quit) => return Ok(()),
                    Ok(Did::Resize) => {}
                    Err(e) => return unseen(&e),
                },
            }
        }
    }
}

/// Waits until the person wants to leave.
async fn left(terminal: &mut Live) -> Result<(), CliError> {
    loop {
        match terminal.did().await {
            Ok(Did::Quit) => return Ok(()),
            Ok(Did::Resize) => {}
            Err(e) => return unseen(&e),
        }
    }
}

fn draw(terminal: &Live, look: &Look) -> io::Result<()> {
    let height =
        terminal_size::terminal_size_of(io::stdout()).map_or(24, |(_, height)| usize::from(height.0));
    let screen = Screen::of_stdout();
    let text = format!(
        "{}\n{}",
        page(look, screen),
        styled("q quits", anstyle::Style::new().dimmed(), screen.color)
    );
    terminal.draw(&text, height.max(1), |hidden| {
        format!("({hidden} more lines: make the terminal higher, or see pmdaemon list)")
    })
}

/// Prints until Ctrl+C, or until nobody reads it.
async fn blocks(mut looks: Looks, interval: Duration) -> Result<(), CliError> {
    let mut stop = Stop::new()?;
    let mut first = true;
    loop {
        let due = tokio::time::Instant::now() + interval;
        let look = tokio::select! {
            look = looks.next() => look?,
            () = stop.asked() => return Ok(()),
        };
        let text = page(&look, Screen { width: None, color: false });
        if let Err(e) = out::try_print(&format!("{}{text}", if first { "" } else { "\n" })) {
            return unseen(&e);
        }
        first = false;
        tokio::select! {
            () = tokio::time::sleep_until(due) => {}
            () = stop.asked() => return Ok(()),
        }
    }
}

/// A terminal or reader that has gone is a reason to end, not an error.
fn unseen(error: &io::Error) -> Result<(), CliError> {
    let gone = error.kind() == ErrorKind::BrokenPipe || error.raw_os_error() == Some(libc::EIO);
    if gone { Ok(()) } else { Err(CliError::new(format!("cannot write to standard output: {error}"))) }
}

/// What there is to see at one time.
#[derive(Clone)]
struct Look {
    system: System,
    processes: Vec<Process>,
    /// The daemon has not answered for so long; this is what it last said.
    away: Option<Duration>,
}

/// Asks the daemon, and puts up with its absence for a while.
struct Looks {
    session: Session,
    last: Option<(Look, Instant)>,
}

impl Looks {
    fn new(session: Session) -> Looks {
        Looks { session, last: None }
    }

    async fn next(&mut self) -> Result<Look, CliError> {
        let Some((last, at)) = &self.last else {
            let system = self.session.ask(async |c| c.system().await).await?;
            let processes = self.session.ask(async |c| c.processes().await).await?.items;
            return Ok(self.seen(Look { system, processes, away: None }));
        };
        let error = match self.fetch().await {
            Ok(look) => return Ok(self.seen(look)),
            Err(error) => error,
        };
        // None is started: one that was ended by `pmdaemon kill` stays ended.
        match error {
            error if error.is_absence() && at.elapsed() < PATIENCE => {
                Ok(Look { away: Some(at.elapsed()), ..last.clone() })
            }
            ClientError::NoDaemon(_) => {
                Err(CliError::new("the daemon has ended, so there is nothing to watch"))
            }
            error => Err(error.into()),
        }
    }

    async fn fetch(&self) -> Result<Look, ClientError> {
        let client = &self.session.client;
        let (system, processes) = (client.system().await?, client.processes().await?.items);
        Ok(Look { system, processes, away: None })
    }

    fn seen(&mut self, look: Look) -> Look {
        self.last = Some((look.clone(), Instant::now()));
        look
    }
}

fn page(look: &Look, screen: Screen) -> String {
    let mut text = overview(&look.system.host);
    let counts: Vec<String> = status::counts(&look.processes)
        .into_iter()
        .map(|(word, number)| format!("{number} {}", styled(word, status_style(word), screen.color)))
        .collect();
    match look.away {
        Some(away) => text.push_str(&format!("the daemon has not answered for {} s …\n", away.as_secs())),
        None if counts.is_empty() => {}
        None => text.push_str(&format!("processes  {}\n", counts.join(", "))),
    }
    text.push('\n');
    match look.processes.is_empty() {
        true => text.push_str("no processes\n"),
        false => text.push_str(&list::table(&look.processes, screen)),
    }
    text.push_str(&custom(&look.processes, screen));
    text
}

/// What programs measure themselves, a process in a line.
fn custom(processes: &[Process], screen: Screen) -> String {
    let telling: Vec<&Process> =
        processes.iter().filter(|process| !process.custom_metrics.is_empty()).collect();
    let width = telling.iter().map(|process| process.name.len()).max().unwrap_or(0);
    let line = |process: &&Process| {
        let metrics: Vec<String> = process.custom_metrics.iter().map(report::metric).collect();
        let line = escape::harmless(&format!("{:width$}  {}", process.name, metrics.join(", ")));
        let shown: String = line.chars().take(screen.width.unwrap_or(usize::MAX)).collect();
        format!("\n{shown}")
    };
    let lines: String = telling.iter().map(line).collect();
    if lines.is_empty() { lines } else { lines + "\n" }
}

/// The host, short enough for 80 columns.
fn overview(host: &Host) -> String {
    let load: Vec<String> = host.load_average.iter().map(|load| format!("{load:.2}")).collect();
    format!(
        "host       {}, up {}\ncpu        {} of {}, load {}\nmemory     {} of {}\n",
        escape::harmless(&host.hostname),
        units::span(host.uptime_ms),
        units::percent(host.cpu_percent),
        units::count(host.cpus as usize, "core", "cores"),
        load.join(" "),
        units::bytes(host.memory_used_bytes),
        units::bytes(host.memory_total_bytes),
    )
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::process;
    use super::super::status::tests::system;
    use super::*;
    use crate::wire::CustomMetric;

    fn look() -> Look {
        Look { system: system(), processes: vec![process(0, "online"), process(1, "stopped")], away: None }
    }

    #[test]
    fn a_block_tells_the_host_then_every_process() {
        let text = page(&look(), Screen { width: None, color: false });
        let expected = "host       box, up 1d 0h\ncpu        12.5% of 2 cores, load 0.50 1.00 1.25\n\
                        memory     1.0 GiB of 4.0 GiB\nprocesses  1 online, 1 stopped\n\n";
        assert!(text.starts_with(expected), "{text}");
        assert_eq!(text.lines().filter(|line| line.contains("web-")).count(), 2);
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn what_programs_measure_is_below_the_list() {
        let metric = |name: &str, value: &str, unit: Option<&str>| CustomMetric {
            name: name.into(),
            value: value.into(),
            number: None,
            unit: unit.map(str::to_owned),
        };
        let mut telling = process(0, "online");
        telling.custom_metrics =
            vec![metric("Requests", "12", Some("req/min")), metric("Users", "\u{1b}7", None)];
        let processes = [telling, process(1, "online")];
        let shown = custom(&processes, Screen { width: None, color: false });
        assert!(
            shown.starts_with("\nweb-0  Requests 12 req/min, Users ") && !shown.contains('\u{1b}'),
            "{shown:?}"
        );
        assert_eq!(shown.lines().count(), 2);
        let narrow = custom(&processes, Screen { width: Some(10), color: false });
        assert_eq!(narrow, "\nweb-0  Req\n");
    }

    #[test]
    fn an_absent_daemon_is_told_above_what_it_last_said() {
        let text = page(&Look { away: Some(PATIENCE), ..look() }, Screen { width: None, color: false });
        assert!(text.contains("has not answered for 15 s") && text.contains("web-0"), "{text}");
    }

    #[test]
    fn nothing_to_see_is_said() {
        let text = page(&Look { processes: vec![], ..look() }, Screen { width: None, color: false });
        assert!(text.ends_with("\n\nno processes\n"), "{text}");
    }
}

//! `logs`: the last lines of apps, and new ones as they come.
//!
//! A follower outlives the daemon that it reads from: when the stream breaks it asks again, until
//! the app is deleted or no daemon comes back.

use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use futures_util::future::join_all;

use super::super::args::LogsArgs;
use super::super::error::CliError;
use super::super::out::{self, Screen};
use super::super::render::{escape, styled};
use super::super::session::Session;
use crate::client::{ClientError, LogItem, LogQuery, LogStream, Seen};
use crate::wire::{LogRecord, Stream};

/// More lines than a log gets while its daemon is replaced, in all likelihood.
const MISSED: u64 = 10_000;

/// How long a follower waits for a daemon to come back.
const PATIENCE: Duration = Duration::from_secs(15);

/// Runs the command.
pub async fn run(args: LogsArgs) -> Result<(), CliError> {
    let session = Session::open().await?;
    let look = Look::of(&args, session.screen);
    let stream = match (args.out, args.err) {
        (true, _) => Some(Stream::Out),
        (false, true) => Some(Stream::Err),
        (false, false) => None,
    };
    let query = LogQuery { tail: args.lines, stream, follow: args.follow };
    let mut refs: Vec<Option<&str>> = args.refs.iter().map(|reference| Some(reference.as_str())).collect();
    if refs.is_empty() || refs.contains(&Some("all")) {
        refs = vec![None];
    }
    if args.follow {
        let following = join_all(refs.into_iter().map(|reference| follow(&session, reference, query, look)));
        return tokio::select! {
            results = following => told(results),
            // Ctrl+C is how following ends.
            _ = tokio::signal::ctrl_c() => Ok(()),
        };
    }
    let mut results = Vec::new();
    for reference in refs {
        results.push(show(&session, reference, query, look).await);
    }
    told(results)
}

/// Tells each failure.
fn told(results: Vec<Result<(), CliError>>) -> Result<(), CliError> {
    let mut outcome = Ok(());
    for error in results.into_iter().filter_map(Result::err) {
        if let Some(sentence) = error.sentence() {
            out::error(&sentence);
        }
        outcome = Err(CliError::Told);
    }
    outcome
}

/// Prints the lines that are there.
async fn show(
    session: &Session,
    reference: Option<&str>,
    query: LogQuery,
    look: Look,
) -> Result<(), CliError> {
    let mut stream = session.ask(async |c| c.logs(reference, query).await).await?;
    let mut empty = true;
    while let Some(item) = stream.next().await? {
        empty &= !matches!(item, LogItem::Record(_));
        print_batch(item, &mut stream, look, |_| true)?;
    }
    if empty && query.tail > 0 {
        out::notice(&format!("{}: no log yet", reference.unwrap_or("all apps")));
    }
    Ok(())
}

/// Prints lines as they come, over breaks, until there is nothing more to come.
async fn follow(
    session: &Session,
    reference: Option<&str>,
    mut query: LogQuery,
    look: Look,
) -> Result<(), CliError> {
    let mut seen = Seen::nothing(jiff::Timestamp::now());
    let mut stream = session.ask(async |c| c.logs(reference, query).await).await?;
    query.tail = MISSED;
    loop {
        if let Ended::Deleted = read_to_end(&mut stream, look, &mut seen).await? {
            return Ok(());
        }
        seen.broken();
        stream = match reopen(session, reference, query).await? {
            Some(stream) => stream,
            None => return Ok(()),
        };
    }
}

/// Why a stream is over.
enum Ended {
    /// The app is deleted.
    Deleted,
    /// The daemon went away, or closed it.
    Broken,
}

async fn read_to_end(stream: &mut LogStream, look: Look, seen: &mut Seen) -> Result<Ended, CliError> {
    loop {
        match stream.next().await {
            Ok(Some(LogItem::Deleted)) => return Ok(Ended::Deleted),
            Ok(Some(item)) => print_batch(item, stream, look, |record| seen.is_new(record))?,
            Ok(None) => return Ok(Ended::Broken),
            Err(error) if error.is_absence() => return Ok(Ended::Broken),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Asks again until a daemon answers. `None` when the app is deleted. Starts no daemon: one that
/// was ended by `pmdaemon kill` stays ended.
async fn reopen(
    session: &Session,
    reference: Option<&str>,
    query: LogQuery,
) -> Result<Option<LogStream>, CliError> {
    let deadline = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(20);
    loop {
        tokio::time::sleep(pause).await;
        match session.client.logs(reference, query).await {
            Ok(stream) => return Ok(Some(stream)),
            Err(error) if error.status() == Some(404) => return Ok(None),
            Err(ClientError::NoDaemon(_)) if Instant::now() > deadline => {
                return Err(CliError::new("the daemon has ended, so there is nothing to follow"));
            }
            Err(error) if error.is_absence() && Instant::now() <= deadline => {}
            Err(error) => return Err(error.into()),
        }
        pause = (pause * 2).min(Duration::from_millis(500));
    }
}

/// Prints an item and everything behind it that is here already, in one write.
fn print_batch(
    first: LogItem,
    stream: &mut LogStream,
    look: Look,
    mut wanted: impl FnMut(&LogRecord) -> bool,
) -> Result<(), CliError> {
    let mut text = String::new();
    let mut next = Some(first);
    while let Some(item) = next {
        match item {
            LogItem::Record(record) if wanted(&record) => look.add(&record, &mut text),
            LogItem::Record(_) => {}
            LogItem::Removed { bytes } => {
                let amount = bytes.map_or("some".to_owned(), |bytes| format!("{bytes} bytes"));
                out::notice(&format!("({amount} of the log were removed before they could be shown)"));
            }
            // The end of the stream tells it again.
            LogItem::Deleted => {}
        }
        next = if text.len() < 1 << 16 { stream.buffered()? } else { None };
    }
    out::print(&text);
    Ok(())
}

/// How a line is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Look {
    /// As JSON.
    Json,
    /// The line alone.
    Raw,
    /// With its name in front.
    Named {
        /// Colours are wanted.
        color: bool,
        /// It goes to a terminal, on which it must not act.
        harmless: bool,
    },
}

impl Look {
    fn of(args: &LogsArgs, screen: Screen) -> Look {
        match (args.json, args.raw) {
            (true, _) => Look::Json,
            (false, true) => Look::Raw,
            (false, false) => Look::Named { color: screen.color, harmless: screen.width.is_some() },
        }
    }

    fn add(self, record: &LogRecord, text: &mut String) {
        match self {
            Look::Json => text.push_str(&serde_json::to_string(record).unwrap_or_default()),
            Look::Raw => text.push_str(&record.text),
            Look::Named { color, harmless } => {
                text.push_str(&styled(&record.name, name_style(record.id), color));
                text.push_str(&match record.stream {
                    Stream::Out => " | ".to_owned(),
                    Stream::Err => format!(" {}| ", styled("err", AnsiColor::Red.on_default(), color)),
                });
                match harmless {
                    true => text.push_str(&escape::harmless(&record.text)),
                    false => text.push_str(&record.text),
                }
            }
        }
        text.push('\n');
    }
}

/// Neighbours get different colours.
fn name_style(id: i64) -> Style {
    const COLORS: [AnsiColor; 5] =
        [AnsiColor::Cyan, AnsiColor::Magenta, AnsiColor::Green, AnsiColor::Yellow, AnsiColor::Blue];
    COLORS[id.rem_euclid(COLORS.len() as i64) as usize].on_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(look: Look, stream: Stream, expected: &str) {
        let line = "a\u{1b}[2Jb";
        let record = LogRecord { ts: None, id: 0, name: "web".into(), stream, text: line.into() };
        let mut text = String::new();
        look.add(&record, &mut text);
        assert_eq!(text, expected, "{look:?}");
    }

    #[test]
    fn a_line_is_shown_with_its_name_and_stream() {
        let piped = Look::Named { color: false, harmless: false };
        check(piped, Stream::Out, "web | a\u{1b}[2Jb\n");
        check(piped, Stream::Err, "web err| a\u{1b}[2Jb\n");
        check(Look::Raw, Stream::Err, "a\u{1b}[2Jb\n");
        check(
            Look::Json,
            Stream::Err,
            "{\"id\":0,\"name\":\"web\",\"stream\":\"err\",\"text\":\"a\\u001b[2Jb\"}\n",
        );
    }

    #[test]
    fn on_a_terminal_a_line_cannot_act() {
        let plain = Look::Named { color: false, harmless: true };
        check(plain, Stream::Out, "web | ab\n");
        let colored = Look::Named { color: true, harmless: true };
        check(colored, Stream::Err, "\u{1b}[36mweb\u{1b}[0m \u{1b}[31merr\u{1b}[0m| ab\n");
    }
}

//! What can be asked of logs.

use clap::Args;

use super::values;
use crate::wire::span;

/// `logs`.
#[derive(Args, Debug, Default)]
#[command(after_help = "Examples:\n  pmdaemon logs web\n  pmdaemon logs web --follow --lines 100\n  \
                        pmdaemon logs --err                    what went wrong, of all apps\n  \
                        pmdaemon logs web --since 10m --level warn\n  \
                        pmdaemon logs web --grep 'timeout|refused'\n  \
                        pmdaemon logs web --previous           what it said before it was restarted\n  \
                        pmdaemon logs --daemon                 what pmdaemon itself says\n\n\
                        Times: 30s, 10m, 2h, 3d ago, 17:19, 2026-01-31T12:00:00Z, or \"2026-01-31 12:00\" as clocks \
                        here show it.")]
pub struct LogsArgs {
    /// Which apps or processes [default: all]
    #[arg(value_name = "APP", value_parser = values::reference)]
    pub refs: Vec<String>,
    /// How many of the last lines [default: 20, or all that --since, --until or --previous mean]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=100_000))]
    pub lines: Option<u64>,
    /// Go on with new lines as they come, until Ctrl+C
    #[arg(short, long)]
    pub follow: bool,
    /// Do not go on, which is the default: as `pm2 logs --nostream`
    #[arg(long, conflicts_with = "follow")]
    pub nostream: bool,
    /// Lines that came then or later
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<String>,
    /// Lines that came then or earlier
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "follow")]
    pub until: Option<String>,
    /// Lines that match this regular expression
    #[arg(long, value_name = "REGEX")]
    pub grep: Option<String>,
    /// Lines that say that they are of this level or above: trace, debug, info, warn, error, fatal
    #[arg(long, value_name = "LEVEL")]
    pub level: Option<String>,
    /// Standard output only
    #[arg(long, conflicts_with = "err")]
    pub out: bool,
    /// Standard error only
    #[arg(long)]
    pub err: bool,
    /// Only this instance of an app; may be repeated
    #[arg(long = "instance", value_name = "I")]
    pub instances: Vec<u32>,
    /// Only the run before the present one
    #[arg(long, conflicts_with = "follow")]
    pub previous: bool,
    /// With what happened to the processes: started, exited, restarted
    #[arg(long)]
    pub events: bool,
    /// One JSON object per line
    #[arg(long, conflicts_with_all = ["raw", "format"])]
    pub json: bool,
    /// The lines alone, exactly as the app wrote them
    #[arg(long, conflicts_with = "format")]
    pub raw: bool,
    /// As key=value pairs (logfmt)
    #[arg(long)]
    pub format: bool,
    /// With the time of each line
    #[arg(long, alias = "timestamp")]
    pub timestamps: bool,
    /// Make this text stand out, on a terminal
    #[arg(long, value_name = "TEXT")]
    pub highlight: Option<String>,
    /// Lines in PM2's forms, for those who call us so
    #[arg(long = "as-pm2", hide = true)]
    pub pm2: bool,
    /// What pmdaemon itself says
    #[arg(long, conflicts_with_all = ["refs", "since", "until", "out", "err", "instances", "previous", "events",
          "json", "format", "timestamps"])]
    pub daemon: bool,
}

/// Reads a point in time or how long ago; answers what the API understands.
pub(super) fn time(text: &str) -> Result<String, String> {
    if span::parse(text, None).is_ok() || text.parse::<jiff::Timestamp>().is_ok() {
        return Ok(text.to_owned());
    }
    let now = jiff::Zoned::now();
    let local = text.parse::<jiff::civil::DateTime>().ok();
    let local = local.and_then(|time| time.to_zoned(now.time_zone().clone()).ok());
    let local = local.or_else(|| last_at(text, &now));
    local.map(|time| time.timestamp().to_string()).ok_or_else(|| {
        "use how long ago, like 10m, or a time, like 17:19, 2026-01-31T12:00:00Z or \"2026-01-31 12:00\""
            .to_owned()
    })
}

/// When clocks here showed that time of day last: `17:19`, `17:19:30`.
fn last_at(text: &str, now: &jiff::Zoned) -> Option<jiff::Zoned> {
    let time = text.contains(':').then(|| text.parse::<jiff::civil::Time>().ok())??;
    let on = |date: jiff::civil::Date| date.to_datetime(time).to_zoned(now.time_zone().clone()).ok();
    let today = on(now.date())?;
    if today <= *now { Some(today) } else { on(now.date().yesterday().ok()?) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_span_a_point_or_what_clocks_here_show() {
        for text in ["10m", "1.5h", "3d", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00+02:00"] {
            assert_eq!(time(text), Ok(text.to_owned()));
        }
        for text in ["2026-01-31 12:00", "2026-01-31T12:00:01", "2026-01-31"] {
            assert!(time(text).unwrap().parse::<jiff::Timestamp>().is_ok(), "{text}");
        }
        let now: jiff::Zoned = "2026-01-31T12:00:00+01:00[Europe/Berlin]".parse().unwrap();
        let last = |text: &str| last_at(text, &now).map(|time| time.timestamp().to_string());
        assert_eq!(last("11:19").as_deref(), Some("2026-01-31T10:19:00Z"));
        assert_eq!(last("11:19:30").as_deref(), Some("2026-01-31T10:19:30Z"));
        assert_eq!(last("23:50").as_deref(), Some("2026-01-30T22:50:00Z"), "that of today is to come");
        assert!(time("00:00").unwrap().parse::<jiff::Timestamp>().is_ok());
        for text in ["", "soon", "10", "25:00"] {
            assert!(time(text).unwrap_err().contains("10m"), "{text}");
        }
    }
}

/// `flush`, `reload-logs`.
#[derive(Args, Debug)]
pub struct TendArgs {
    /// Which apps or processes [default: all]
    #[arg(value_name = "APP", value_parser = values::reference)]
    pub refs: Vec<String>,
}

impl TendArgs {
    /// Each reference; `None` for all apps at once.
    pub fn each(&self) -> Vec<Option<&str>> {
        match self.refs.is_empty() {
            true => vec![None],
            false => self.refs.iter().map(|reference| Some(reference.as_str())).collect(),
        }
    }
}

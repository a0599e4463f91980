//! Names, and the small words that people write: ports, sizes, spans, signals, schedules.

use std::path::{Component, Path};
use std::time::Duration;

use pmdaemon::model::{Name, PortPlan, ReadyBy, Schedule, Signal};
use pmdaemon::wire::{size, span};

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    name(text);
    if let Ok(plan) = PortPlan::parse(text) {
        assert_eq!(PortPlan::parse(&plan.to_string()), Ok(plan), "{text:?}");
        assert!((1..=65_536).contains(&plan.size()), "{text:?}");
    }
    if let Ok(signal) = Signal::parse(text) {
        assert_eq!(Signal::from_number(signal.number()), Some(signal), "{text:?}");
    }
    if let Ok(by) = ReadyBy::parse(text) {
        assert_eq!(ReadyBy::parse(&by.to_string()), Ok(by), "{text:?}");
    }
    if let Ok(span) = span::parse(text, Some(Duration::from_millis(1))) {
        assert!(span <= Duration::from_secs(366 * 86_400), "{text:?}: {span:?}");
    }
    let _ = size::parse(text);
    if let Ok(umask) = size::parse_umask(text) {
        assert!(umask <= 0o777, "{text:?}");
    }
    schedule(text);
}

fn name(text: &str) {
    if let Ok(name) = Name::parse(text) {
        assert_eq!(name.as_str(), text);
        assert!((1..=Name::MAX).contains(&text.len()) && text != "all", "{text:?}");
        let parts: Vec<_> = Path::new(text).components().collect();
        assert!(matches!(parts.as_slice(), [Component::Normal(_)]), "{text:?} forms a path");
        let balancer = name.of_balancer();
        assert!(Name::parse(balancer.as_str()).is_err(), "{balancer} can be given");
        assert_eq!(Name::parse_written(balancer.as_str()), Ok(balancer.clone()));
        assert_eq!(balancer.of_balanced(), Some(name));
    }
    let made = Name::from_file_name(text);
    assert_eq!(Name::parse(made.as_str()), Ok(made.clone()), "of {text:?}");
}

/// A pattern, and behind a line break a time zone.
fn schedule(text: &str) {
    let (pattern, zone) = text.split_once('\n').unwrap_or((text, "UTC"));
    let Ok(schedule) = Schedule::parse(pattern, zone) else { return };
    let begin = 1_800_000_000_000;
    if let Some(next) = schedule.next_after(begin) {
        assert!(next > begin, "{text:?}: {next}");
    }
}

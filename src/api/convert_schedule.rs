//! Introduces schedules, and the runs of jobs, to the API's types.

use super::{ApiError, convert};
use crate::model::schedule::{BadSchedule, CatchUp, Overlap};
use crate::model::{End, Schedule};
use crate::store::EventRow;
use crate::wire;

/// When something is to happen.
///
/// # Errors
/// 422 with the member that is wrong.
pub fn wanted(given: &wire::Schedule) -> Result<Schedule, ApiError> {
    let zone = match &given.timezone {
        Some(zone) => zone.clone(),
        None => zone_of_host()?,
    };
    let mut schedule = Schedule::parse(&given.cron, &zone).map_err(|e| {
        let member = match e {
            BadSchedule::Zone(_) => "/schedule/timezone",
            BadSchedule::Fields(..)
            | BadSchedule::Field { .. }
            | BadSchedule::Other(..)
            | BadSchedule::Never(_) => "/schedule/cron",
        };
        ApiError::member(member, e.to_string())
    })?;
    if schedule.next_after(crate::daemon::clock::unix_ms()).is_none() {
        let never = BadSchedule::Never(given.cron.clone());
        return Err(ApiError::member("/schedule/cron", never.to_string()));
    }
    if let Some(word) = &given.overlap {
        schedule.overlap = Overlap::parse(word).ok_or_else(|| {
            ApiError::member("/schedule/overlap", format!("{word:?} is none: skip, queue or replace"))
        })?;
    }
    if let Some(word) = &given.catch_up {
        schedule.catch_up = CatchUp::parse(word).ok_or_else(|| {
            ApiError::member("/schedule/catch_up", format!("{word:?} is none: skip or once"))
        })?;
    }
    Ok(schedule)
}

/// The name of the zone in which the daemon runs.
fn zone_of_host() -> Result<String, ApiError> {
    let zone = jiff::tz::TimeZone::system();
    match zone.iana_name() {
        Some(name) => Ok(name.to_owned()),
        None if zone.is_unknown() => Ok("UTC".to_owned()),
        None => {
            let detail =
                "the time zone of this host has no name: say which one is meant, such as Europe/Berlin";
            Err(ApiError::member("/schedule/timezone", detail))
        }
    }
}

/// Shows it in a definition.
pub fn show(schedule: &Schedule) -> wire::Schedule {
    wire::Schedule {
        cron: schedule.pattern().to_owned(),
        timezone: Some(schedule.zone().to_owned()),
        overlap: Some(schedule.overlap.as_str().to_owned()),
        catch_up: Some(schedule.catch_up.as_str().to_owned()),
    }
}

/// The runs that the history of one process tells of, oldest first; `events` ascends.
pub fn runs(events: &[EventRow]) -> Vec<wire::JobRun> {
    let mut runs: Vec<wire::JobRun> = Vec::new();
    let mut trigger = None;
    for event in events {
        let new = |trigger: &str, outcome: &str| wire::JobRun {
            run: event.run.map(|run| run.0 as i64),
            trigger: trigger.to_owned(),
            outcome: outcome.to_owned(),
            at: convert::time(event.at_ms),
            ended_at: None,
            exit: None,
            detail: event.detail.clone(),
        };
        match event.kind.as_str() {
            "process.scheduled" => trigger = Some("schedule"),
            "process.caught_up" => trigger = Some("catch_up"),
            "process.slot_queued" => trigger = Some("queue"),
            "process.slot_skipped" => runs.push(wire::JobRun { run: None, ..new("schedule", "skipped") }),
            "process.slot_missed" => runs.push(wire::JobRun { run: None, ..new("schedule", "missed") }),
            "process.started" => runs.push(new(trigger.take().unwrap_or("command"), "running")),
            "process.spawn_failed" => runs.push(new(trigger.take().unwrap_or("command"), "failed")),
            "process.exited" => {
                let run = event.run.map(|run| run.0 as i64);
                if let Some(its) = runs.iter_mut().rev().find(|its| its.run.is_some() && its.run == run) {
                    let well = event.end == Some(End::Code(0));
                    its.outcome = if well { "succeeded" } else { "failed" }.to_owned();
                    its.ended_at = Some(convert::time(event.at_ms));
                    its.exit = event.end.map(convert::last_exit);
                    its.detail = event.detail.clone();
                }
            }
            _ => {}
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RunId;

    #[test]
    fn what_is_no_schedule_is_refused_with_its_member() {
        let check = |change: fn(&mut wire::Schedule), member: &str| {
            let mut given = wire::Schedule { cron: "0 3 * * *".into(), ..wire::Schedule::default() };
            change(&mut given);
            let refused = format!("{:?}", wanted(&given).expect_err(member));
            assert!(refused.contains(member), "{refused}");
        };
        check(|given| given.cron = "0 3 * *".into(), "/schedule/cron");
        check(|given| given.cron = "0 0 30 2 *".into(), "never comes");
        check(|given| given.timezone = Some("Mars".into()), "/schedule/timezone");
        check(|given| given.overlap = Some("both".into()), "/schedule/overlap");
        check(|given| given.catch_up = Some("all".into()), "/schedule/catch_up");
    }

    #[test]
    fn the_history_is_told_by_run() {
        let event = |kind: &str, run: Option<u64>, end| EventRow {
            seq: 0,
            at_ms: 0,
            app: None,
            process: None,
            run: run.map(RunId),
            kind: kind.to_owned(),
            name: "backup".into(),
            namespace: "default".into(),
            detail: kind.to_owned(),
            end,
            asked: false,
            revision: None,
        };
        let all = [
            event("process.exited", Some(1), Some(End::Code(0))),
            event("process.scheduled", None, None),
            event("process.started", Some(2), None),
            event("process.slot_skipped", None, None),
            event("process.exited", Some(2), Some(End::Code(3))),
            event("process.slot_missed", None, None),
            event("process.started", Some(3), None),
        ];
        let told: Vec<_> = runs(&all)
            .into_iter()
            .map(|run| (run.run, run.trigger, run.outcome, run.exit.and_then(|exit| exit.code)))
            .collect();
        let one =
            |run, trigger: &str, outcome: &str, code| (run, trigger.to_owned(), outcome.to_owned(), code);
        let expected = [
            one(Some(2), "schedule", "failed", Some(3)),
            one(None, "schedule", "skipped", None),
            one(None, "schedule", "missed", None),
            one(Some(3), "command", "running", None),
        ];
        assert_eq!(told, expected);
    }
}

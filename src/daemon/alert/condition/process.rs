//! What is told by the state of a process.

use crate::model::{Goal, Health, Rest, State, Vitals};
use crate::supervisor::Unwell;

/// It was given up.
pub fn errored(name: impl FnOnce() -> String, state: &State) -> Option<String> {
    match state {
        State::Idle(Rest::Errored(reason)) => Some(format!("{} is errored: {reason}", name())),
        State::Idle(Rest::Stopped | Rest::Finished(_))
        | State::Waiting { .. }
        | State::Backoff { .. }
        | State::Starting { .. }
        | State::Running { .. }
        | State::Stopping { .. } => None,
    }
}

/// It fails its checks; also while it is restarted for that, until it is healthy again or nobody wants it
/// up. `before`: what was said of it last time.
pub fn unhealthy(
    name: &str,
    goal: Goal,
    state: &State,
    unwell: Option<&Unwell>,
    before: Option<&str>,
) -> Option<String> {
    let told = |why: &str| Some(format!("{name} is unhealthy: {why}"));
    if goal != Goal::Up {
        return None;
    }
    match state {
        State::Running { vitals: Some(Vitals { health: Health::Healthy, .. }), .. } => None,
        State::Running { vitals: Some(Vitals { health: Health::Unhealthy { reason }, .. }), .. } => {
            told(reason)
        }
        // Given up: that is another condition.
        State::Idle(_) => None,
        State::Running { vitals: None, .. } => None,
        State::Running { vitals: Some(Vitals { health: Health::Unknown { .. }, .. }), .. }
        | State::Waiting { .. }
        | State::Backoff { .. }
        | State::Starting { .. }
        | State::Stopping { .. } => match unwell {
            Some(Unwell::Unhealthy { complaint, .. }) => told(complaint),
            Some(Unwell::NotReady { .. }) | None => before.map(str::to_owned),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{End, Moment, Pid, Readiness, Reason, RunId};

    #[test]
    fn who_was_given_up_is_errored_and_nobody_else() {
        let end = End::Code(3);
        let check =
            |state: State, told: Option<&str>| assert_eq!(errored(|| "web".into(), &state).as_deref(), told);
        let reason = Reason::UnstableRuns { count: 16, last: end };
        check(
            State::Idle(Rest::Errored(reason)),
            Some("web is errored: given up after 16 unstable runs in a row; the last ended with exit code 3"),
        );
        check(State::Idle(Rest::Stopped), None);
        check(State::Idle(Rest::Finished(end)), None);
        check(State::Backoff { until: Moment(1), queued: false }, None);
    }

    fn running(health: Health) -> State {
        let vitals = Some(Vitals { ready: true, health, failures: 0 });
        let (run, pid, since) = (RunId(1), Pid(2), Moment(3));
        State::Running { run, pid, since, vitals, readiness: Readiness::Unasked }
    }

    #[test]
    fn who_is_unhealthy_is_so_until_it_is_healthy_again_or_not_wanted_up() {
        let sick = || running(Health::Unhealthy { reason: "answered 503".into() });
        let said = Some("web is unhealthy: answered 503");
        let check = |goal, state: State, unwell: Option<&Unwell>, before, told: Option<&str>| {
            assert_eq!(unhealthy("web", goal, &state, unwell, before).as_deref(), told, "{state:?}");
        };
        check(Goal::Up, sick(), None, None, said);
        let unwell = Unwell::Unhealthy { complaint: "answered 503".into(), was_ready: true };
        let stopping = || State::Stopping { run: RunId(1), pid: None, kill_at: Moment(9) };
        check(Goal::Up, stopping(), Some(&unwell), None, said);
        // Meanwhile it is restarted, and nobody knows.
        check(Goal::Up, State::Starting { run: RunId(2), since: Moment(4) }, None, said, said);
        check(Goal::Up, running(Health::Unknown { complaint: None }), None, said, said);
        check(Goal::Up, running(Health::Unknown { complaint: None }), None, None, None);
        check(Goal::Up, running(Health::Healthy), None, said, None);
        check(Goal::Down, stopping(), Some(&unwell), said, None);
        check(Goal::Up, State::Idle(Rest::Stopped), None, said, None);
        check(Goal::Up, stopping(), None, None, None);
    }
}

//! Apps that depend on others. `db` is process 0, with life 1 first; `web` depends on it and is
//! process 1.

use super::*;
use crate::model::{
    Condition, Dependency, HealthCheck, HealthPolicy, Name, PortOwner, PortPlan, State, Verdict,
};

const WEB: ProcessId = ProcessId(1);

fn on(app: &str, condition: Condition) -> Dependency {
    let app = Name::parse(app).expect("a name");
    Dependency { namespace: Name::default_namespace(), app, condition }
}

fn web(depends_on: Vec<Dependency>) -> AppSpec {
    AppSpec { depends_on, ..app("web") }
}

fn checked(name: &str) -> AppSpec {
    let health = HealthPolicy {
        check: HealthCheck::Tcp { address: "localhost:80".to_owned() },
        timeout: ms(5_000),
        interval: ms(10_000),
        retries: 1,
        start_limit: None,
        ready_within: None,
    };
    AppSpec { health: Some(health), ..app(name) }
}

/// Both are defined; nothing of them has been executed.
fn both(db: AppSpec, condition: Condition) -> Story {
    of(db).and(web(vec![on("db", condition)]))
}

/// Both run.
fn both_run() -> Story {
    both(app("db"), Condition::Ready).spawned(1).spawned(2)
}

impl Story {
    fn and(self, spec: AppSpec) -> Story {
        self.command(Command::Create { spec: Arc::new(spec) })
    }

    /// What the second process waits for, as people are told.
    #[track_caller]
    fn web_waits(self, expected: &str) -> Story {
        let state = &self.brain.process(WEB).expect("listed").state;
        let State::Waiting { unmet } = state else { panic!("it is {state:?}") };
        assert_eq!(crate::model::depends::waits_for(unmet), format!("waits for {expected}"));
        assert_eq!(state.status().as_str(), "starting");
        self
    }

    #[track_caller]
    fn web_is(self, status: &str) -> Story {
        assert_eq!(self.brain.process(WEB).expect("listed").state.status().as_str(), status);
        self
    }

    fn asks_web(self, command: fn(ProcessId) -> Command) -> Story {
        self.command(command(WEB))
    }

    /// Stops of both, as one request gives them.
    fn stop_both(mut self) -> Story {
        let commands = [ID, WEB].map(|process| Command::Stop { process });
        let mut effects = Vec::new();
        for index in self.brain.in_order(&commands) {
            self = self.command(commands[index].clone());
            effects.append(&mut self.effects);
        }
        self.effects = effects;
        self
    }
}

fn start(process: ProcessId) -> Command {
    Command::Start { process }
}

fn stop(process: ProcessId) -> Command {
    Command::Stop { process }
}

#[test]
fn a_start_waits_until_what_it_depends_on_is_ready() {
    let story = both(checked("db"), Condition::Ready).orders("").web_waits("db (ready)");
    let story = story.spawned(1).orders("watch 1").web_waits("db (ready)");
    story.passes(1).orders("launch 2").web_is("starting").spawned(2).web_is("online");
    // Without a check it is ready when it is executed.
    both(app("db"), Condition::Ready).spawned(1).orders("launch 2");
    both(checked("db"), Condition::Started).spawned(1).orders("watch 1, launch 2");
    both(checked("db"), Condition::Healthy).spawned(1).passes(1).orders("launch 2");
}

#[test]
fn a_job_is_completed_by_exit_code_0() {
    let job = || AppSpec { restart: RestartPolicy { auto: false, ..RestartPolicy::default() }, ..app("db") };
    let story = both(job(), Condition::Completed).spawned(1).orders("").web_waits("db (completed)");
    story.exits(1, 0).orders("forget 1, launch 2").is("stopped");
    let story = both(job(), Condition::Completed).spawned(1).exits(1, 3).orders("forget 1");
    let reason = "ended with exit code 3 and is not restarted automatically";
    let story = story.web_waits(&format!("db (completed), which is errored: {reason}"));
    // Somebody repairs it.
    story.start().spawned(2).exits(2, 0).orders("forget 2, launch 3");
}

#[test]
fn who_waits_can_be_stopped_and_deleted_and_is_not_launched_then() {
    let story = both(app("db"), Condition::Ready).asks_web(stop).answers(Ok(Accepted::Done)).orders("");
    story.web_is("stopped").spawned(1).orders("");
    let story = both(app("db"), Condition::Ready).asks_web(|process| Command::Delete { process });
    assert_eq!(story.spawned(1).orders("").brain.process(WEB), None);
    both(app("db"), Condition::Ready).asks_web(start).answers(Ok(Accepted::AlreadySo));
    let story = both(app("db"), Condition::Ready).asks_web(|process| Command::Restart { process });
    story.answers(Ok(Accepted::AlreadySo)).spawned(1).orders("launch 2");
    both(app("db"), Condition::Ready).shutdown().web_is("stopped").spawned(1).orders("SIGTERM 1");
}

#[test]
fn only_the_first_start_waits() {
    let story = both_run().exits(1, 1).orders("forget 1, launch 3").web_is("online");
    // Neither its own crash nor a restart of it waits for the other, which is not there.
    let story = story.exits(2, 1).orders("forget 2, launch 4").spawned(4);
    let story = story.asks_web(|process| Command::Restart { process }).orders("SIGTERM 4");
    let story = story.exits(4, 0).orders("forget 4, launch 5").spawned(5);
    story.spawned(3).restart().orders("SIGTERM 3").web_is("online");
}

#[test]
fn a_start_starts_what_it_depends_on() {
    let down = both_run().stop_both().exits(2, 0).exits(1, 0).is("stopped").web_is("stopped");
    let story = down.asks_web(start).answers(Ok(Accepted::Done)).orders("launch 3").wanted(Goal::Up);
    let story = story.tells(EventKind::Needed { by: "web".to_owned() }).web_waits("db (ready)");
    story.spawned(3).orders("launch 4");
    // What was given up is tried again; what is on its way is left alone.
    let failing = both(app("db"), Condition::Ready).fails_to_spawn(1, SpawnStep::Exec, libc::ENOENT);
    let story = failing.web_waits("db (ready), which is errored: cannot execute /bin/true");
    story.asks_web(start).answers(Ok(Accepted::Done)).orders("launch 2").web_waits("db (ready)");
    // So does the definition of something new.
    let stopped = running(app("db")).stop().exits(1, 0);
    stopped.and(web(vec![on("db", Condition::Started)])).orders("launch 2").spawned(2).orders("launch 3");
}

#[test]
fn what_is_started_for_one_is_waited_for_by_the_others_that_are() {
    let job = |spec: AppSpec| {
        let restart = RestartPolicy { auto: false, ..RestartPolicy::default() };
        AppSpec { restart, ..spec }
    };
    // The job is content with a db that has ended; who is to be healthy needs it anew.
    let middle = AppSpec { depends_on: vec![on("db", Condition::Started)], ..job(app("web")) };
    let story = of(job(checked("db"))).spawned(1).and(middle).spawned(2).exits(2, 0).exits(1, 0);
    let both = vec![on("web", Condition::Ready), on("db", Condition::Healthy)];
    let story =
        story.and(AppSpec { depends_on: both, ..app("top") }).orders("launch 3").web_waits("db (started)");
    story.spawned(3).orders("watch 3, launch 4");
}

#[test]
fn what_others_depend_on_stops_after_them() {
    let story = both_run().stop_both().orders("SIGTERM 2").is("online").wanted(Goal::Down);
    let story = story.leaves_something(2, 0).orders("").is("online");
    story.tree_gone(2).orders("forget 2, SIGTERM 1").exits(1, 0).is("stopped");
    let story = both_run().shutdown().orders("SIGTERM 2").exits(2, 0).orders("forget 2, SIGTERM 1");
    assert!(story.exits(1, 0).brain.all_idle());
    // Alone it stops at once, and what depends on it runs on.
    both_run().stop().orders("SIGTERM 1").web_is("online");
    both_run().asks_web(stop).orders("SIGTERM 2").is("online").wanted(Goal::Up);
}

#[test]
fn levels_are_kept_also_where_the_one_between_does_not_run() {
    let cache = AppSpec { depends_on: vec![on("db", Condition::Ready)], ..app("cache") };
    let story = of(app("db")).spawned(1).and(cache).spawned(2).and(web(vec![on("cache", Condition::Ready)]));
    let story = story.orders("launch 3").spawned(3).asks_web(stop).exits(2, 0).orders("forget 2");
    story.shutdown().orders("SIGTERM 3").exits(3, 0).orders("forget 3, SIGTERM 1");
}

#[test]
fn who_waits_for_one_that_waits_in_vain_says_so() {
    let cache = AppSpec { depends_on: vec![on("db", Condition::Ready)], ..app("web") };
    let last = AppSpec { depends_on: vec![on("web", Condition::Ready)], ..app("last") };
    let story = of(app("db")).and(cache).and(last).web_waits("db (ready)");
    let told = |story: &Story| match &story.brain.process(ProcessId(2)).expect("listed").state {
        State::Waiting { unmet } => crate::model::depends::waits_for(unmet),
        other => panic!("it is {other:?}"),
    };
    assert_eq!(told(&story), "waits for web (ready)");
    let story = story.stop().fails_to_spawn(1, SpawnStep::Exec, libc::ENOENT);
    let story = story.web_waits("db (ready), which is stopped");
    assert_eq!(told(&story), "waits for web (ready), which waits for db");
    // Whoever starts the last one starts all of them.
    let story = story.command(Command::Start { process: ProcessId(2) }).orders("launch 2").is("starting");
    assert_eq!(told(&story), "waits for web (ready)");
}

#[test]
fn a_start_takes_back_a_stop_that_has_to_wait() {
    let story = both_run().stop_both().start().answers(Ok(Accepted::Done)).orders("");
    let story = story.tells(EventKind::StopTakenBack).wanted(Goal::Up).exits(2, 0).orders("forget 2");
    let crash = EventKind::Exited { end: End::Code(1), cause: ExitCause::Itself, uptime: Duration::ZERO };
    story.is("online").exits(1, 1).tells(crash).orders("forget 1, launch 3");
    // A restart does not wait for anybody.
    both_run().stop_both().restart().orders("SIGTERM 1");
}

#[test]
fn what_cannot_be_depended_on_is_refused() {
    let unknown = Denied::UnknownDependency { name: "web".to_owned(), other: "db".to_owned() };
    of(web(vec![on("db", Condition::Ready)])).answers(Err(unknown)).orders("");
    let itself = Denied::DependencyCycle { path: vec!["web".to_owned(), "web".to_owned()] };
    of(web(vec![on("web", Condition::Ready)])).answers(Err(itself)).orders("");
    let never = Denied::NeverHealthy { name: "web".to_owned(), other: "db".to_owned() };
    of(app("db")).and(web(vec![on("db", Condition::Healthy)])).answers(Err(never)).orders("");
    let never = Denied::NeverCompleted { name: "web".to_owned(), other: "db".to_owned() };
    of(app("db")).and(web(vec![on("db", Condition::Completed)])).answers(Err(never)).orders("");
    let spec = Arc::new(AppSpec { depends_on: vec![on("web", Condition::Ready)], ..app("db") });
    let update = Command::Update { app: AppId(0), spec, then: super::super::super::Then::Keep };
    let path = ["db", "web", "db"].map(str::to_owned).to_vec();
    let story = both_run().command(update).answers(Err(Denied::DependencyCycle { path })).orders("");
    assert_eq!(story.answer.unwrap_err().to_string(), "the dependencies form a cycle: db -> web -> db");
}

#[test]
fn who_depends_on_what_was_deleted_says_so_when_it_is_started() {
    let story = both_run().delete().orders("SIGTERM 1").exits(1, 0).web_is("online");
    let story = story.asks_web(stop).exits(2, 0).asks_web(start).web_waits("db, which does not exist");
    let story = story.and(app("db")).orders("launch 3").web_waits("db (ready)");
    story.spawned(3).orders("launch 4");
}

#[test]
fn a_boot_starts_in_order_and_only_what_is_wanted() {
    let boot = |db: Goal| {
        let apps = BTreeMap::from([
            (AppId(0), Arc::new(web(vec![on("db", Condition::Ready)]))),
            (AppId(1), Arc::new(app("db"))),
        ]);
        let row = |id: u32, goal| Remembered { goal, ..Remembered::new(ProcessId(id), AppId(id), 0) };
        let (rows, now) = (vec![row(0, Goal::Up), row(1, db)], Moment(1_000_000_000));
        let (brain, effects) =
            Supervisor::restore(now, apps, rows, vec![], BTreeMap::new(), AppId(2), ProcessId(2), RunId(10));
        Story { brain, now, answer: Ok(Accepted::Noted), effects }
    };
    boot(Goal::Up).orders("launch 10").is("starting").spawned(10).orders("launch 11");
    boot(Goal::Down).orders("").is("starting").later(ms(60_000)).orders("").is("starting");
}

#[test]
fn an_exit_tells_why() {
    let exit = |cause| EventKind::Exited { end: End::Code(0), cause, uptime: Duration::ZERO };
    let asked = |cause| exit(ExitCause::Asked(cause));
    running(app("web")).stop().exits(1, 0).tells(asked(Cause::Stop));
    running(app("web")).delete().exits(1, 0).tells(asked(Cause::Delete));
    running(app("web")).shutdown().exits(1, 0).tells(asked(Cause::Shutdown));
    let reload = Command::Reload {
        processes: vec![ID],
        beside: Default::default(),
        soak: None,
        ports: Default::default(),
        back_to: Default::default(),
    };
    running(app("web")).command(reload).exits(1, 0).tells(asked(Cause::Reload));
    let fails = Fact::Checked {
        run: RunId(1),
        verdict: Verdict::Failed { reason: "answered 503".into(), answered: true },
    };
    let complaint = "answered 503".to_owned();
    let story = of(checked("web")).spawned(1).passes(1).fact(fails).orders("unwatch 1, SIGTERM 1");
    story.exits(1, 0).tells(exit(ExitCause::Unhealthy { complaint }));
}

#[test]
fn a_reload_of_what_has_waited_fails_with_the_news_that_lets_it_go_and_finds_it_no_port() {
    let spec = AppSpec { port: Some(PortPlan::Single(3000)), ..web(vec![on("db", Condition::Ready)]) };
    let nginx = PortOwner::Foreign { program: "nginx".to_owned(), pid: Pid(812) };
    let story = of(app("db")).and(spec).web_waits("db (ready)");
    let story = story.command(Command::Reload {
        processes: vec![WEB],
        beside: Default::default(),
        soak: None,
        ports: Default::default(),
        back_to: Default::default(),
    });
    let story = story.fact(Fact::PortsSeen { busy: [(3000, nginx)].into() }).web_waits("db (ready)");
    let reason = "port 3000 is used by another program (nginx, pid 812)".to_owned();
    story.spawned(1).tells(EventKind::ReloadFailed { reason }).web_is("errored");
}

//! The users: what they define, and what they ask for, at random.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::{Command, Count, Then};
use super::balance::any_balance;
use super::depends::any_dependencies;
use super::health::any_policy;
use super::ready;
use super::schedule::any_schedule;
use crate::model::{
    AppId, AppSpec, ByteSize, Condition, Dependency, Name, PortPlan, ProcessId, ReadyPolicy, Resources,
    RestartPolicy, RollPolicy, Share, Signal, Spread, StopPolicy,
};

/// A small generator of random numbers (splitmix64): the same seed, the same numbers, for ever.
pub struct Dice(pub u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// From 0 to `limit - 1`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// True in `percent` of a hundred cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them.
    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

/// An app with PM2's defaults.
pub fn app(name: &str) -> AppSpec {
    AppSpec {
        name: Name::parse(name).expect("a name"),
        namespace: Name::default_namespace(),
        script: "/bin/true".to_owned(),
        interpreter: None,
        program: "/bin/true".into(),
        args: Vec::new(),
        cwd: "/".into(),
        inherited_env: BTreeMap::new(),
        env: BTreeMap::new(),
        env_sources: Default::default(),
        watch: None,
        schedule: None,
        stdin: false,
        labels: Default::default(),
        interpreter_args: Vec::new(),
        instances: 1,
        numbered: false,
        balance: None,
        port: None,
        spread: Default::default(),
        autostart: true,
        restart: RestartPolicy::default(),
        stop: StopPolicy::default(),
        roll: Default::default(),
        health: None,
        ready: ReadyPolicy::default(),
        hooks: Default::default(),
        resources: Resources::default(),
        logs: Default::default(),
        depends_on: Vec::new(),
    }
}

/// `there` are the names of apps that are defined.
fn any_app(dice: &mut Dice, there: &[Name]) -> AppSpec {
    let restart = RestartPolicy {
        auto: dice.chance(80),
        max_unstable: dice.pick(&[0, 1, 2, 3, 5, 16]),
        min_uptime: Duration::from_millis(dice.pick(&[0, 1_000, 1_000, 10_000])),
        delay: Duration::from_millis(dice.pick(&[0, 0, 0, 0, 700])),
        backoff: dice.pick(&[None, None, None, Some(Duration::from_millis(400))]),
        stop_exit_codes: dice.pick(&[vec![], vec![], vec![0, 3]]),
    };
    let stop = StopPolicy {
        timeout: Duration::from_millis(dice.pick(&[10_000, 1_600, 50])),
        with_message: dice.chance(25),
        ..StopPolicy::default()
    };
    let name = dice.pick(&["web", "api", "job", "db"]);
    let mut instances = dice.pick(&[1_u32, 1, 2]) + u32::from(name == "api");
    let port = any_port(dice);
    if let Some(PortPlan::Single(_)) = port {
        instances = 1;
    }
    let max_memory = (name == "db" || name == "web").then_some(ByteSize(1_000));
    let resources = Resources { max_memory, ..Resources::default() };
    let schedule = any_schedule(dice);
    let autostart = dice.chance(if schedule.is_some() { 40 } else { 85 });
    let (health, depends_on) = (any_policy(dice), any_dependencies(dice, name, there));
    let ready = ready::any_policy(dice);
    let balance = any_balance(dice, port);
    let spread = if port == Some(PortPlan::Shared(3001)) { Spread::Even } else { Spread::Queue };
    let base = AppSpec { instances, port, spread, balance, autostart, schedule, ..app(name) };
    let roll = roll_of(name, &restart);
    AppSpec { restart, stop, resources, health, depends_on, ready, roll, ..base }
}

/// Most apps are reloaded as usual, or hardly anything would ever be replaced; one in several ways.
fn roll_of(name: &str, restart: &RestartPolicy) -> RollPolicy {
    let (surge, unavailable, soak) = match (name, restart.max_unstable) {
        ("api", 0 | 5) => (1, 1, None),
        ("api", 1) => (2, 0, Some(0)),
        ("api", 2) => (0, 1, None),
        ("api", 3) => (0, 2, Some(2_500)),
        ("api", _) => (2, 0, None),
        (_, _) => return RollPolicy::default(),
    };
    RollPolicy {
        soak: soak.map(Duration::from_millis),
        max_surge: Share::Count(surge),
        max_unavailable: Share::Count(unavailable),
    }
}

/// Apps of which each depends on the one before it.
pub fn three_levels(dice: &mut Dice) -> [AppSpec; 3] {
    let level = |name: &str, below: Option<&str>, dice: &mut Dice| {
        let depends_on = below.map(|below| Dependency {
            namespace: Name::default_namespace(),
            app: Name::parse(below).expect("a name"),
            condition: dice.pick(&[Condition::Started, Condition::Ready]),
        });
        let depends_on = depends_on.into_iter().collect();
        let name = Name::parse(name).expect("a name");
        AppSpec { name, port: None, balance: None, autostart: true, depends_on, ..any_app(dice, &[]) }
    };
    [level("db", None, dice), level("job", Some("db"), dice), level("web", Some("job"), dice)]
}

/// The few ports that everybody wants.
pub const PORTS: std::ops::Range<u16> = 3000..3005;

fn any_port(dice: &mut Dice) -> Option<PortPlan> {
    let plans = [
        PortPlan::Single(3000),
        PortPlan::Single(3001),
        PortPlan::Range(3000, 3001),
        PortPlan::Range(3002, 3004),
        PortPlan::Auto(3000, 3002),
        PortPlan::Auto(3001, 3004),
        PortPlan::Shared(3000),
        PortPlan::Shared(3001),
    ];
    dice.chance(60).then(|| dice.pick(&plans))
}

/// Somebody asks for something. `members` are the processes that are listed, with their apps;
/// ids beyond them are asked for, too. `there` are the names of the apps.
pub fn any_command(dice: &mut Dice, members: &[(AppId, ProcessId)], there: &[Name]) -> Command {
    let known: Vec<ProcessId> = members.iter().map(|(_, process)| *process).collect();
    let apps: Vec<AppId> = members.iter().map(|(app, _)| *app).collect();
    let process = |dice: &mut Dice| match known.as_slice() {
        [] => ProcessId(dice.below(3) as u32),
        _ if dice.chance(3) => ProcessId(dice.below(40) as u32),
        some => dice.pick(some),
    };
    let app = |dice: &mut Dice| match dice.chance(3) || apps.is_empty() {
        true => AppId(dice.below(20) as u32),
        false => dice.pick(&apps),
    };
    match dice.below(156) {
        _ if known.is_empty() => Command::Create { spec: Arc::new(any_app(dice, there)) },
        0..16 => Command::Create { spec: Arc::new(any_app(dice, there)) },
        100..108 => {
            let signal = Signal::from_number(dice.pick(&[10, 15, 9])).expect("a signal");
            Command::Signal { process: process(dice), signal }
        }
        108..113 => Command::Reset { process: process(dice) },
        113..121 => {
            let count = match dice.chance(50) {
                true => Count::Exactly(dice.pick(&[0, 1, 2, 3, 4])),
                false => Count::Change(dice.pick(&[-2, -1, 0, 1, 2])),
            };
            Command::Scale { app: app(dice), count }
        }
        121..128 => {
            let then = dice.pick(&[Then::Keep, Then::Start, Then::Restart]);
            Command::Update { app: app(dice), spec: Arc::new(any_app(dice, there)), then }
        }
        128..140 => {
            let app = app(dice);
            let of_app = members.iter().filter(|(owner, _)| *owner == app).map(|(_, id)| *id);
            let processes: Vec<ProcessId> = of_app.collect();
            let beside = processes.iter().copied().filter(|_| dice.chance(70)).collect();
            let soak = (processes.len() == 2).then_some(Duration::ZERO);
            Command::Reload { processes, beside, soak, ports: BTreeMap::new(), back_to: Default::default() }
        }
        140..150 => {
            let numbers = dice.pick(&[vec![0], vec![0, 1], vec![1], vec![0, 2]]);
            let wanted = numbers.into_iter().map(|number| (number, dice.chance(70))).collect();
            Command::Complete { spec: Arc::new(any_app(dice, there)), wanted }
        }
        150..156 => Command::BreakOff { app: app(dice), number: dice.below(4) as u64 },
        16..42 => Command::Start { process: process(dice) },
        42..64 => Command::Stop { process: process(dice) },
        64..76 => Command::Restart { process: process(dice) },
        76..84 => {
            let port = any_port(dice).unwrap_or(PortPlan::Single(3004));
            Command::Move { process: process(dice), port }
        }
        84..98 => Command::Delete { process: process(dice) },
        _ => Command::Shutdown,
    }
}

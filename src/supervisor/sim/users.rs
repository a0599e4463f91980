//! The users: what they define, and what they ask for, at random.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::Command;
use crate::model::{AppSpec, ByteSize, Name, ProcessId, Resources, RestartPolicy, StopPolicy};

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
        instances: 1,
        autostart: true,
        restart: RestartPolicy::default(),
        stop: StopPolicy::default(),
        resources: Resources::default(),
    }
}

fn any_app(dice: &mut Dice) -> AppSpec {
    let restart = RestartPolicy {
        auto: dice.chance(80),
        max_unstable: dice.pick(&[0, 1, 2, 3, 5, 16]),
        min_uptime: Duration::from_millis(dice.pick(&[0, 1_000, 1_000, 10_000])),
        delay: Duration::from_millis(dice.pick(&[0, 0, 0, 0, 700])),
        stop_exit_codes: dice.pick(&[vec![], vec![], vec![0, 3]]),
    };
    let stop = StopPolicy {
        timeout: Duration::from_millis(dice.pick(&[10_000, 1_600, 50])),
        ..StopPolicy::default()
    };
    let name = dice.pick(&["web", "api", "job", "db"]);
    let max_memory = (name == "db" || name == "web").then_some(ByteSize(1_000));
    let resources = Resources { max_memory, ..Resources::default() };
    let (instances, autostart) = (dice.pick(&[1, 1, 2]), dice.chance(85));
    AppSpec { instances, autostart, restart, stop, resources, ..app(name) }
}

/// Somebody asks for something. `known` are the processes that are listed; ids beyond them are
/// asked for, too.
pub fn any_command(dice: &mut Dice, known: &[ProcessId]) -> Command {
    let process = |dice: &mut Dice| match known {
        [] => ProcessId(dice.below(3) as u32),
        _ if dice.chance(3) => ProcessId(dice.below(40) as u32),
        _ => dice.pick(known),
    };
    match dice.below(100) {
        _ if known.is_empty() => Command::Create { spec: Arc::new(any_app(dice)) },
        0..16 => Command::Create { spec: Arc::new(any_app(dice)) },
        16..42 => Command::Start { process: process(dice) },
        42..64 => Command::Stop { process: process(dice) },
        64..84 => Command::Restart { process: process(dice) },
        84..98 => Command::Delete { process: process(dice) },
        _ => Command::Shutdown,
    }
}

//! The disk format: types of its own, introduced to the program's words field by field.
//!
//! They change only so that old rows still load: a field that comes later has a default, and a
//! word that was written once is read forever. Nothing here has `Debug`, because the environment
//! of an app is in here.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::format_balance::StoredBalance;
use super::format_depends::StoredDependency;
use super::format_env::StoredEnvSources;
use super::format_health::StoredHealth;
use super::format_hooks::StoredHooks;
use super::format_logs::StoredLogs;
use super::format_ready::StoredReady;
use super::format_resources::StoredResources;
use super::format_rolling::StoredRoll;
use super::format_schedule::StoredSchedule;
use super::format_watch::StoredWatch;
use crate::model::{AppSpec, Labels, Name, PortPlan, RestartPolicy, Signal, Spread, StopPolicy};

/// What a row says that does not fit the program's words.
pub(super) type Misfit = String;

/// Column `app.spec`.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredSpec {
    name: String,
    #[serde(default = "default_namespace")]
    namespace: String,
    script: String,
    #[serde(default)]
    interpreter: Option<String>,
    program: StoredPath,
    #[serde(default)]
    args: Vec<String>,
    cwd: StoredPath,
    #[serde(default)]
    inherited_env: BTreeMap<String, String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default = "one")]
    instances: u32,
    /// Absent in rows from before there was `scale`: then several are numbered.
    #[serde(default)]
    numbered: Option<bool>,
    #[serde(default)]
    port: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    spread_even: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    balance: Option<StoredBalance>,
    #[serde(default = "yes")]
    autostart: bool,
    #[serde(default)]
    restart: StoredRestart,
    #[serde(default)]
    stop: StoredStop,
    #[serde(default)]
    roll: StoredRoll,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    health: Option<StoredHealth>,
    #[serde(default)]
    ready: StoredReady,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hooks: Option<StoredHooks>,
    #[serde(default)]
    resources: StoredResources,
    #[serde(default)]
    logs: StoredLogs,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<StoredDependency>,
    #[serde(default, skip_serializing_if = "StoredEnvSources::is_empty")]
    env_sources: StoredEnvSources,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    interpreter_args: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    watch: Option<StoredWatch>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schedule: Option<StoredSchedule>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    stdin: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
}

/// A path: text, or bytes if it is none.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum StoredPath {
    Text(String),
    Bytes(Vec<u8>),
}

#[derive(Serialize, Deserialize)]
#[serde(default)]
struct StoredRestart {
    auto: bool,
    max_unstable: u32,
    min_uptime_us: u64,
    delay_us: u64,
    backoff_us: Option<u64>,
    stop_exit_codes: Vec<i32>,
}

#[derive(Serialize, Deserialize)]
#[serde(default)]
struct StoredStop {
    signal: i32,
    timeout_us: u64,
    with_message: bool,
}

fn default_namespace() -> String {
    Name::default_namespace().to_string()
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

/// A span of more than 584,000 years is written as that.
pub(super) fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

impl StoredSpec {
    /// What to write for `spec`.
    pub(super) fn new(spec: &AppSpec) -> StoredSpec {
        StoredSpec {
            name: spec.name.to_string(),
            namespace: spec.namespace.to_string(),
            script: spec.script.clone(),
            interpreter: spec.interpreter.clone(),
            program: StoredPath::new(&spec.program),
            args: spec.args.clone(),
            cwd: StoredPath::new(&spec.cwd),
            inherited_env: spec.inherited_env.clone(),
            env: spec.env.clone(),
            instances: spec.instances,
            numbered: Some(spec.numbered),
            port: spec.port.map(stored_plan),
            spread_even: spec.spread == Spread::Even,
            balance: spec.balance.as_ref().map(StoredBalance::new),
            autostart: spec.autostart,
            restart: StoredRestart::new(&spec.restart),
            stop: StoredStop::new(&spec.stop),
            roll: StoredRoll::new(&spec.roll),
            health: spec.health.as_ref().map(StoredHealth::new),
            ready: StoredReady::new(&spec.ready),
            hooks: StoredHooks::new(&spec.hooks),
            resources: StoredResources::new(&spec.resources),
            logs: StoredLogs::new(&spec.logs),
            depends_on: spec.depends_on.iter().map(StoredDependency::new).collect(),
            env_sources: StoredEnvSources::new(&spec.env_sources),
            interpreter_args: spec.interpreter_args.clone(),
            watch: spec.watch.as_ref().map(StoredWatch::new),
            schedule: spec.schedule.as_ref().map(StoredSchedule::new),
            stdin: spec.stdin,
            labels: spec.labels.all().clone(),
        }
    }

    /// The definition that was written.
    pub(super) fn into_model(self) -> Result<AppSpec, Misfit> {
        Ok(AppSpec {
            name: Name::parse_written(&self.name).map_err(|bad| bad.to_string())?,
            namespace: Name::parse(&self.namespace).map_err(|bad| bad.to_string())?,
            script: self.script,
            interpreter: self.interpreter,
            program: self.program.into_model(),
            args: self.args,
            cwd: self.cwd.into_model(),
            inherited_env: self.inherited_env,
            env: self.env,
            instances: self.instances,
            numbered: self.numbered.unwrap_or(self.instances > 1),
            port: self.port.map(|text| port_plan(&text)).transpose()?,
            spread: if self.spread_even { Spread::Even } else { Spread::Queue },
            balance: self.balance.map(StoredBalance::into_model).transpose()?,
            autostart: self.autostart,
            restart: self.restart.into_model(),
            stop: self.stop.into_model()?,
            roll: self.roll.into_model()?,
            health: self.health.map(StoredHealth::into_model),
            ready: self.ready.into_model()?,
            hooks: self.hooks.map(StoredHooks::into_model).transpose()?.unwrap_or_default(),
            resources: self.resources.into_model(),
            logs: self.logs.into_model(),
            depends_on: self
                .depends_on
                .into_iter()
                .map(StoredDependency::into_model)
                .collect::<Result<_, _>>()?,
            env_sources: self.env_sources.into_model(),
            interpreter_args: self.interpreter_args,
            watch: self.watch.map(StoredWatch::into_model),
            schedule: self.schedule.map(StoredSchedule::into_model).transpose()?,
            stdin: self.stdin,
            labels: Labels::written(self.labels),
        })
    }
}

impl StoredPath {
    pub(super) fn new(path: &Path) -> StoredPath {
        match path.to_str() {
            Some(text) => StoredPath::Text(text.to_owned()),
            None => StoredPath::Bytes(path.as_os_str().as_bytes().to_vec()),
        }
    }

    pub(super) fn into_model(self) -> PathBuf {
        match self {
            StoredPath::Text(text) => text.into(),
            StoredPath::Bytes(bytes) => OsString::from_vec(bytes).into(),
        }
    }
}

impl StoredRestart {
    fn new(policy: &RestartPolicy) -> StoredRestart {
        StoredRestart {
            auto: policy.auto,
            max_unstable: policy.max_unstable,
            min_uptime_us: micros(policy.min_uptime),
            delay_us: micros(policy.delay),
            backoff_us: policy.backoff.map(micros),
            stop_exit_codes: policy.stop_exit_codes.clone(),
        }
    }

    fn into_model(self) -> RestartPolicy {
        RestartPolicy {
            auto: self.auto,
            max_unstable: self.max_unstable,
            min_uptime: Duration::from_micros(self.min_uptime_us),
            delay: Duration::from_micros(self.delay_us),
            backoff: self.backoff_us.map(Duration::from_micros),
            stop_exit_codes: self.stop_exit_codes,
        }
    }
}

impl Default for StoredRestart {
    fn default() -> Self {
        StoredRestart::new(&RestartPolicy::default())
    }
}

impl StoredStop {
    fn new(policy: &StopPolicy) -> StoredStop {
        StoredStop {
            signal: policy.signal.number(),
            timeout_us: micros(policy.timeout),
            with_message: policy.with_message,
        }
    }

    fn into_model(self) -> Result<StopPolicy, Misfit> {
        Ok(StopPolicy {
            signal: signal(self.signal)?,
            timeout: Duration::from_micros(self.timeout_us),
            with_message: self.with_message,
        })
    }
}

impl Default for StoredStop {
    fn default() -> Self {
        StoredStop::new(&StopPolicy::default())
    }
}

/// What is before a port that is shared.
const SHARED: &str = "shared:";

/// What to write for these ports.
pub(super) fn stored_plan(plan: PortPlan) -> String {
    match plan {
        PortPlan::Shared(port) => format!("{SHARED}{port}"),
        PortPlan::Single(_) | PortPlan::Range(..) | PortPlan::Auto(..) => plan.to_string(),
    }
}

/// The ports that this text means.
pub(super) fn port_plan(text: &str) -> Result<PortPlan, Misfit> {
    let shared = text.strip_prefix(SHARED);
    let plan = PortPlan::parse(shared.unwrap_or(text)).map_err(|bad| bad.to_string())?;
    match (shared, plan) {
        (None, plan) => Ok(plan),
        (Some(_), PortPlan::Single(port)) => Ok(PortPlan::Shared(port)),
        (Some(_), PortPlan::Shared(_) | PortPlan::Range(..) | PortPlan::Auto(..)) => {
            Err(format!("{text:?} is not one shared port"))
        }
    }
}

/// The signal of that number.
pub(super) fn signal(number: i32) -> Result<Signal, Misfit> {
    Signal::from_number(number).ok_or_else(|| format!("there is no signal {number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_written_before_a_field_existed_gets_the_default_of_that_field() {
        let old = r#"{"name":"web","script":"w.js","program":"/usr/bin/node","cwd":"/","later":1}"#;
        let spec = serde_json::from_str::<StoredSpec>(old).unwrap().into_model().unwrap();
        assert_eq!(spec.namespace, Name::default_namespace());
        assert_eq!((spec.instances, spec.autostart), (1, true));
        assert_eq!(spec.restart, RestartPolicy::default());
        assert_eq!(spec.stop, StopPolicy::default());
        assert_eq!(spec.health, None);
        assert_eq!(spec.depends_on, Vec::new());
        assert_eq!(spec.ready, crate::model::ReadyPolicy::default());
        assert_eq!(spec.env_sources, Default::default());
    }

    #[test]
    fn a_back_off_and_arguments_of_the_interpreter_come_back() {
        let json = r#"{"name":"web","script":"w.js","program":"/usr/bin/node","cwd":"/"}"#;
        let mut spec = serde_json::from_str::<StoredSpec>(json).unwrap().into_model().unwrap();
        spec.restart.backoff = Some(Duration::from_millis(250));
        spec.interpreter_args = vec!["--trace-warnings".to_owned()];
        let json = serde_json::to_string(&StoredSpec::new(&spec)).unwrap();
        assert_eq!(serde_json::from_str::<StoredSpec>(&json).unwrap().into_model().unwrap(), spec);
    }

    #[test]
    fn a_path_that_is_not_text_comes_back_as_it_was() {
        for bytes in [&b"/srv/app"[..], &b"/srv/\xff\xfe"[..]] {
            let path = PathBuf::from(OsString::from_vec(bytes.to_vec()));
            let json = serde_json::to_string(&StoredPath::new(&path)).unwrap();
            assert_eq!(serde_json::from_str::<StoredPath>(&json).unwrap().into_model(), path);
        }
    }

    #[test]
    fn ports_come_back_as_they_were() {
        let plans = [PortPlan::Single(1), PortPlan::Shared(1), PortPlan::Range(1, 2), PortPlan::Auto(1, 2)];
        for plan in plans {
            assert_eq!(port_plan(&stored_plan(plan)), Ok(plan));
        }
        assert!(port_plan("shared:1-2").is_err());
    }

    #[test]
    fn a_spec_that_no_name_or_signal_fits_is_refused() {
        for (field, value) in [("name", r#""../x""#), ("stop", r#"{"signal":99}"#)] {
            let mut json: serde_json::Value =
                serde_json::from_str(r#"{"name":"web","script":"w","program":"/w","cwd":"/"}"#).unwrap();
            json[field] = serde_json::from_str(value).unwrap();
            assert!(serde_json::from_value::<StoredSpec>(json).unwrap().into_model().is_err(), "{field}");
        }
    }

    #[test]
    fn standard_input_is_kept_and_earlier_rows_have_none() {
        let of = |spec: &AppSpec| serde_json::to_string(&StoredSpec::new(spec)).unwrap();
        let read = |json: &str| serde_json::from_str::<StoredSpec>(json).unwrap().into_model().unwrap();
        let without = (*super::super::tests::spec("web")).clone();
        let with = AppSpec { stdin: true, ..without.clone() };
        assert!(read(&of(&with)) == with);
        assert!(!of(&without).contains("stdin") && !read(&of(&without)).stdin);
    }

    #[test]
    fn a_way_to_spread_is_kept_and_earlier_rows_have_one_queue() {
        let of = |spec: &AppSpec| serde_json::to_string(&StoredSpec::new(spec)).unwrap();
        let read = |json: &str| serde_json::from_str::<StoredSpec>(json).unwrap().into_model().unwrap();
        let queue = (*super::super::tests::spec("web")).clone();
        let even = AppSpec { spread: Spread::Even, ..queue.clone() };
        assert!(read(&of(&even)) == even);
        assert!(!of(&queue).contains("spread") && read(&of(&queue)) == queue);
    }
}

//! Launches for which files have to be read first, or the hook `before_start` has to be run. The loop
//! does not wait for a disk or a hook: a launch is made ready beside it, and every other order for that
//! run is held back until it has been sent, so that the keeper hears them in the order in which the brain
//! gave them.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::env_file;
use super::hooks::ReadyHook;
use crate::keeper::protocol::{Launch, Order};
use crate::model::{AppSpec, Fact, RunId, SpawnFailure, SpawnStep};

/// A disk that takes longer is broken, or is a network that is gone.
const LIMIT: Duration = Duration::from_secs(10);

/// A launch whose files were read.
pub struct Ready {
    /// The hook that has to be run first, if there is one.
    pub before: Option<ReadyHook>,
    /// What the keeper is sent then.
    pub launch: Launch,
}

/// A launch whose files were read and whose hook was run, or why not.
pub struct Prepared {
    /// Which run.
    pub run: RunId,
    launch: Result<Box<Launch>, SpawnFailure>,
}

/// What follows.
pub enum Outcome {
    /// These orders, in this order.
    Orders(Vec<Order>),
    /// It could not be launched.
    Failed(Fact),
}

/// The runs whose launch is being made ready.
pub struct Preparing {
    held: HashMap<RunId, Held>,
    done: mpsc::Sender<Prepared>,
}

/// A run that waits for its launch.
struct Held {
    /// What was ordered for it meanwhile.
    orders: Vec<Order>,
    /// Absent when it was called off. Its end ends the hook.
    wanted: Option<oneshot::Sender<()>>,
}

impl Preparing {
    /// Nothing is being made ready; what is ready will come out of the other end.
    pub fn new() -> (Preparing, mpsc::Receiver<Prepared>) {
        let (done, out) = mpsc::channel(256);
        (Preparing { held: HashMap::new(), done }, out)
    }

    /// Reads the files, and makes the launch with what is in them, for which files may be written. Then
    /// its hook is run.
    pub fn begin(
        &mut self,
        run: RunId,
        files: Vec<PathBuf>,
        launch: impl FnOnce(BTreeMap<String, String>) -> Result<Ready, String> + Send + 'static,
    ) {
        let (wanted, unwanted) = oneshot::channel();
        self.held.insert(run, Held { orders: Vec::new(), wanted: Some(wanted) });
        let done = self.done.clone();
        tokio::spawn(async move {
            let launch = match read(files).await {
                Ok(variables) => tokio::task::spawn_blocking(move || launch(variables))
                    .await
                    .unwrap_or_else(|_| Err("the launch could not be made ready".to_owned())),
                Err(why) => Err(why),
            };
            let launch = match launch {
                Ok(ready) => after_its_hook(ready, unwanted).await,
                Err(why) => Err(failure(SpawnStep::EnvFiles, why)),
            };
            // Nobody listens any more when the daemon ends.
            let _ = done.send(Prepared { run, launch }).await;
        });
    }

    /// Keeps the order if it has to wait, or gives it back.
    pub fn hold(&mut self, run: RunId, order: Order) -> Option<Order> {
        match self.held.get_mut(&run) {
            Some(held) => {
                held.orders.push(order);
                None
            }
            None => Some(order),
        }
    }

    /// It is not to be launched any more. A hook that runs for it is killed.
    pub fn call_off(&mut self, run: RunId) {
        if let Some(held) = self.held.get_mut(&run) {
            held.wanted = None;
        }
    }

    /// What follows from that; nothing, if it was forgotten meanwhile.
    pub fn end(&mut self, prepared: Prepared) -> Option<Outcome> {
        let Prepared { run, launch } = prepared;
        let Held { orders, wanted } = self.held.remove(&run)?;
        let launch = if wanted.is_some() { launch } else { Err(called_off()) };
        Some(match launch {
            Ok(launch) => Outcome::Orders(std::iter::once(Order::Launch(launch)).chain(orders).collect()),
            Err(failure) => Outcome::Failed(Fact::SpawnFailed { run, failure }),
        })
    }

    /// The brain has taken them for lost, with the keeper that they were for. Their hooks are killed.
    pub fn forget_all(&mut self) {
        self.held.clear();
    }
}

/// Runs the hook that a launch has, for as long as the launch is wanted.
async fn after_its_hook(ready: Ready, unwanted: oneshot::Receiver<()>) -> Result<Box<Launch>, SpawnFailure> {
    let Ready { before, launch } = ready;
    let Some(hook) = before else { return Ok(Box::new(launch)) };
    tokio::select! {
        biased;
        // Nobody sends anything: the other end is dropped.
        _ = unwanted => Err(called_off()),
        ran = hook.run() => match ran {
            Ok(()) => Ok(Box::new(launch)),
            Err(why) => Err(failure(SpawnStep::Hook, why)),
        },
    }
}

fn called_off() -> SpawnFailure {
    failure(SpawnStep::CalledOff, "it was called off".to_owned())
}

fn failure(step: SpawnStep, detail: String) -> SpawnFailure {
    SpawnFailure { step, errno: 0, detail }
}

/// The variables of those files.
///
/// # Errors
/// A sentence with the path.
pub async fn read(files: Vec<PathBuf>) -> Result<BTreeMap<String, String>, String> {
    if files.is_empty() {
        return Ok(BTreeMap::new());
    }
    let shown: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let reading = tokio::task::spawn_blocking(move || env_file::read(&files));
    let unread = |why: &str| Err(format!("the env file {} {why}", shown.join(" or ")));
    match tokio::time::timeout(LIMIT, reading).await {
        Ok(Ok(read)) => read,
        Ok(Err(_)) => unread("could not be read"),
        Err(_) => unread("could not be read within 10 s"),
    }
}

/// The port that a run of that app was given, or else the one that was declared for it, in its
/// definition or in a file. One that it merely inherits is of somebody else.
pub async fn own_port(spec: &AppSpec, given: Option<u16>) -> Option<String> {
    if let Some(port) = given.map(|port| port.to_string()).or_else(|| spec.env.get("PORT").cloned()) {
        return Some(port);
    }
    read(spec.env_sources.files.clone()).await.unwrap_or_default().remove("PORT")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch() -> Launch {
        Launch {
            run: 7,
            process: 0,
            restarts: 0,
            port: None,
            shared: false,
            slot: None,
            local: false,
            program: "/bin/true".into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            cwd: "/".into(),
            out_file: "/out".into(),
            err_file: "/err".into(),
            logs: Default::default(),
            resources: Default::default(),
            keepsake: String::new(),
            awaits: None,
            channel: false,
            notify: false,
            input: false,
        }
    }

    fn ready(launch: Launch) -> Ready {
        Ready { before: None, launch }
    }

    #[tokio::test]
    async fn orders_for_a_run_wait_until_it_was_launched() {
        let (mut preparing, mut out) = Preparing::new();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(".env");
        std::fs::write(&file, "A=1").unwrap();
        preparing.begin(RunId(7), vec![file], |env| Ok(ready(Launch { env, ..launch() })));
        assert!(preparing.hold(RunId(8), Order::KillTree { run: 8 }).is_some());
        assert!(preparing.hold(RunId(7), Order::KillTree { run: 7 }).is_none());
        let outcome = preparing.end(out.recv().await.unwrap());
        let Some(Outcome::Orders(orders)) = outcome else { panic!("no orders") };
        let [Order::Launch(launch), Order::KillTree { run: 7 }] = orders.as_slice() else {
            panic!("{orders:?}")
        };
        assert_eq!(launch.env["A"], "1");
        assert!(preparing.hold(RunId(7), Order::Forget { run: 7 }).is_some());
    }

    #[tokio::test]
    async fn a_file_that_is_gone_is_a_launch_that_failed_unless_it_was_forgotten() {
        let (mut preparing, mut out) = Preparing::new();
        preparing.begin(RunId(7), vec!["/no/such/.env".into()], |_| Ok(ready(launch())));
        let outcome = preparing.end(out.recv().await.unwrap());
        let Some(Outcome::Failed(Fact::SpawnFailed { failure, .. })) = outcome else { panic!("no failure") };
        assert_eq!(failure.detail, "the env file /no/such/.env cannot be read: it does not exist");
        assert_eq!(failure.step, SpawnStep::EnvFiles);
        preparing.begin(RunId(8), vec!["/no/such/.env".into()], |_| Ok(ready(launch())));
        preparing.forget_all();
        assert!(preparing.end(out.recv().await.unwrap()).is_none());
    }
}

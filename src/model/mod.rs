//! The words of the program: what an app is, what is wanted of its processes, what they are
//! doing, and what the world reported about them.
//!
//! Nothing here reads a clock, a file or a socket, and nothing here knows how it is written as
//! JSON or stored on disk: the API's types are in [`crate::wire`], the disk's in
//! [`crate::store`].

pub mod balance;
pub mod depends;
pub mod env_sources;
pub mod event;
pub mod fact;
pub mod goal;
pub mod health;
pub mod hooks;
pub mod ids;
mod labels;
mod listen;
pub mod log_policy;
pub mod log_segment;
pub mod moment;
pub mod name;
pub mod namespaces;
pub mod operation;
pub mod port;
pub mod readiness;
pub mod resources;
pub mod revision;
pub mod role;
pub mod rolling;
pub mod schedule;
pub mod secret_ref;
pub mod signal;
pub mod size;
pub mod spec;
mod spread;
pub mod state;
pub mod watch;

pub use balance::{Balance, BalanceMethod, BalanceMode, Sticky};
pub use depends::{Condition, Dependency, Obstacle, Unmet};
pub use env_sources::EnvSources;
pub use event::{Cause, Event, EventKind, ExitCause};
pub use fact::{End, Fact, SpawnFailure, SpawnStep};
pub use goal::Goal;
pub use health::{Health, HealthCheck, HealthPolicy, Verdict, Vitals};
pub use hooks::{Hook, HookCommand, Hooks};
pub use ids::{AppId, OperationId, Pid, ProcessId, RunId};
pub use labels::{BadLabel, LabelTerm, Labels};
pub use listen::{BadListenMode, ListenMode};
pub use log_policy::{LogPolicy, LogTarget, WhenFull};
pub use moment::Moment;
pub use name::{BadName, Name};
pub use namespaces::Namespaces;
pub use operation::{CutOff, Operation, Standing, Step, Target, Task};
pub use port::{BadPort, Port, PortOwner, PortPlan, TooFewPorts, Want};
pub use readiness::{Readiness, ReadyBy, ReadyPolicy, Remark, Remarks, Sign};
pub use resources::{Resources, RunAs};
pub use revision::{Revision, RevisionCause};
pub use role::Role;
pub use rolling::{RollLimits, RollPolicy, Share};
pub use schedule::Schedule;
pub use signal::Signal;
pub use size::{ByteSize, OverMemory};
pub use spec::{AppSpec, RestartPolicy, StopPolicy};
pub use spread::{BadSpread, Spread};
pub use state::{Reason, Rest, State, Status, in_words};
pub use watch::WatchPolicy;

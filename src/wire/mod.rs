//! The API's types: what travels as JSON between the server and its clients.
//!
//! They are strangers to the domain ([`crate::model`]) and to the disk ([`crate::store`]):
//! `api/convert.rs` introduces them to each other, member by member. Uses nothing else of the
//! program, so a client needs only this.
//!
//! Conventions: times are RFC 3339 in UTC with milliseconds; units are in the names (`_ms`,
//! `_bytes`, `cpu_percent` with 100 = one core); what is not known is absent, never `null`;
//! integers fit into 53 bits; enumerations may grow.

mod alert;
pub mod app;
pub mod audit;
pub mod auth;
mod balance;
pub mod bulk;
mod config;
mod custom;
mod depends;
mod environment;
pub mod event;
mod event_stream;
mod file_watch;
pub mod forward;
pub mod health;
pub mod hooks;
mod listener_settings;
pub mod log;
pub mod log_policy;
pub mod metrics;
pub mod operation;
mod page;
pub mod plan;
pub mod point;
pub mod port;
pub mod problem;
pub mod process;
pub mod request;
pub mod revision;
mod rolling;
mod schedule;
mod secret;
pub mod size;
pub mod span;
pub mod store;
pub mod system;
pub mod token;
pub mod upgrade;
pub mod user;
pub mod verbs;

pub use alert::{
    Alert, AlertAbove, AlertCertificate, AlertChannel, AlertChannelList, AlertDisk, AlertErrored, AlertList,
    AlertLogMatch, AlertNtfy, AlertOperationFailed, AlertRestartLoop, AlertRule, AlertRuleList,
    AlertUnhealthy, AlertWebhook, AlertWhen, NewAlertChannel, NewAlertRule,
};
pub use app::{App, AppList, NewApp, Outcome};
pub use audit::{AuditList, AuditRecord, AuditVerdict, BrokenRecord};
pub use auth::{LoginLink, Role, Whoami};
pub use balance::{Backend, Balance, Balancer};
pub use bulk::{Action, Bulk, BulkAction};
pub use config::{Config, ConfigOrder, ConfigReloaded, ConfigSetting};
pub use custom::{ActionReply, CustomMetric, InputOrder, MessageOrder, TriggerOrder, Triggered};
pub use depends::Dependency;
pub use environment::{EnvOrder, Environment, VariableSource, Variables, VariablesPatch};
pub use event::{Event, EventList};
pub use event_stream::ServerSentEvent;
pub use file_watch::{FileWatch, WatchOrder};
pub use forward::{Forward, ForwardList, ForwardedLog, NewForward};
pub use health::HealthCheck;
pub use hooks::Hooks;
pub use listener_settings::ListenerSettings;
pub use log::{LogControl, LogRecord, Stream};
pub use log_policy::{LogPolicy, LogState, LogsTended, WhenFull};
pub use metrics::{AppMetrics, MetricMark, MetricPoint, Metrics, ProcessMetrics, Spread};
pub use operation::{Operation, OperationItem, OperationList, OperationProgress, Rehearsed, Strategy};
pub use page::More;
pub use plan::{Change, Plan, PlanAction, PlanOrder, PlanStep};
pub use point::{RestorePoint, RestorePointList, Resurrected, ResurrectedApp};
pub use port::{Port, PortList, PortListener, PortReservation};
pub use problem::{FieldError, Problem};
pub use process::{LastExit, Process, ProcessList, Tree};
pub use request::{AccessRecord, Lent, StreamControl};
pub use revision::{Difference, Revision, RevisionDetail, RevisionList, RollbackOrder};
pub use rolling::Rolling;
pub use schedule::{JobRun, JobRunList, Schedule};
pub use secret::{NewSecret, Secret, SecretList};
pub use store::{Store, StoreLoss};
pub use system::{Daemon, Host, Listener, LogSpace, System};
pub use token::{MadeToken, NewToken, Token, TokenList};
pub use upgrade::{Upgrade, UpgradeBegun, UpgradeOrder};
pub use user::{LoggedIn, Login, NewPassword, NewUser, Session, SessionList, User, UserGrant, UserList};
pub use verbs::{InheritedEnv, Reloaded, ScaleOrder, SignalOrder, Then};

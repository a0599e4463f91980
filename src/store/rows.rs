//! What goes into the store and comes out of it, in the program's own words.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{AnswerRow, AuditHead, AuditRow, SessionRow, TokenRow, UserRow};
use crate::model::{AppId, AppSpec, End, Operation, OperationId, ProcessId, Revision, RunId};
use crate::supervisor::Remembered;

use super::RevisionRow;

/// Everything that a starting daemon takes up again; the history stays on disk.
#[derive(Clone, Debug)]
pub struct Saved {
    /// The definitions.
    pub apps: BTreeMap<AppId, Arc<AppSpec>>,
    /// The newest version of each definition.
    pub revisions: BTreeMap<AppId, Arc<Revision>>,
    /// With which version the newest run of each process began, as far as that is known.
    pub revisions_of_runs: BTreeMap<RunId, u64>,
    /// The processes, by id.
    pub processes: Vec<Remembered>,
    /// The first app id that was never given out.
    pub next_app: AppId,
    /// The first process id that was never given out.
    pub next_process: ProcessId,
    /// The first run id that was never reserved.
    pub next_run: RunId,
    /// The first sequence number that no event ever had.
    pub next_event: u64,
    /// Every token that was issued and is not expired yet, revoked ones too.
    pub tokens: Vec<TokenRow>,
    /// Sessions of browsers.
    pub sessions: Vec<SessionRow>,
    /// People with a password.
    pub users: Vec<UserRow>,
    /// Where the audit goes on.
    pub audit: AuditHead,
    /// The newest operations, by id.
    pub operations: Vec<Operation>,
    /// The first operation id that was never given out.
    pub next_operation: OperationId,
    /// Names this installation: 32 random hexadecimal digits, made when the store was.
    pub installation: String,
    /// Small facts about the daemon itself, by name.
    pub settings: BTreeMap<String, String>,
}

/// One thing to write down. Each is idempotent: applied twice it leaves what it leaves once.
#[derive(Clone, Debug)]
pub enum Change {
    /// An app was defined, or defined anew.
    PutApp {
        /// Its id; ids up to it are used up.
        id: AppId,
        /// Its definition.
        spec: Arc<AppSpec>,
    },
    /// The definition of an app has a new version.
    AddRevision(RevisionRow),
    /// An app is gone.
    DropApp(AppId),
    /// A process is new or changed; ids up to its own are used up.
    PutProcess(Remembered),
    /// A process is gone.
    DropProcess(ProcessId),
    /// Run ids below this are used up.
    ReserveRuns(RunId),
    /// Something happened; sequence numbers up to its own are used up.
    AddEvent(EventRow),
    /// A token was issued.
    PutToken(TokenRow),
    /// The token of that `jti` is void, and the sessions that came from it are over.
    RevokeToken(String),
    /// The token of that `jti` is expired and need not be known any more.
    DropToken(String),
    /// A session began, or was used.
    PutSession(SessionRow),
    /// The session of that hash is over.
    DropSession(String),
    /// A user is new or changed.
    PutUser(UserRow),
    /// The user of that name is gone, with the sessions that they opened by password.
    DropUser(String),
    /// Somebody did something, or tried to; sequence numbers up to its own are used up.
    AddAudit(AuditRow),
    /// An operation is new or further; ids up to its own are used up.
    PutOperation(Operation),
    /// An operation is over for long enough.
    DropOperation(OperationId),
    /// A request that may be repeated was begun, or answered.
    PutAnswer(AnswerRow),
    /// The request of that key may be tried anew.
    DropAnswer {
        /// Who asked.
        scope: String,
        /// The key.
        key: String,
    },
    /// A small fact about the daemon itself.
    PutSetting {
        /// Its name.
        name: String,
        /// What it is now.
        value: String,
    },
    /// The small fact of that name is none any more.
    DropSetting(String),
}

/// One line of the history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventRow {
    /// Grows by one with each event, is never reused.
    pub seq: u64,
    /// When: milliseconds of Unix time.
    pub at_ms: u64,
    /// The app. Absent: it happened to pmdaemon itself.
    pub app: Option<AppId>,
    /// The process. Absent: it happened to pmdaemon itself.
    pub process: Option<ProcessId>,
    /// The life it speaks of, if it speaks of one.
    pub run: Option<RunId>,
    /// What happened, as the API's word.
    pub kind: String,
    /// Name of the process at that time, or `pmdaemon`.
    pub name: String,
    /// Its namespace at that time.
    pub namespace: String,
    /// The sentence for people.
    pub detail: String,
    /// How a run ended, if that is what happened.
    pub end: Option<End>,
    /// That end was asked for: by somebody, or by a schedule or the like.
    pub asked: bool,
    /// The revision of the definition that the life was launched with.
    pub revision: Option<u64>,
}

/// Which events there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventSpan {
    /// The oldest `seq` that is kept; the next one, while there is none.
    pub oldest: u64,
    /// The newest that was ever given; 0 before the first.
    pub newest: u64,
}

/// Which events.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EventQuery {
    /// Only those with a greater `seq`.
    pub after: Option<u64>,
    /// Only those with a smaller `seq`.
    pub before: Option<u64>,
    /// Only those of this process.
    pub process: Option<ProcessId>,
    /// Only those of this kind.
    pub kind: Option<String>,
    /// Only those of processes in one of these namespaces.
    pub namespaces: Option<Vec<String>>,
    /// At most so many.
    pub limit: usize,
    /// If there are more than `limit`: the newest of them instead of the oldest.
    pub newest: bool,
}

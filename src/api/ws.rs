//! `/ws`: pushes. Nothing is changed over it.
//!
//! With the subprotocol `pmdaemon.v1` a client subscribes to topics and gets deltas; without one
//! it gets whole lists in the compatible shape (web.md 3.2 and 3.7). Either way a slow reader
//! misses intermediate values, never the present: each push is made from the picture of now.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::access::{Auth, View};
use super::{ApiError, Shared, compat, convert, scope};
use crate::auth::Principal;
use crate::daemon::sampling::LOOKING;
use crate::daemon::view::Snapshot;
use crate::dashboard;
use crate::model::ProcessId;
use crate::wire;

/// Our subprotocol.
const PROTOCOL: &str = "pmdaemon.v1";
/// Changes within this are told together.
const COALESCE: Duration = Duration::from_millis(30);
/// A reader that takes nothing for so long is let go.
const STUCK: Duration = Duration::from_secs(30);
/// We show that we live.
const PING: Duration = Duration::from_secs(20);
/// A client that shows nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// The longest frame that we take.
const MAX_FRAME: usize = 64 * 1024;
/// More changed rows than this are fetched by the client at once.
const MAX_ROWS: usize = 50;

/// Upgrades, after authentication.
pub async fn ws(
    auth: Auth<View>,
    State(api): State<Shared>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        let detail = "this route speaks WebSocket: send an upgrade";
        return ApiError::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", detail).into_response();
    };
    let upgrade = upgrade.max_message_size(MAX_FRAME).max_frame_size(MAX_FRAME).protocols([PROTOCOL]);
    let ours = upgrade.selected_protocol().is_some();
    upgrade.on_upgrade(move |socket| async move {
        let push = Push::new(api, auth.principal, ours, socket);
        push.run().await;
    })
}

/// What a client says.
#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Said {
    Sub {
        id: i64,
        topic: String,
        #[serde(default)]
        html: bool,
    },
    Unsub {
        id: i64,
    },
    Ping,
}

/// What a client gets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Topic {
    Processes { html: bool },
    System,
}

struct Push {
    api: Shared,
    principal: Principal,
    /// Speaks [`PROTOCOL`].
    ours: bool,
    socket: WebSocket,
    topics: BTreeMap<i64, Topic>,
    /// The picture that the client has.
    seen: Seen,
}

/// The last change that was told.
#[derive(Default)]
struct Seen {
    seq: u64,
    structure: u64,
    processes: BTreeMap<ProcessId, u64>,
}

/// The connection is over.
struct Over;

impl Push {
    fn new(api: Shared, principal: Principal, ours: bool, socket: WebSocket) -> Push {
        Push { api, principal, ours, socket, topics: BTreeMap::new(), seen: Seen::default() }
    }

    async fn run(mut self) {
        let _looking = self.api.handle.usages().look();
        let mut changes = self.api.handle.watch();
        changes.mark_unchanged();
        let mut second = interval(LOOKING);
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ping = interval(PING);
        let mut heard = Instant::now();
        self.remember(&scope::snapshot(&self.api, &self.principal));
        if !self.ours && self.compat_list().await.is_err() {
            return;
        }
        loop {
            let done = tokio::select! {
                said = self.socket.recv() => {
                    heard = Instant::now();
                    match said {
                        Some(Ok(message)) => self.hear(message).await,
                        Some(Err(_)) | None => Err(Over),
                    }
                }
                changed = changes.changed() => match changed {
                    Ok(()) => {
                        tokio::time::sleep(COALESCE).await;
                        let now = changes.borrow_and_update().clone();
                        let now = scope::within(now, &self.principal.namespaces);
                        self.tell_changes(&now).await
                    }
                    Err(_) => self.close(1012, "the daemon is ending").await,
                },
                _ = second.tick() => self.tell_figures().await,
                _ = ping.tick() => match heard.elapsed() > SILENCE {
                    true => Err(Over),
                    false => self.send(Message::Ping(bytes::Bytes::new())).await,
                },
            };
            if done.is_err() {
                return;
            }
        }
    }

    async fn hear(&mut self, message: Message) -> Result<(), Over> {
        let text = match message {
            Message::Text(text) => text,
            Message::Close(_) => return Err(Over),
            Message::Ping(_) | Message::Pong(_) | Message::Binary(_) => return Ok(()),
        };
        if !self.ours {
            return Ok(());
        }
        match serde_json::from_str::<Said>(&text) {
            Ok(Said::Sub { id, topic, html }) => self.subscribe(id, &topic, html).await,
            Ok(Said::Unsub { id }) => {
                self.topics.remove(&id);
                Ok(())
            }
            Ok(Said::Ping) => self.say(json!({"t": "pong"})).await,
            Err(e) => self.say(json!({"t": "err", "detail": format!("not understood: {e}")})).await,
        }
    }

    async fn subscribe(&mut self, id: i64, topic: &str, html: bool) -> Result<(), Over> {
        let topic = match topic {
            "processes" => Topic::Processes { html },
            "system" => Topic::System,
            other => {
                let detail = format!("there is no topic {other:?}: use processes or system");
                return self.say(json!({"t": "err", "id": id, "detail": detail})).await;
            }
        };
        if self.topics.len() >= 32 {
            return self.say(json!({"t": "err", "id": id, "detail": "too many subscriptions"})).await;
        }
        self.topics.insert(id, topic);
        match topic {
            // The page has the rows already; what changed since it was made comes with a fetch.
            Topic::Processes { html: true } => self.say(json!({"t": "resync", "id": id})).await,
            Topic::Processes { html: false } => {
                let list = super::processes::list::all(&self.api, &self.principal).await;
                self.say(json!({"t": "snap", "id": id, "seq": self.seen.seq, "items": list})).await
            }
            Topic::System => self.tell_figures().await,
        }
    }

    /// Rows in a new state, or a hint to fetch them all.
    async fn tell_changes(&mut self, now: &Snapshot) -> Result<(), Over> {
        let changed: Vec<_> = now
            .processes
            .values()
            .filter(|view| self.seen.processes.get(&view.id) != Some(&view.seq))
            .cloned()
            .collect();
        let structural = now.structure != self.seen.structure;
        self.remember(now);
        if changed.is_empty() && !structural {
            return Ok(());
        }
        let measured = self.api.handle.usages().latest();
        let rows: Vec<wire::Process> =
            changed.iter().map(|view| convert::process(view, measured.as_deref())).collect();
        if !self.ours {
            if structural {
                return self.compat_list().await;
            }
            for view in &changed {
                let element = compat::jlist::element(view, measured.as_deref());
                self.say(json!({"type": "ProcessUpdate", "data": element})).await?;
            }
            return Ok(());
        }
        for (id, topic) in self.topics.clone() {
            let seq = now.seq;
            let message = match topic {
                Topic::System => continue,
                Topic::Processes { html: true } if structural || rows.len() > MAX_ROWS => {
                    json!({"t": "resync", "id": id, "seq": seq})
                }
                Topic::Processes { html: true } => {
                    let content = dashboard::row_fragments(&rows, &convert::whoami(&self.principal));
                    json!({"t": "h", "id": id, "seq": seq, "content": content})
                }
                Topic::Processes { html: false } => {
                    let ids: Vec<u32> = now.processes.keys().map(|id| id.0).collect();
                    json!({"t": "snap", "id": id, "seq": seq, "items": rows, "ids": ids})
                }
            };
            self.say(message).await?;
        }
        Ok(())
    }

    /// CPU, memory, uptime: once a second.
    async fn tell_figures(&mut self) -> Result<(), Over> {
        if !self.still_allowed() {
            return self.close(4401, "the token or session has ended").await;
        }
        let Some(measured) = self.api.handle.measured().await else { return Err(Over) };
        let host = convert::host(&measured);
        if !self.ours {
            return self.say(json!({"type": "SystemUpdate", "data": host})).await;
        }
        let snapshot = scope::snapshot(&self.api, &self.principal);
        for (id, topic) in self.topics.clone() {
            let data = match topic {
                Topic::System => json!(host),
                Topic::Processes { .. } => snapshot
                    .processes
                    .values()
                    .filter(|view| view.state.pid().is_some())
                    .map(|view| {
                        let row = convert::process(view, Some(&measured));
                        json!([row.id, row.cpu_percent, row.memory_bytes, row.uptime_ms])
                    })
                    .collect(),
            };
            self.say(json!({"t": "m", "id": id, "seq": snapshot.seq, "d": data})).await?;
        }
        Ok(())
    }

    fn still_allowed(&self) -> bool {
        self.api.still_valid(&self.principal).is_ok()
    }

    async fn compat_list(&mut self) -> Result<(), Over> {
        let measured = self.api.handle.usages().latest();
        let snapshot = scope::snapshot(&self.api, &self.principal);
        let list: Vec<Value> = snapshot
            .processes
            .values()
            .map(|view| compat::jlist::element(view, measured.as_deref()))
            .collect();
        self.say(json!({"type": "ProcessList", "data": list})).await
    }

    fn remember(&mut self, now: &Snapshot) {
        self.seen = Seen {
            seq: now.seq,
            structure: now.structure,
            processes: now.processes.iter().map(|(id, view)| (*id, view.seq)).collect(),
        };
    }

    async fn say(&mut self, value: Value) -> Result<(), Over> {
        self.send(Message::text(value.to_string())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Over> {
        match timeout(STUCK, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Over),
            Err(_) => self.close(1013, "this reader is stuck").await,
        }
    }

    async fn close(&mut self, code: u16, reason: &'static str) -> Result<(), Over> {
        let frame = CloseFrame { code, reason: reason.into() };
        let _ = timeout(Duration::from_secs(1), self.socket.send(Message::Close(Some(frame)))).await;
        Err(Over)
    }
}

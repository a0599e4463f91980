//! `/ws`: pushes. Nothing is changed over it.
//!
//! With the subprotocol `pmdaemon.v1` a client subscribes to topics and gets deltas; without one
//! it gets whole lists in the compatible shape (web.md 3.2 and 3.7). Either way a slow reader
//! misses intermediate values, never the present: each push is made from the picture of now. Events,
//! logs and operations are [`feeds`] of their own; figures come with the [`beats`], which are the same for
//! all: `[id, cpu_percent, memory_bytes, uptime_ms]` of each process that runs, at first of all, then of
//! those whose figures are others; what is left out is as it was, and its uptime has gone on.
//!
//! ```text
//!   in   {"op":"sub","id":1,"topic":"processes|system|events|logs|logs:REF|operations|operation:ID",
//!         "after":"…","rate_ms":1000,"html":true}   {"op":"unsub","id":1}   {"op":"ping"}
//!   out  {"t":"snap|m|h|ev|log|resync|err|pong","id":1,"seq":n,…}
//! ```
//!
//! Closed with 4401 when the token or session has ended, 4403 when the user has other rights now, 1012
//! when the daemon is leaving (the reason says when to come again), 1013 when the reader is stuck.

mod beats;
mod feeds;
mod seats;
pub mod topic;

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::stream::{AbortHandle, Abortable, SelectAll};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, interval, timeout};

use super::access::{Auth, View};
use super::scope::Viewer;
use super::{ApiError, Shared, compat, convert, picture, scope};
use crate::auth::{Principal, Via};
use crate::daemon::view::Snapshot;
use crate::dashboard;
use crate::wire;
use beats::Beat;
pub use beats::Beats;
use feeds::Frames;
pub use seats::Seats;
use topic::{Said, Topic, Wish};

/// Our subprotocol.
const PROTOCOL: &str = "pmdaemon.v1";
/// Changes within this are told together.
const COALESCE: Duration = Duration::from_millis(30);
/// A reader that takes nothing for so long is let go: well before its connection is cut off without a
/// word (30 s, [`super::serve`]), so that it can still be told why.
const STUCK: Duration = Duration::from_secs(15);
/// Whoever is stuck learns it when they go on within this.
const LAST_CHANCE: Duration = Duration::from_secs(10);
/// We show that we live.
const PING: Duration = Duration::from_secs(20);
/// A client that shows nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// The longest message that we take ...
const MAX_MESSAGE: usize = 64 * 1024;
/// ... and the longest that is read, to say so. Beyond it the connection is over without a word.
const MAX_READ: usize = 4 * MAX_MESSAGE;
/// More changed rows than this are fetched by the client at once.
const MAX_ROWS: usize = 50;
/// Subscriptions of one socket.
const MAX_TOPICS: usize = 32;
/// ... and of those, logs: each looks into files.
const MAX_LOGS: usize = 8;
/// When to come again after the daemon has left.
const COME_AGAIN: &str = "{\"retry_ms\":1000}";

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
    let upgrade = upgrade.max_message_size(MAX_READ).max_frame_size(MAX_READ).protocols([PROTOCOL]);
    let ours = upgrade.selected_protocol().is_some();
    let Some(seat) = api.sockets.take(&auth.principal.subject) else {
        let detail = format!("{} has {} WebSockets already: close some", auth.principal.subject, seats::MOST);
        return ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_sockets", detail).into_response();
    };
    upgrade.on_upgrade(move |socket| async move {
        let push = Push::new(api, auth.principal, ours, socket);
        push.run().await;
        drop(seat);
    })
}

struct Push {
    api: Shared,
    principal: Principal,
    /// Speaks [`PROTOCOL`].
    ours: bool,
    socket: WebSocket,
    topics: BTreeMap<i64, Topic>,
    feeds: SelectAll<Abortable<Frames>>,
    /// Ends the feed of that subscription.
    ends: BTreeMap<i64, AbortHandle>,
    beats: watch::Receiver<Option<Arc<Beat>>>,
    /// Beats since it began.
    seconds: u64,
    /// The latest beat of which a subscription has all rows.
    told: BTreeMap<i64, u64>,
    /// The picture that the client has.
    seen: Seen,
}

/// The last change that was told.
#[derive(Default)]
struct Seen {
    seq: u64,
    structure: u64,
}

/// The connection is over.
struct Over;

impl Push {
    fn new(api: Shared, principal: Principal, ours: bool, socket: WebSocket) -> Push {
        let (topics, feeds, ends) = (BTreeMap::new(), SelectAll::new(), BTreeMap::new());
        let (beats, told, seen) = (Beats::listen(&api), BTreeMap::new(), Seen::default());
        Push { api, principal, ours, socket, topics, feeds, ends, beats, seconds: 0, told, seen }
    }

    async fn run(mut self) {
        let mut changes = self.api.handle.watch();
        changes.mark_unchanged();
        let mut ping = interval(PING);
        let mut heard = Instant::now();
        let handle = self.api.handle.clone();
        let mut leaving = pin!(handle.leaving());
        self.remember(&scope::snapshot(&self.api, &self.principal));
        if !self.ours && self.compat_list().await.is_err() {
            return;
        }
        loop {
            let done = tokio::select! {
                said = self.socket.recv() => {
                    heard = Instant::now();
                    match said {
                        Some(Ok(Message::Text(text))) if text.len() > MAX_MESSAGE => self.too_long().await,
                        Some(Ok(Message::Binary(bytes))) if bytes.len() > MAX_MESSAGE => self.too_long().await,
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
                    Err(_) => self.close(1012, COME_AGAIN).await,
                },
                () = &mut leaving => self.close(1012, COME_AGAIN).await,
                Some(frame) = self.feeds.next(), if !self.feeds.is_empty() => {
                    self.send(Message::text(frame)).await
                }
                Ok(()) = self.beats.changed() => {
                    self.seconds += 1;
                    let second = self.seconds;
                    self.tell_figures(|_, every| second.is_multiple_of(every)).await
                }
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
            Ok(Said::Sub(wish)) => self.subscribe(wish).await,
            Ok(Said::Unsub { id }) => {
                self.unsubscribe(id);
                Ok(())
            }
            Ok(Said::Ping) => self.say(json!({"t": "pong"})).await,
            Err(e) => self.say(json!({"t": "err", "detail": format!("not understood: {e}")})).await,
        }
    }

    fn unsubscribe(&mut self, id: i64) {
        self.topics.remove(&id);
        self.told.remove(&id);
        self.ends.remove(&id).into_iter().for_each(|end| end.abort());
    }

    async fn subscribe(&mut self, wish: Wish) -> Result<(), Over> {
        let id = wish.id;
        let refuse = |detail: String| json!({"t": "err", "id": id, "detail": detail});
        let topic = match wish.topic() {
            Ok(topic) => topic,
            Err(why) => return self.say(refuse(why)).await,
        };
        self.unsubscribe(id);
        let is_log = |topic: &Topic| matches!(topic, Topic::Logs { .. });
        let logs = self.topics.values().filter(|topic| is_log(topic)).count();
        if self.topics.len() >= MAX_TOPICS || (is_log(&topic) && logs >= MAX_LOGS) {
            let most = format!("{MAX_TOPICS} subscriptions are allowed, {MAX_LOGS} of them logs");
            return self.say(refuse(format!("too many subscriptions: {most}"))).await;
        }
        let viewer = Viewer { api: self.api.clone(), principal: self.principal.clone() };
        match feeds::of(viewer, id, &topic).await {
            Ok(Some(frames)) => {
                let (frames, end) = futures_util::stream::abortable(frames);
                self.ends.insert(id, end);
                self.feeds.push(frames);
            }
            Ok(None) => {}
            Err(why) => return self.say(refuse(why.detail)).await,
        }
        self.topics.insert(id, topic.clone());
        match topic {
            // The page has the rows already; what changed since it was made comes with a fetch.
            Topic::Processes { html: true, picture: Some(picture), .. }
                if picture == picture::name(self.api.handle.snapshot().seq) =>
            {
                Ok(())
            }
            Topic::Processes { html: true, .. } => self.say(json!({"t": "resync", "id": id})).await,
            Topic::Processes { html: false, .. } => {
                let list = super::processes::list::all(&self.api, &self.principal).await;
                self.say(json!({"t": "snap", "id": id, "seq": self.seen.seq, "items": list})).await
            }
            Topic::System { .. } => self.tell_figures(|other, _| other == id).await,
            Topic::Events { .. } | Topic::Logs { .. } | Topic::Operations(_) => Ok(()),
        }
    }

    /// Rows in a new state, or a hint to fetch them all.
    async fn tell_changes(&mut self, now: &Snapshot) -> Result<(), Over> {
        let changed: Vec<_> =
            now.processes.values().filter(|view| view.seq > self.seen.seq).cloned().collect();
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
            for element in compat::jlist::elements(&changed, measured.as_deref()).await {
                self.say(json!({"type": "ProcessUpdate", "data": element})).await?;
            }
            return Ok(());
        }
        for (id, topic) in self.topics.clone() {
            let seq = now.seq;
            let message = match topic {
                Topic::System { .. } | Topic::Events { .. } | Topic::Logs { .. } | Topic::Operations(_) => {
                    continue;
                }
                Topic::Processes { html: true, .. } if structural || rows.len() > MAX_ROWS => {
                    // What is fetched may be older than figures that come meanwhile.
                    self.told.remove(&id);
                    json!({"t": "resync", "id": id, "seq": seq})
                }
                Topic::Processes { html: true, .. } => {
                    let content = dashboard::row_fragments(&rows, &convert::whoami(&self.principal));
                    json!({"t": "h", "id": id, "seq": seq, "content": content})
                }
                Topic::Processes { html: false, .. } => {
                    let ids: Vec<u32> = now.processes.keys().map(|id| id.0).collect();
                    json!({"t": "snap", "id": id, "seq": seq, "items": rows, "ids": ids})
                }
            };
            self.say(message).await?;
        }
        Ok(())
    }

    /// CPU, memory, uptime, to those subscriptions whose turn it is.
    async fn tell_figures(&mut self, is_due: impl Fn(i64, u64) -> bool) -> Result<(), Over> {
        if let Some((code, why)) = self.is_over() {
            return self.close(code, why).await;
        }
        let Some(beat) = self.beats.borrow_and_update().clone() else { return Ok(()) };
        if !self.ours {
            return self.say(json!({"type": "SystemUpdate", "data": beat.host})).await;
        }
        for (id, topic) in self.topics.clone() {
            let data = match topic {
                Topic::Events { .. } | Topic::Logs { .. } | Topic::Operations(_) => continue,
                Topic::System { every } | Topic::Processes { every, .. } if !is_due(id, every) => continue,
                Topic::System { .. } => beat.host_text(),
                Topic::Processes { .. } => {
                    let before = self.told.insert(id, beat.number);
                    beat.text(&self.principal.namespaces, before)
                }
            };
            let text = format!("{{\"t\":\"m\",\"id\":{id},\"seq\":{},\"d\":{data}}}", beat.seq);
            self.send(Message::text(text)).await?;
        }
        Ok(())
    }

    /// Why it is to be closed, if what the client showed does not count any more.
    fn is_over(&self) -> Option<(u16, &'static str)> {
        self.api.still_valid(&self.principal).err()?;
        let accounts = self.api.accounts();
        let Principal { subject, role, namespaces, via } = &self.principal;
        // Tokens never change: they are revoked. The session of a user is as the user was.
        let is_another = |user: &crate::store::UserRow| (user.role, &user.namespaces) != (*role, namespaces);
        match via {
            Via::Session { .. } if accounts.user(subject).is_some_and(is_another) => {
                Some((4403, "this user has other rights now"))
            }
            Via::Session { .. } | Via::Token { .. } | Via::Open { .. } => {
                Some((4401, "the token or session has ended"))
            }
        }
    }

    async fn compat_list(&mut self) -> Result<(), Over> {
        let measured = self.api.handle.usages().latest();
        let snapshot = scope::snapshot(&self.api, &self.principal);
        let views: Vec<_> = snapshot.processes.values().cloned().collect();
        let list = compat::jlist::elements(&views, measured.as_deref()).await;
        self.say(json!({"type": "ProcessList", "data": list})).await
    }

    fn remember(&mut self, now: &Snapshot) {
        self.seen = Seen { seq: now.seq, structure: now.structure };
    }

    async fn say(&mut self, value: Value) -> Result<(), Over> {
        self.send(Message::text(value.to_string())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Over> {
        match timeout(STUCK, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Over),
            Err(_) => {
                tracing::info!("a WebSocket of {} has taken nothing for {STUCK:?}", self.principal.subject);
                self.close_within(LAST_CHANCE, 1013, "this reader is stuck").await
            }
        }
    }

    async fn too_long(&mut self) -> Result<(), Over> {
        self.close(1009, "a message has at most 64 KiB").await
    }

    async fn close(&mut self, code: u16, reason: &'static str) -> Result<(), Over> {
        self.close_within(Duration::from_secs(1), code, reason).await
    }

    /// Goodbye, behind everything that was said before and was not taken yet.
    async fn close_within(&mut self, limit: Duration, code: u16, reason: &'static str) -> Result<(), Over> {
        let frame = CloseFrame { code, reason: reason.into() };
        let said = timeout(limit, self.socket.send(Message::Close(Some(frame)))).await;
        if matches!(said, Ok(Ok(()))) {
            // Closed with something unread, the connection would be reset, and the goodbye lost.
            let answered = async { while let Some(Ok(_)) = self.socket.recv().await {} };
            let _ = timeout(limit, answered).await;
        }
        Err(Over)
    }
}

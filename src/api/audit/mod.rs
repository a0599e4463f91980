//! Who did what: each request that changes something leaves one record, whether it was done or
//! refused, and so does each login that fails and each answer of 403.
//!
//! ```text
//!   request ─▶ keep ─▶ router ─▶ Auth (by whom) ─▶ handler (about what) ─▶ status
//!               └────────────── Note ──────────────┘                          │
//!               ◀──────────── recorded, then answered ◀───────────────────────┘
//! ```
//!
//! Whoever does not wait for the answer leaves one, too.
//!
//! The action is the route, so a new route is recorded without a word. A record has names and never
//! values: no body, no query, no header. Attempts that were throttled, and requests without any
//! credential, leave none: strangers must not be able to fill the table.

mod chain;
pub mod list;
mod note;
pub mod verify;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::oneshot;

use super::arrival::Arrival;
use super::password::Source;
use super::{Shared, naming};
use crate::daemon::clock;
use crate::store::AuditRow;

pub use chain::Chain;
pub use note::Note;
use note::Said;

/// In the place of a status: whoever asked did not wait for the answer. (No standard has a word for
/// it; this is the number that nginx gave it.)
const HUNG_UP: u16 = 499;

/// The middleware around every route.
pub async fn keep(State(api): State<Shared>, mut request: Request, next: Next) -> Response {
    let note = Note::default();
    request.extensions_mut().insert(note.clone());
    let mut begun = Begun {
        api,
        note,
        method: request.method().clone(),
        route: request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()),
        path: request.uri().path().to_owned(),
        source: Source::of(request.extensions().get::<Arrival>().copied()),
        id: naming::request_id().unwrap_or_default(),
        answered: false,
    };
    let response = next.run(request).await;
    begun.answered = true;
    if let Some(row) = begun.row(response.status().as_u16()) {
        let (written, wait) = oneshot::channel();
        append(&begun.api, row, move || _ = written.send(()));
        // Recorded before answered: a crash in between must not hide what was done. The store answers
        // in any case, or is gone.
        let _ = wait.await;
    }
    response
}

/// A request that is being answered. Dropped before, because its client is gone, it leaves its record
/// all the same: nobody hides what they have done by hanging up.
struct Begun {
    api: Shared,
    note: Note,
    method: Method,
    route: Option<String>,
    path: String,
    source: Source,
    id: String,
    answered: bool,
}

impl Drop for Begun {
    fn drop(&mut self) {
        if !self.answered
            && let Some(row) = self.row(HUNG_UP)
        {
            append(&self.api, row, || {});
        }
    }
}

impl Begun {
    /// The record, if it is to leave one.
    fn row(&self, status: u16) -> Option<AuditRow> {
        let (route, said) = (self.route.as_deref()?, self.note.said()?);
        let changes = !matches!(self.method, Method::GET | Method::HEAD | Method::OPTIONS);
        let of_interest = (changes && !said.changes_nothing) || status == StatusCode::FORBIDDEN;
        if !of_interest || status == StatusCode::TOO_MANY_REQUESTS {
            return None;
        }
        let (action, named) = action(&self.method, route, &self.path);
        let Said { principal, via, target, changes_nothing: _ } = said;
        let target = clean(&target.unwrap_or(named));
        tracing::info!(op = action, target = target, status, "{action} {target}: {status}");
        Some(AuditRow {
            seq: 0,
            at_ms: clock::unix_ms(),
            principal: clean(&principal),
            via: via.to_owned(),
            source: self.source.0.map_or_else(|| "local".to_owned(), |address| address.to_string()),
            action,
            target,
            status,
            request_id: self.id.clone(),
            hash: String::new(),
        })
    }
}

/// Hands a record to the store. While nothing can be written it waits in memory with everything else.
fn append(api: &Shared, row: AuditRow, done: impl FnOnce() + Send + 'static) {
    api.audit().append(row, |change| {
        api.handle.recorder().keep_then(vec![change], move |saved| {
            if let Err(e) = &saved {
                tracing::warn!("a record of the audit is not saved yet: {e}");
            }
            done();
        });
    });
}

/// The longest name in a record.
const LONGEST: usize = 256;

/// A record is one line, whatever somebody is called (web.md 4.3, row 28).
fn clean(text: &str) -> String {
    text.chars().take(LONGEST).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// What a request does, and to what, by its route: the words of the path, and what stands in the
/// place of its parameters.
fn action(method: &Method, route: &str, path: &str) -> (String, String) {
    let (mut words, mut named) = (Vec::new(), Vec::new());
    let mut ends_with_name = false;
    for (of_route, of_path) in route.split('/').zip(path.split('/')) {
        match of_route.strip_prefix('{') {
            // The buttons of a page.
            Some("verb}" | "what}") => words.push(of_path),
            Some(_) => named.push(of_path),
            None if matches!(of_route, "" | "api" | "v1") => {}
            // The form of a page.
            None if of_route == "new" => words.push("create"),
            None => words.push(of_route),
        }
        ends_with_name = of_route.starts_with('{') && !matches!(of_route, "{verb}" | "{what}");
    }
    let verb = match *method {
        Method::POST
            if words.len() == 1 && named.is_empty() && !matches!(words[0], "login" | "logout" | "bulk") =>
        {
            Some("create")
        }
        Method::PUT if ends_with_name => Some("update"),
        Method::PATCH => Some("update"),
        Method::DELETE => Some("delete"),
        Method::GET => Some("read"),
        _ => None,
    };
    words.extend(verb);
    (words.join("."), named.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_action_is_the_route_and_the_target_what_is_named_in_it() {
        let check = |method: &str, route: &str, path: &str, wanted: (&str, &str)| {
            let (action, target) = action(&method.parse().unwrap(), route, path);
            assert_eq!((action.as_str(), target.as_str()), wanted, "{method} {route}");
        };
        check("POST", "/api/v1/apps", "/api/v1/apps", ("apps.create", ""));
        check("PUT", "/api/v1/apps/{ref}", "/api/v1/apps/web", ("apps.update", "web"));
        check("DELETE", "/api/v1/apps/{ref}", "/api/v1/apps/shop:web", ("apps.delete", "shop:web"));
        check("POST", "/api/v1/apps/{ref}/stop", "/api/v1/apps/web/stop", ("apps.stop", "web"));
        check("PUT", "/api/v1/apps/{ref}/scale", "/api/v1/apps/web/scale", ("apps.scale", "web"));
        check("DELETE", "/api/v1/apps/{ref}/logs", "/api/v1/apps/web/logs", ("apps.logs.delete", "web"));
        check("POST", "/apps/{ref}/{verb}", "/apps/web/restart", ("apps.restart", "web"));
        check("POST", "/apps/new", "/apps/new", ("apps.create", ""));
        check("POST", "/bulk", "/bulk", ("bulk", ""));
        check("POST", "/api/v1/tokens", "/api/v1/tokens", ("tokens.create", ""));
        check("DELETE", "/api/v1/tokens/{id}", "/api/v1/tokens/ci", ("tokens.delete", "ci"));
        check("POST", "/api/v1/auth/login", "/api/v1/auth/login", ("auth.login", ""));
        check("POST", "/login", "/login", ("login", ""));
        check("POST", "/login/once", "/login/once", ("login.once", ""));
        check("POST", "/api/v1/system/shutdown", "/api/v1/system/shutdown", ("system.shutdown", ""));
        check("GET", "/api/v1/system/log", "/api/v1/system/log", ("system.log.read", ""));
        check("POST", "/api/processes", "/api/processes", ("processes.create", ""));
    }

    #[test]
    fn a_record_is_one_line_of_a_bounded_length() {
        assert_eq!(clean("a\r\nb\u{1b}[31m"), "a\u{fffd}\u{fffd}b\u{fffd}[31m");
        assert_eq!(clean(&"x".repeat(10_000)).len(), LONGEST);
    }
}

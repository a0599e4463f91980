//! `ETag`, `If-Match`, `If-None-Match`: which version of a definition somebody speaks of.
//!
//! The tag of an app names its id and the version of its definition: `"3.7"`. It says nothing of
//! what its processes do, which changes without anybody changing the app.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use sha2::{Digest, Sha256};

use super::{ApiError, Shared};
use crate::daemon::revisions::Expected;
use crate::daemon::view::ProcessView;

/// The tag of the app of this process.
pub fn tag(view: &ProcessView) -> String {
    format!("\"{}.{}\"", view.app.0, number(view))
}

/// The version of the definition of the app of this process.
pub fn number(view: &ProcessView) -> u64 {
    view.revision.as_ref().map_or(0, |revision| revision.number)
}

/// What somebody says about the version that they know.
pub struct Conditions {
    matches: Option<String>,
    none_matches: Option<String>,
}

impl FromRequestParts<Shared> for Conditions {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, ApiError> {
        Ok(Conditions {
            matches: joined(&parts.headers, &header::IF_MATCH)?,
            none_matches: joined(&parts.headers, &header::IF_NONE_MATCH)?,
        })
    }
}

impl Conditions {
    /// It has to be that version still.
    pub fn matching(tag: &str) -> Conditions {
        Conditions { matches: Some(tag.to_owned()), none_matches: None }
    }

    /// The version that this process is of now.
    pub fn present(view: &ProcessView) -> Expected {
        Expected { app: view.app, number: number(view) }
    }

    /// What has to be so still when the definition is changed. Nothing, without `If-Match` or with
    /// `If-Match: *`.
    ///
    /// # Errors
    /// 412 when it is another version already.
    pub fn expected(&self, view: &ProcessView) -> Result<Option<Expected>, ApiError> {
        match self.matches.as_deref() {
            None | Some("*") => Ok(None),
            Some(tags) if has(tags, &tag(view)) => Ok(Some(Conditions::present(view))),
            Some(tags) => Err(other_revision(number(view), tags)),
        }
    }

    /// As [`expected`](Self::expected), where one has to say what one has seen.
    ///
    /// # Errors
    /// 428 when nothing is said; 412 when it is another version already.
    pub fn expected_by_all(&self, view: &ProcessView) -> Result<Option<Expected>, ApiError> {
        if self.matches.is_none() {
            return Err(ApiError::new(
                StatusCode::PRECONDITION_REQUIRED,
                "if_match_required",
                "say which version of the definition this is to replace: send If-Match with the ETag that \
                 GET answered, or If-Match: * for any",
            ));
        }
        self.expected(view)
    }

    /// That something else than a definition has this tag still, which has to be said. Answers whether any is
    /// right (`*`).
    ///
    /// # Errors
    /// 428 when nothing is said; 412 when it has another tag already.
    pub fn is_tag(&self, tag: &str) -> Result<bool, ApiError> {
        match self.matches.as_deref() {
            Some("*") => Ok(true),
            Some(tags) if has(tags, tag) => Ok(false),
            Some(_) => Err(ApiError::new(
                StatusCode::PRECONDITION_FAILED,
                "changed_meanwhile",
                "somebody changed it meanwhile, and nothing was done: get it again and decide anew",
            )),
            None => Err(ApiError::new(
                StatusCode::PRECONDITION_REQUIRED,
                "if_match_required",
                "say what this is to replace: send If-Match with the ETag that GET answered, or If-Match: * for any",
            )),
        }
    }

    /// Whoever asks has this version already.
    pub fn has_already(&self, tag: &str) -> bool {
        match self.none_matches.as_deref() {
            None => false,
            // The weak comparison that this header wants.
            Some(tags) => tags == "*" || has(&tags.replace("W/\"", "\""), tag),
        }
    }
}

/// A tag for what has no number: by its content.
pub fn opaque(content: &[u8]) -> String {
    let hash: String = Sha256::digest(content).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hash}\"")
}

fn has(tags: &str, tag: &str) -> bool {
    tags.split(',').any(|one| one.trim() == tag)
}

fn joined(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, ApiError> {
    let mut all = Vec::new();
    for value in headers.get_all(name) {
        let text = value.to_str().map(str::trim);
        let is_tag = |tag: &str| {
            let tag = tag.trim();
            let opaque = tag.strip_prefix("W/").unwrap_or(tag);
            // An empty member of a list is none (RFC 9110, section 5.6.1).
            tag.is_empty() || opaque.len() >= 2 && opaque.starts_with('"') && opaque.ends_with('"')
        };
        match text {
            Ok(text) if text == "*" || text.split(',').all(is_tag) => all.push(text.to_owned()),
            Ok(_) | Err(_) => {
                let detail = format!("{name} takes entity tags in quotes, such as \"3.7\", or *");
                return Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_header", detail));
            }
        }
    }
    Ok((!all.is_empty()).then(|| all.join(", ")))
}

/// 412: somebody else has changed it.
pub fn other_revision(is: u64, expected: &str) -> ApiError {
    let expected = if expected.is_empty() { "none" } else { expected };
    let detail = format!(
        "the definition is at revision {is}, not at {expected}: somebody changed it meanwhile. Nothing was \
         done; get it again and decide anew"
    );
    ApiError::new(StatusCode::PRECONDITION_FAILED, "other_revision", detail)
}

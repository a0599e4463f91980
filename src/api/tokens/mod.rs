//! `/api/v1/tokens`: made, listed, revoked. A deployer's token is a shell as the user that its apps
//! run as; an admin's is one as the daemon's.

pub mod create;
pub mod list;
pub mod revoke;

use axum::http::StatusCode;

use crate::api::{Api, ApiError, convert};
use crate::auth::{Accounts, Principal, Right};
use crate::model::{Namespaces, Role};
use crate::store::{Change, TokenRow};
use crate::wire;

/// Names that speak for nobody else.
pub(super) const RESERVED: [&str; 3] = ["local", "no-auth", "pmdaemon"];

/// Whether `principal` may see and end that token: their own, or all of them.
fn may_manage(principal: &Principal, row: &TokenRow) -> bool {
    principal.may(Right::Admin)
        || row.subject == principal.subject
        || row.made_by.as_ref() == Some(&principal.subject)
}

fn not_found(id: &str) -> ApiError {
    let detail = format!("there is no token {id:?} that counts: pmdaemon token list shows which there are");
    ApiError::new(StatusCode::NOT_FOUND, "token_not_found", detail)
}

/// The token that `mint` makes, and what it says. Recorded before answered: a token that was shown
/// counts also when the daemon dies.
///
/// # Errors
/// Those of `mint`; or that it cannot be written down, and does not count.
pub(super) async fn made(
    api: &Api,
    mint: impl FnOnce(&mut Accounts) -> Result<(String, Change), ApiError>,
) -> Result<(String, wire::Token), ApiError> {
    let make = |accounts: &mut Accounts| match mint(accounts)? {
        (secret, Change::PutToken(row)) => Ok(((secret, show(&row)), Change::PutToken(row))),
        (_, other) => Err(ApiError::internal(&format!("what was made is no token: {other:?}"))),
    };
    api.record(make, |accounts, (_, token)| drop(accounts.revoke(&token.id))).await
}

/// A token, as it is shown.
fn show(row: &TokenRow) -> wire::Token {
    wire::Token {
        id: row.jti.clone(),
        name: row.subject.clone(),
        role: convert::role(row.role),
        namespaces: row.namespaces.words(),
        made_by: row.made_by.clone(),
        created_at: convert::time(row.created_at_ms),
        expires_at: convert::time(row.expires_at_ms),
        last_used_at: row.last_used_ms.map(convert::time),
    }
}

/// What is asked for, if whoever asks may give it away: no more than they have.
///
/// # Errors
/// 422 for a word that is no namespace, 403 for more than they have.
pub(super) fn grantable(
    principal: &Principal,
    role: wire::Role,
    namespaces: Option<&[String]>,
) -> Result<(Role, Namespaces), ApiError> {
    let role = convert::model_role(role);
    let namespaces = match namespaces {
        None => principal.namespaces.clone(),
        Some([]) => {
            let detail = "namespaces is empty: name at least one, or leave it out for all that you may";
            return Err(ApiError::member("/namespaces", detail));
        }
        Some(words) => Namespaces::parse(words.iter().map(String::as_str))
            .map_err(|bad| ApiError::member("/namespaces", bad.to_string()))?,
    };
    if role > principal.role || !principal.namespaces.cover(&namespaces) {
        let detail = format!(
            "{} is {} in {} and cannot give away more than that",
            principal.subject,
            principal.role,
            principal.namespaces.words().join(", ")
        );
        return Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden", detail));
    }
    Ok((role, namespaces))
}

//! People, and the browsers that they are logged in with.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{More, Role, Token};

/// Somebody who logs in with a password.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// The name to log in with.
    #[schema(example = "alice")]
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Where they may; `*` is everywhere.
    pub namespaces: Vec<String>,
    /// Since when.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// False: they cannot log in before they are given a password.
    pub has_password: bool,
}

/// The users.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UserList {
    /// By name.
    pub items: Vec<User>,
    /// What there is beyond them.
    #[serde(flatten)]
    pub more: More,
}

/// A user to be added.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The name to log in with: 1 to 64 letters, digits, `.`, `_` or `-`.
    #[schema(example = "alice", pattern = "^[A-Za-z_][A-Za-z0-9._-]{0,63}$")]
    pub name: String,
    /// 12 to 256 characters.
    #[schema(format = Password)]
    pub password: String,
    /// What they may do.
    pub role: Role,
    /// Where they may. Default: everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_items = 1)]
    pub namespaces: Option<Vec<String>>,
}

/// Another role for a user, or other namespaces.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserGrant {
    /// What they may do from now on.
    pub role: Role,
    /// Where they may. Default: everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_items = 1)]
    pub namespaces: Option<Vec<String>>,
}

/// Another password.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// 12 to 256 characters.
    #[schema(format = Password)]
    pub password: String,
    /// The present one. Not needed by an admin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = Password)]
    pub current: Option<String>,
}

/// Name and password, for a token.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The name of the user.
    #[schema(example = "alice")]
    pub user: String,
    /// Their password.
    #[schema(format = Password)]
    pub password: String,
}

/// What a login gives: a token of 30 days that speaks for the user.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LoggedIn {
    /// What to send as `Authorization: Bearer …`.
    pub secret: String,
    /// What is known of it.
    pub token: Token,
}

/// A browser that is logged in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// To end it by. Nobody gets in with it.
    pub id: String,
    /// Whose it is.
    pub subject: String,
    /// What it allows.
    pub role: Role,
    /// Where it allows that; `*` is everywhere.
    pub namespaces: Vec<String>,
    /// `password`, or the name of the token that it came from and ends with.
    pub from: String,
    /// The origin that it is for.
    #[schema(example = "http://127.0.0.1:9615")]
    pub origin: String,
    /// Its begin.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Its latest use, to about a minute.
    #[schema(format = DateTime)]
    pub last_seen_at: String,
    /// It is over then, used or not.
    #[schema(format = DateTime)]
    pub expires_at: String,
}

/// The sessions that count.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionList {
    /// The oldest first.
    pub items: Vec<Session>,
    /// What there is beyond them.
    #[serde(flatten)]
    pub more: More,
}

macro_rules! silent {
    ($($name:ident),+) => {
        $(
            /// Written by hand: a password must not get into a log.
            impl std::fmt::Debug for $name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str(concat!(stringify!($name), "(…)"))
                }
            }
        )+
    };
}

silent!(NewUser, NewPassword, Login);

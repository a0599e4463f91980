//! Who is asking, or why nobody knows.

use std::net::SocketAddr;

use super::Right;
use crate::model::{Namespaces, Role};

/// Somebody whose credential was verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Principal {
    /// Name, for the audit.
    pub subject: String,
    /// What they may do.
    pub role: Role,
    /// Where they may.
    pub namespaces: Namespaces,
    /// How they showed it.
    pub via: Via,
}

/// What is given to somebody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// To whom.
    pub subject: String,
    /// What they may do.
    pub role: Role,
    /// Where they may.
    pub namespaces: Namespaces,
}

impl Grant {
    /// A role in every namespace.
    pub fn everywhere(subject: &str, role: Role) -> Grant {
        Grant { subject: subject.to_owned(), role, namespaces: Namespaces::All }
    }
}

/// The credential, by what identifies its row; never the credential itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Via {
    /// A token.
    Token {
        /// Its id.
        jti: String,
    },
    /// The session of a browser.
    Session {
        /// Hash of its id.
        id_hash: String,
    },
    /// None: the request came to an address whose authentication is switched off.
    Open {
        /// That address.
        address: SocketAddr,
    },
}

impl Principal {
    /// Whoever reaches an address without authentication.
    pub fn without_credential(address: SocketAddr) -> Principal {
        let Grant { subject, role, namespaces } = Grant::everywhere("no-auth", Role::Admin);
        Principal { subject, role, namespaces, via: Via::Open { address } }
    }

    /// Whether they have that right: anywhere, or for the installation everywhere.
    pub fn may(&self, right: Right) -> bool {
        let where_it_counts = match right {
            Right::Admin => self.namespaces == Namespaces::All,
            Right::View
            | Right::LogsRead
            | Right::AppOperate
            | Right::AppWrite
            | Right::AppDelete
            | Right::LogsWrite
            | Right::EnvRead => true,
        };
        self.role.may(right) && where_it_counts
    }
}

/// Nobody was recognised: 401, with a sentence that says what to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// There was no credential.
    #[error(
        "authentication is needed: send the token that `pmdaemon token` prints, as `Authorization: Bearer TOKEN`"
    )]
    Missing,
    /// It is none of ours by its form or signature.
    #[error("the credential is not a token of this installation: get one with `pmdaemon token`")]
    Malformed,
    /// Its time is over.
    #[error("the token or session has expired: get a new token with `pmdaemon token`, or log in again")]
    Expired,
    /// Somebody ended it early.
    #[error("the token or session was revoked: get a new token with `pmdaemon token`, or log in again")]
    Revoked,
    /// This daemon does not know it.
    #[error("the token or session is not known here: get a token with `pmdaemon token`, or log in again")]
    Unknown,
}

impl Refused {
    /// The stable code of the API's problem document.
    pub fn code(self) -> &'static str {
        match self {
            Refused::Missing => "credential_missing",
            Refused::Malformed => "credential_malformed",
            Refused::Expired => "credential_expired",
            Refused::Revoked => "credential_revoked",
            Refused::Unknown => "credential_unknown",
        }
    }
}

//! Tokens: JWTs, signed with HS256 and nothing else, with exactly the header that we write.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};

use super::{Refused, SigningKey};
use crate::store::TokenRow;

/// Who the tokens are for.
const AUDIENCE: &str = "pmdaemon";

/// What a token says. No field is optional: the library's list of required claims knows only
/// some of them and silently ignores the other names, a missing field it cannot ignore.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) sub: String,
    pub(super) role: String,
    pub(super) namespaces: Vec<String>,
    pub(super) jti: String,
    /// Seconds of Unix time, as `exp`.
    pub(super) iat: u64,
    pub(super) exp: u64,
}

impl Claims {
    /// The claims of the token that `row` is about.
    pub(super) fn new(installation: &str, row: &TokenRow) -> Claims {
        Claims {
            iss: installation.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: row.subject.clone(),
            role: row.role.as_str().to_owned(),
            namespaces: row.namespaces.words(),
            jti: row.jti.clone(),
            iat: row.created_at_ms / 1000,
            exp: row.expires_at_ms / 1000,
        }
    }
}

/// The header of every token.
fn header() -> Header {
    Header::new(Algorithm::HS256)
}

/// The token that says `claims`.
pub(super) fn sign(key: &SigningKey, claims: &Claims) -> String {
    jsonwebtoken::encode(&header(), claims, &key.encoding)
        .expect("claims are plain JSON and the key is of the algorithm's kind")
}

/// The claims of `jwt`, if we signed it. Whether they count is for its row to say.
pub(super) fn read(key: &SigningKey, jwt: &str) -> Result<Claims, Refused> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = 0;
    // The claims are compared with the row, the end with the caller's clock: not by the library.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let token = jsonwebtoken::decode::<Claims>(jwt, &key.decoding, &validation).map_err(|error| {
        match error.kind() {
            // The usual case for people: a token of another home.
            ErrorKind::InvalidSignature => Refused::Unknown,
            // The library's enum is open; whatever it is, it is no token of ours.
            _ => Refused::Malformed,
        }
    })?;
    // `kid`, `jku`, `jwk`, `x5u`, `crit`: we write none, so nobody has to know what they would mean.
    if token.header == header() { Ok(token.claims) } else { Err(Refused::Malformed) }
}

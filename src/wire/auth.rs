//! Who may do what.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a token or session allows. Each role may do what the ones before it may.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// See everything but values of environments; read logs.
    Viewer,
    /// Start, stop, restart.
    Operator,
    /// Define and delete apps. That is a shell as the user that the apps run as.
    Deployer,
    /// Everything.
    Admin,
}

/// The principal of this request.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Whoami {
    /// Its name.
    pub subject: String,
    /// Its role.
    pub role: Role,
    /// Where it has that role; `*` is everywhere.
    #[serde(default)]
    pub namespaces: Vec<String>,
}

/// A link that logs a browser in, once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LoginLink {
    /// Path with the code; put the address in front that the browser uses.
    #[schema(example = "/login/once?code=…")]
    pub path: String,
    /// It is void after this.
    pub expires_in_ms: i64,
}

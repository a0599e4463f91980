//! `/api/v1/sessions`: browsers that are logged in.

pub mod end;
pub mod list;

use crate::auth::{Principal, Right};
use crate::store::SessionRow;

/// What a session is named by: enough of its hash to be the only one.
fn id(row: &SessionRow) -> &str {
    &row.id_hash[..16]
}

fn may_manage(principal: &Principal, row: &SessionRow) -> bool {
    principal.may(Right::Admin) || row.subject == principal.subject
}

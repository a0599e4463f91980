//! `/api/v1/secrets`: values that are kept encrypted, and given to programs when they start.

pub mod list;
pub mod remove;
pub mod set;

use std::collections::BTreeSet;

use super::ApiError;
use crate::daemon::view::Snapshot;
use crate::model::Name;
use crate::model::secret_ref::{Piece, pieces};

/// Namespace and name.
fn parsed(namespace: &str, name: &str) -> Result<(Name, Name), ApiError> {
    let namespace = Name::parse(namespace).map_err(|e| ApiError::member("/namespace", e.to_string()))?;
    let name = Name::parse(name).map_err(|e| ApiError::member("/name", e.to_string()))?;
    Ok((namespace, name))
}

/// The apps of a namespace that refer to a secret, by name.
fn users(snapshot: &Snapshot, namespace: &Name, name: &Name) -> Vec<String> {
    let refers = |value: &String| {
        let pieces = pieces(value).unwrap_or_default();
        pieces.iter().any(|piece| matches!(piece, Piece::Secret(it) if it.name == *name))
    };
    let specs = snapshot.processes.values().map(|view| &view.spec);
    let of_it = specs.filter(|spec| spec.namespace == *namespace && spec.env.values().any(refers));
    let names: BTreeSet<String> = of_it.map(|spec| spec.name.to_string()).collect();
    names.into_iter().collect()
}

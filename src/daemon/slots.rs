//! Up to when the slots of schedules are done with, as the store keeps it: one small fact for each
//! app.

use std::collections::BTreeMap;

use crate::model::AppId;
use crate::store::Change;

/// What is before the number of the app.
const SLOT: &str = "slot ";

/// The slots of that app are done with, up to that time in milliseconds since 1970.
pub(super) fn considered(app: AppId, at_ms: u64) -> Change {
    Change::PutSetting { name: name(app), value: at_ms.to_string() }
}

/// The app is gone.
pub(super) fn forgotten(app: AppId) -> Change {
    Change::DropSetting(name(app))
}

/// What an earlier daemon had considered.
pub(super) fn remembered(settings: &BTreeMap<String, String>) -> BTreeMap<AppId, u64> {
    let slot = |(name, value): (&String, &String)| {
        Some((AppId(name.strip_prefix(SLOT)?.parse().ok()?), value.parse().ok()?))
    };
    settings.iter().filter_map(slot).collect()
}

fn name(app: AppId) -> String {
    format!("{SLOT}{}", app.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_considered_comes_back() {
        let Change::PutSetting { name, value } = considered(AppId(7), 1_700_000_000_000) else { panic!() };
        let others = [("boot".to_owned(), "x".to_owned()), ("slot x".to_owned(), "1".to_owned())];
        let settings = others.into_iter().chain([(name, value)]).collect();
        assert_eq!(remembered(&settings), [(AppId(7), 1_700_000_000_000)].into());
    }
}

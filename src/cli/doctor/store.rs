//! What is saved: can it be written, is there a copy, was it ever damaged?

use super::{Finding, Level};
use crate::wire::Store;

/// What the daemon says of its store.
pub fn all(store: &Store) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(detail) = &store.detail {
        let told = format!("nothing can be saved, so changes are refused: {detail}");
        let remedy = "services go on; saving begins again by itself";
        findings.push(Finding::bad(Level::Serious, "store", told, remedy));
    }
    if let Some(loss) = &store.loss {
        let remedy = format!("check pmdaemon list; when nothing is missing, remove {}", loss.kept);
        let told = format!("{}: {}", loss.at, loss.detail);
        findings.push(Finding::bad(Level::Warning, "store", told, remedy));
    }
    let copies = match (&store.last_copy_at, store.copies) {
        (None, _) => "it has no copy yet; the first is made a few seconds after the first change".to_owned(),
        (Some(at), 1) => format!("it has a copy, made {at}"),
        (Some(at), copies) => format!("it has {copies} copies, the last made {at}"),
    };
    findings.push(Finding::ok("store", copies));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::StoreLoss;

    #[test]
    fn a_full_disk_is_serious_and_an_old_damage_is_told_until_its_file_is_removed() {
        let levels = |store: &Store| all(store).iter().map(|finding| finding.level).collect::<Vec<_>>();
        let mut store = Store { status: "ok".into(), ..Store::default() };
        assert_eq!(levels(&store), [Level::Ok]);
        store.detail = Some("the disk is full: free some space".into());
        assert_eq!(levels(&store), [Level::Serious, Level::Ok]);
        store.detail = None;
        store.loss =
            Some(StoreLoss { at: "t".into(), detail: "damaged".into(), kept: "/h/store.db.damaged".into() });
        let found = all(&store);
        assert_eq!(found[0].level, Level::Warning);
        assert!(found[0].remedy.as_ref().unwrap().ends_with("remove /h/store.db.damaged"));
    }
}

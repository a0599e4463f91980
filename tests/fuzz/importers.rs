//! Ecosystem files in every format, and dumps of PM2.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pmdaemon::api::convert;
use pmdaemon::ecosystem::text::{Format, parse};
use pmdaemon::ecosystem::{Around, Document, declared, read_dump};
use pmdaemon::model::Name;
use pmdaemon::wire::NewApp;

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for format in [Format::Json, Format::Yaml, Format::Toml] {
        for env in [None, Some("production")] {
            if let Ok(value) = parse(text, format) {
                document(&Document { name: "file".to_owned(), value, is_package: env.is_some() }, env);
            }
        }
    }
    if let Ok(dump) = read_dump("dump", text, &BTreeMap::new()) {
        document(&dump.document, None);
    }
}

fn document(document: &Document, env: Option<&str>) {
    let around =
        Around { cwd: Some(Path::new("/srv")), cpus: 2, env, only: &[], inherited: Some(BTreeMap::new()) };
    let declared = match declared(document, &around) {
        Ok(declared) => declared,
        Err(unusable) => {
            assert!(unusable.0.starts_with(&document.name), "{unusable}");
            return;
        }
    };
    assert!(!declared.apps.is_empty());
    let mut names = BTreeSet::new();
    for app in declared.apps {
        assert!(names.insert((app.name.clone(), app.namespace.clone())), "{names:?}");
        // It goes over the line to the daemon, and is understood there the same.
        let sent = serde_json::to_string(&app).expect("it can be sent");
        let heard: NewApp = serde_json::from_str(&sent).expect("it is understood");
        assert_eq!(serde_json::to_string(&heard).expect("it can be sent"), sent);
        if let Ok(draft) = convert::draft(heard, Path::new("/srv")) {
            assert!(Name::parse(draft.namespace.as_str()).is_ok() && draft.cwd.is_absolute(), "{sent}");
        }
    }
}

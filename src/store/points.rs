//! Restore points: what was defined and what ran at some moment, kept under a name, to be brought
//! back (acceptance row J26).
//!
//! `points/NAME.json`, a file each and not rows of the store: so they outlive that, too. As secret
//! as it, since the environment of apps is in them: 0600 in a home of 0700. Each is written beside
//! its place and synced before it gets its name, so a point is whole or is the one from before.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::format::StoredSpec;
use super::open::sync_directory;
use super::room;
use crate::model::{AppSpec, Name};

/// Where the points are.
#[derive(Clone, Debug)]
pub struct Points(PathBuf);

/// What there was at some moment.
#[derive(Clone, PartialEq, Debug)]
pub struct Point {
    /// When: milliseconds of Unix time.
    pub at_ms: u64,
    /// The apps.
    pub apps: Vec<PointApp>,
}

/// One app of a point.
#[derive(Clone, PartialEq, Debug)]
pub struct PointApp {
    /// Its definition.
    pub spec: Arc<AppSpec>,
    /// Its instance numbers, and whether each was wanted up.
    pub instances: BTreeMap<u32, bool>,
}

impl Point {
    /// How many processes there were, and how many of them were wanted up.
    pub fn count(&self) -> (usize, usize) {
        let all = self.apps.iter().flat_map(|app| app.instances.values());
        (all.clone().count(), all.filter(|up| **up).count())
    }
}

#[derive(Serialize, Deserialize)]
struct StoredPoint {
    at_ms: u64,
    apps: Vec<StoredApp>,
}

#[derive(Serialize, Deserialize)]
struct StoredApp {
    spec: StoredSpec,
    instances: BTreeMap<u32, bool>,
}

impl Points {
    /// Those in `dir`, which is made with the first one.
    pub fn at(dir: impl Into<PathBuf>) -> Points {
        Points(dir.into())
    }

    /// The names of all points.
    pub fn names(&self) -> Vec<Name> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let name = |entry: fs::DirEntry| Name::parse(entry.file_name().to_str()?.strip_suffix(".json")?).ok();
        let mut names: Vec<Name> = entries.filter_map(name).collect();
        names.sort();
        names
    }

    /// Keeps `point` under that name, in place of the one from before.
    ///
    /// # Errors
    /// When it cannot be written; the one from before is as it was.
    pub fn save(&self, name: &Name, point: &Point) -> Result<(), StoreError> {
        let path = self.path(name);
        let draft = self.0.join(format!(".{name}"));
        let stored = StoredPoint {
            at_ms: point.at_ms,
            apps: point
                .apps
                .iter()
                .map(|app| StoredApp { spec: StoredSpec::new(&app.spec), instances: app.instances.clone() })
                .collect(),
        };
        let text = serde_json::to_vec(&stored).expect("definitions are plain data");
        let written = fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0).and_then(|()| {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&draft, &path)
        });
        written.map_err(|source| {
            let _ = fs::remove_file(&draft);
            match source.raw_os_error() {
                Some(libc::ENOSPC | libc::EDQUOT | libc::EROFS) => {
                    room::find_out(&path).err().unwrap_or(StoreError::Full { path: path.clone() })
                }
                Some(_) | None => StoreError::File { doing: "save", path: path.clone(), source },
            }
        })?;
        sync_directory(&path);
        Ok(())
    }

    /// The point of that name; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read, or makes no sense.
    pub fn load(&self, name: &Name) -> Result<Option<Point>, StoreError> {
        let path = self.path(name);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StoreError::File { doing: "read", path, source }),
        };
        // Without the words of the parser, which may be a secret's.
        let damaged = |why: String| StoreError::Damaged { path: path.clone(), why };
        let stored: StoredPoint = serde_json::from_slice(&text)
            .map_err(|error| damaged(format!("it is no restore point (line {})", error.line())))?;
        let apps = stored.apps.into_iter().map(|app| {
            let spec = Arc::new(app.spec.into_model().map_err(damaged)?);
            Ok(PointApp { spec, instances: app.instances })
        });
        Ok(Some(Point { at_ms: stored.at_ms, apps: apps.collect::<Result<_, StoreError>>()? }))
    }

    /// Forgets the point of that name; false when there is none.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, name: &Name) -> Result<bool, StoreError> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(source) => Err(StoreError::File { doing: "remove", path, source }),
        }
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.0.join(format!("{name}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::spec;
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn a_point_comes_back_as_it_was_and_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let points = Points::at(dir.path().join("points"));
        assert!(points.names().is_empty() && points.load(&name("a")).unwrap().is_none());
        let app = PointApp { spec: spec("web"), instances: [(0, true), (2, false)].into_iter().collect() };
        let point = Point { at_ms: 7, apps: vec![app] };
        points.save(&name("a"), &point).unwrap();
        points.save(&name("b"), &Point { at_ms: 8, apps: Vec::new() }).unwrap();
        assert_eq!(points.load(&name("a")).unwrap(), Some(point.clone()));
        assert_eq!((point.count(), points.names()), ((2, 1), vec![name("a"), name("b")]));
        let mode = fs::metadata(dir.path().join("points/a.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        assert!(points.remove(&name("a")).unwrap() && !points.remove(&name("a")).unwrap());
        assert_eq!(fs::read_dir(dir.path().join("points")).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_torn_point_is_named_and_tells_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let points = Points::at(dir.path());
        let app = PointApp { spec: spec("web"), instances: BTreeMap::new() };
        points.save(&name("a"), &Point { at_ms: 7, apps: vec![app] }).unwrap();
        let path = dir.path().join("a.json");
        let text = fs::read(&path).unwrap();
        fs::write(&path, &text[..text.len() - 10]).unwrap();
        let told = points.load(&name("a")).unwrap_err().to_string();
        assert!(told.contains("a.json") && !told.contains("s3cr3t"), "{told}");
    }
}

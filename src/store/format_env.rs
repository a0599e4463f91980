//! The disk format of where variables come from.

use serde::{Deserialize, Serialize};

use super::format::StoredPath;
use crate::model::EnvSources;

/// A part of column `app.spec`.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(super) struct StoredEnvSources {
    files: Vec<StoredPath>,
    filter: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_var: Option<String>,
}

impl StoredEnvSources {
    /// What to write for `sources`.
    pub(super) fn new(sources: &EnvSources) -> StoredEnvSources {
        let EnvSources { files, filter, instance_var } = sources;
        StoredEnvSources {
            files: files.iter().map(|path| StoredPath::new(path)).collect(),
            filter: filter.clone(),
            instance_var: instance_var.clone(),
        }
    }

    /// The sources that were written.
    pub(super) fn into_model(self) -> EnvSources {
        EnvSources {
            files: self.files.into_iter().map(StoredPath::into_model).collect(),
            filter: self.filter,
            instance_var: self.instance_var,
        }
    }

    /// Nothing has to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.filter.is_empty() && self.instance_var.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_come_back_as_they_were_and_old_rows_have_none() {
        let sources = EnvSources {
            files: vec!["/srv/.env".into()],
            filter: vec!["AWS_".to_owned()],
            instance_var: Some("WORKER".to_owned()),
        };
        let named = EnvSources { instance_var: Some("WORKER".to_owned()), ..EnvSources::default() };
        assert!(!StoredEnvSources::new(&named).is_empty());
        for sources in [sources, named, EnvSources::default()] {
            let json = serde_json::to_string(&StoredEnvSources::new(&sources)).unwrap();
            assert_eq!(serde_json::from_str::<StoredEnvSources>(&json).unwrap().into_model(), sources);
        }
        assert_eq!(
            serde_json::from_str::<StoredEnvSources>("{}").unwrap().into_model(),
            EnvSources::default()
        );
    }
}

//! The disk format of dependencies.

use serde::{Deserialize, Serialize};

use super::format::Misfit;
use crate::model::{Condition, Dependency, Name};

/// A part of column `app.spec`.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredDependency {
    namespace: String,
    app: String,
    condition: String,
}

impl StoredDependency {
    /// What to write for `dependency`.
    pub(super) fn new(dependency: &Dependency) -> StoredDependency {
        StoredDependency {
            namespace: dependency.namespace.to_string(),
            app: dependency.app.to_string(),
            condition: dependency.condition.to_string(),
        }
    }

    /// The dependency that was written.
    pub(super) fn into_model(self) -> Result<Dependency, Misfit> {
        Ok(Dependency {
            namespace: Name::parse(&self.namespace).map_err(|bad| bad.to_string())?,
            app: Name::parse(&self.app).map_err(|bad| bad.to_string())?,
            condition: Condition::parse(&self.condition)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_comes_back_as_it_was() {
        for condition in Condition::ALL {
            let namespace = Name::parse("blue").unwrap();
            let dependency = Dependency { namespace, app: Name::parse("db").unwrap(), condition };
            let json = serde_json::to_string(&StoredDependency::new(&dependency)).unwrap();
            let back = serde_json::from_str::<StoredDependency>(&json).unwrap().into_model();
            assert_eq!(back, Ok(dependency));
        }
        let later = r#"{"namespace":"default","app":"db","condition":"happy"}"#;
        assert!(serde_json::from_str::<StoredDependency>(later).unwrap().into_model().is_err());
    }
}

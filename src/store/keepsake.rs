//! What goes along with every run, so that a daemon that has lost its store finds the definition
//! again: the disk format of an app, with the two numbers that say whose run it is.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::format::StoredSpec;
use crate::model::{AppId, AppSpec};

/// An app and one of its instances. Has the environment in it: a secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keepsake {
    /// The app.
    pub app: AppId,
    /// Its definition at the launch.
    pub spec: Arc<AppSpec>,
    /// The number of the process among the instances.
    pub instance: u32,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    app: u32,
    instance: u32,
    spec: StoredSpec,
}

impl Keepsake {
    /// The text to keep.
    pub fn to_text(&self) -> String {
        let spec = StoredSpec::new(&self.spec);
        let stored = Stored { app: self.app.0, instance: self.instance, spec };
        serde_json::to_string(&stored).expect("a definition is plain data")
    }

    /// What that text keeps.
    ///
    /// # Errors
    /// What does not fit. Nothing of the text is in it.
    pub fn parse(text: &str) -> Result<Keepsake, String> {
        let stored: Stored = serde_json::from_str(text).map_err(|error| {
            format!("it is not a definition (line {}, column {})", error.line(), error.column())
        })?;
        let spec = Arc::new(stored.spec.into_model()?);
        Ok(Keepsake { app: AppId(stored.app), instance: stored.instance, spec })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::spec;
    use super::*;

    #[test]
    fn it_comes_back_as_it_was_and_a_torn_one_tells_no_secret() {
        let keepsake = Keepsake { app: AppId(3), spec: spec("web"), instance: 1 };
        let text = keepsake.to_text();
        assert_eq!(Keepsake::parse(&text).unwrap(), keepsake);
        let told = Keepsake::parse(&text[..text.len() / 2]).unwrap_err();
        assert!(!told.contains("s3cr3t") && told.contains("not a definition"), "{told}");
    }
}

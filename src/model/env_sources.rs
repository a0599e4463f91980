//! Where the environment of a process comes from, besides what was declared for it (acceptance
//! row J15).

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Files with variables, and what is kept out of the environment of whoever started the app.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EnvSources {
    /// Absolute paths of dotenv files, read at each start. A later one wins.
    pub files: Vec<PathBuf>,
    /// An inherited variable whose name contains one of these is left out.
    pub filter: Vec<String>,
    /// One more variable that holds the number of the instance, beside NODE_APP_INSTANCE.
    pub instance_var: Option<String>,
}

impl EnvSources {
    /// What of the caller's environment an app may inherit. Our own variables are never part of
    /// it: they say where pmdaemon lives and who may command it.
    pub fn inherit(&self, mut caller: BTreeMap<String, String>) -> BTreeMap<String, String> {
        caller.retain(|name, _| {
            !name.starts_with("PMDAEMON_") && !self.filter.iter().any(|part| name.contains(part.as_str()))
        });
        caller
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_whose_name_contains_a_filtered_part_is_not_inherited() {
        let sources = EnvSources { filter: vec!["AWS_".into(), "SECRET".into()], ..EnvSources::default() };
        let names = ["PATH", "AWS_KEY", "MY_SECRET", "PMDAEMON_HOME", "AW"];
        let caller = names.map(|name| (name.to_owned(), "x".to_owned())).into();
        assert_eq!(sources.inherit(caller).into_keys().collect::<Vec<_>>(), ["AW", "PATH"]);
    }
}

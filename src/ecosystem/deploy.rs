//! The `deploy` section of a file: where a project goes, as PM2 has it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Unusable, read::Document, value};

/// Everything that an environment may have.
const KEYS: [&str; 16] = [
    "user",
    "host",
    "port",
    "key",
    "ssh_options",
    "repo",
    "ref",
    "path",
    "env",
    "forward-agent",
    "fetch",
    "pre-setup",
    "post-setup",
    "pre-deploy-local",
    "pre-deploy",
    "post-deploy",
];

/// One environment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Target {
    /// As whom to log in; absent: as ssh says.
    pub user: Option<String>,
    /// One or several hosts, never none.
    pub hosts: Vec<String>,
    /// Port of ssh.
    pub port: Option<String>,
    /// File with the private key.
    pub key: Option<String>,
    /// For `ssh -o`.
    pub ssh_options: Vec<String>,
    /// Have the host use our keys, for its git.
    pub forward_agent: bool,
    /// What git clones.
    pub repo: String,
    /// What git checks out: `origin/main`.
    pub reference: String,
    /// Fetch only the newest commits.
    pub shallow: bool,
    /// Where it goes on the host.
    pub path: String,
    /// Variables for everything that is run there.
    pub env: BTreeMap<String, String>,
    /// Commands around it, by their names in the file.
    pub hooks: BTreeMap<String, String>,
}

/// The environment of that name.
///
/// # Errors
/// File, environment, key, and what is wrong with it.
pub fn target(document: &Document, name: &str) -> Result<Target, Unusable> {
    let file = &document.name;
    let Some(Value::Object(all)) = document.value.get("deploy") else {
        return Err(Unusable(format!(
            "{file} has no deploy section: write deploy: {{ production: {{ user, host, ref, repo, path }} }}"
        )));
    };
    let Some(own) = all.get(name) else {
        let names: Vec<&str> = all.keys().map(String::as_str).collect();
        return Err(Unusable(format!(
            "{file}: deploy has no environment {name}: it has {}",
            names.join(", ")
        )));
    };
    let Value::Object(own) = own else {
        return Err(Unusable(format!("{file}: deploy: {name} is {}, not an object", value::shown(own))));
    };
    Section { place: format!("{file}: deploy: {name}"), own }.target()
}

/// One environment, while it is read.
struct Section<'a> {
    place: String,
    own: &'a Map<String, Value>,
}

impl Section<'_> {
    fn target(&self) -> Result<Target, Unusable> {
        if let Some(unknown) = self.own.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(self.wrong(unknown, &format!("it is not known: use {}", KEYS.join(", "))));
        }
        let hosts = self.texts("host")?;
        if hosts.is_empty() {
            return Err(self.wrong("host", "it is missing: name the host to log in to"));
        }
        let needed = |key: &str, why: &str| {
            self.text(key)?.filter(|text| !text.is_empty()).ok_or_else(|| self.wrong(key, why))
        };
        let env = match self.own.get("env") {
            Some(env) => value::variables(env).map_err(|why| self.wrong("env", &why))?,
            None => BTreeMap::new(),
        };
        if let Some(name) = env.keys().find(|name| !is_name_for_shells(name)) {
            return Err(
                self.wrong("env", &format!("{name:?} is no name: use letters, digits and _ in names"))
            );
        }
        let mut hooks = BTreeMap::new();
        for hook in ["pre-setup", "post-setup", "pre-deploy-local", "pre-deploy", "post-deploy"] {
            hooks
                .extend(self.text(hook)?.filter(|text| !text.is_empty()).map(|text| (hook.to_owned(), text)));
        }
        Ok(Target {
            user: self.text("user")?,
            hosts,
            port: self.text("port")?,
            key: self.text("key")?,
            ssh_options: self.texts("ssh_options")?,
            forward_agent: self.flag("forward-agent")?,
            repo: needed("repo", "it is missing: name what git is to clone")?,
            reference: self.text("ref")?.unwrap_or_else(|| "origin/master".to_owned()),
            shallow: self.text("fetch")?.as_deref() == Some("fast"),
            path: needed("path", "it is missing: name the directory on the host")?,
            env,
            hooks,
        })
    }

    fn text(&self, key: &str) -> Result<Option<String>, Unusable> {
        let given = self.own.get(key).filter(|given| !given.is_null());
        given.map(value::text).transpose().map_err(|why| self.wrong(key, &why))
    }

    /// A text or a list of them.
    fn texts(&self, key: &str) -> Result<Vec<String>, Unusable> {
        let Some(Value::Array(list)) = self.own.get(key) else {
            return Ok(self.text(key)?.into_iter().collect());
        };
        let text = |item: &Value| match item {
            Value::String(text) => Ok(text.clone()),
            other => Err(self.wrong(key, &format!("{} is not text", value::shown(other)))),
        };
        list.iter().map(text).collect()
    }

    /// PM2's own examples say `yes`.
    fn flag(&self, key: &str) -> Result<bool, Unusable> {
        match self.own.get(key) {
            None => Ok(false),
            Some(Value::String(text)) if text == "yes" => Ok(true),
            Some(Value::String(text)) if text == "no" => Ok(false),
            Some(other) => value::flag(other).map_err(|why| self.wrong(key, &why)),
        }
    }

    fn wrong(&self, key: &str, why: &str) -> Unusable {
        Unusable(format!("{}: {key}: {why}", self.place))
    }
}

/// Whether a shell takes it as the name of a variable, and as nothing else.
fn is_name_for_shells(name: &str) -> bool {
    let is_word = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
    name.bytes().all(is_word) && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(deploy: Value, name: &str) -> Result<Target, String> {
        let document = Document {
            name: "x.json".to_owned(),
            value: json!({"apps": [], "deploy": deploy}),
            is_package: false,
        };
        target(&document, name).map_err(|wrong| wrong.0)
    }

    #[test]
    fn an_environment_is_read_as_pm2_does() {
        let target = of(
            json!({"production": {"user": "node", "host": ["a", "b"], "port": 2222, "ref": "origin/main",
                "repo": "git@x:y.git", "path": "/srv", "ssh_options": "StrictHostKeyChecking=no",
                "post-deploy": "npm install", "env": {"NODE_ENV": "production", "N": 1}}}),
            "production",
        )
        .unwrap();
        assert_eq!((target.hosts.len(), target.port.as_deref()), (2, Some("2222")));
        assert_eq!(target.env["N"], "1");
        assert_eq!(target.hooks["post-deploy"], "npm install");
        assert_eq!(target.ssh_options, ["StrictHostKeyChecking=no"]);
    }

    #[test]
    fn our_keys_go_along_as_pm2_says_it() {
        let forwards = |said: Value| {
            let deploy = json!({"p": {"host": "a", "repo": "x", "path": "/", "forward-agent": said}});
            of(deploy, "p").map(|target| target.forward_agent)
        };
        assert_eq!((forwards(json!("yes")), forwards(json!(true))), (Ok(true), Ok(true)));
        assert_eq!((forwards(json!("no")), forwards(json!(false))), (Ok(false), Ok(false)));
        assert!(forwards(json!("perhaps")).is_err());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let refused = |deploy: Value, words: &str| {
            let why = of(deploy, "production").unwrap_err();
            assert!(why.starts_with("x.json") && why.contains(words), "{why}");
        };
        refused(json!(1), "has no deploy section");
        refused(json!({"staging": {}}), "it has staging");
        refused(json!({"production": []}), "not an object");
        refused(json!({"production": {"repo": "x", "path": "/"}}), "host: it is missing");
        refused(json!({"production": {"host": "a", "path": "/"}}), "repo: it is missing");
        refused(
            json!({"production": {"host": "a", "repo": "x", "path": "/", "branch": "m"}}),
            "branch: it is not known",
        );
        refused(json!({"production": {"host": [1], "repo": "x", "path": "/"}}), "host: 1 is not text");
        refused(
            json!({"production": {"host": "a", "repo": "x", "path": "/", "windows": true}}),
            "windows: it is not known",
        );
        for name in ["A;ls", "1A", "", "A B"] {
            refused(
                json!({"production": {"host": "a", "repo": "x", "path": "/", "env": {name: "1"}}}),
                "is no name",
            );
        }
    }
}

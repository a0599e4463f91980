//! From a definition back to what somebody asked for: a script, its arguments, and who runs it. Given
//! again, that is the same definition.

use std::collections::BTreeMap;

use super::env_file;
use super::finder::{Asked, Executable, Finder};
use crate::model::AppSpec;

/// What somebody asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Given {
    /// Arguments of the script.
    pub args: Vec<String>,
    /// Who runs it, with its own words; absent: whoever is found for it by itself.
    pub interpreter: Option<String>,
}

/// What `spec` was made from. Looks at the files to find out whether the interpreter has to be named.
pub fn given(spec: &AppSpec) -> Given {
    let (args, interpreter) = taken_apart(spec);
    let asked = Asked {
        script: &spec.script,
        args: &args,
        interpreter: None,
        interpreter_args: &spec.interpreter_args,
    };
    let from_files = env_file::read(&spec.env_sources.files).unwrap_or_default();
    let environments: [&BTreeMap<String, String>; 3] = [&spec.env, &from_files, &spec.inherited_env];
    let path = environments.into_iter().find_map(|env| env.get("PATH")).map_or("", String::as_str);
    let found = Finder { cwd: &spec.cwd, path }.find(&asked);
    let same = |found: &Executable| {
        (&found.program, &found.args, &found.interpreter) == (&spec.program, &spec.args, &spec.interpreter)
    };
    if found.is_ok_and(|found| same(&found)) {
        return Given { args, interpreter: None };
    }
    // A file that is executed although somebody else would be found for it.
    let itself = (spec.program == spec.cwd.join(&spec.script)).then(|| "none".to_owned());
    Given { args, interpreter: interpreter.or(itself) }
}

/// The arguments of the script, and the interpreter with its own words.
fn taken_apart(spec: &AppSpec) -> (Vec<String>, Option<String>) {
    let all = &spec.args;
    // A shell that reads a line: `sh -c LINE sh ARGS…`
    if let [dash_c, line, _, args @ ..] = all.as_slice()
        && (dash_c.as_str(), line) == ("-c", &spec.script)
    {
        return (args.to_vec(), None);
    }
    let file = spec.cwd.join(&spec.script).display().to_string();
    if let Some(name) = &spec.interpreter
        && let Some(at) = all.iter().position(|word| *word == file)
    {
        let own = all.get(..at.saturating_sub(spec.interpreter_args.len())).unwrap_or_default();
        let words = [name].into_iter().chain(own).map(String::as_str);
        let interpreter = shlex::try_join(words).unwrap_or_else(|_| name.clone());
        return (all.get(at + 1..).unwrap_or_default().to_vec(), Some(interpreter));
    }
    // A command line without a shell: its words come first.
    let words = shlex::split(&spec.script).unwrap_or_default();
    let of_line = words.get(1..).unwrap_or_default();
    let is_file = spec.program.display().to_string() == file;
    let args = if is_file { all } else { all.strip_prefix(of_line).unwrap_or(all) };
    (args.to_vec(), None)
}

//! Finds what to execute for a script, a command or a command line, and says what is wrong with it.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::define::Undefinable;
use super::typescript::{self, Types};

/// What is executed.
pub(super) struct Executable {
    pub(super) program: PathBuf,
    pub(super) args: Vec<String>,
    pub(super) interpreter: Option<String>,
    /// A shell reads a whole line of commands.
    is_line: bool,
}

/// What somebody asked to run.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// A file, a command in PATH, or a whole command line.
    pub(super) script: &'a str,
    /// Arguments of the script.
    pub(super) args: &'a [String],
    /// Who runs it; `none`: the file itself.
    pub(super) interpreter: Option<&'a str>,
    /// Arguments of whoever runs it.
    pub(super) interpreter_args: &'a [String],
}

/// Where things are looked for.
pub(super) struct Finder<'a> {
    /// Relative names count from here.
    pub(super) cwd: &'a Path,
    /// Directories of commands, separated by colons.
    pub(super) path: &'a str,
}

impl Finder<'_> {
    pub(super) fn find(&self, asked: &Asked<'_>) -> Result<Executable, Undefinable> {
        let Asked { script, interpreter, .. } = *asked;
        if script.trim().is_empty() {
            return Err(script_error("the script is empty: name a file or a command".into()));
        }
        let file = self.cwd.join(script);
        let found = match (std::fs::metadata(&file), interpreter) {
            (Ok(meta), _) if meta.is_dir() && script.contains('/') => {
                Err(script_error(format!("{} is a directory: name the file to run", file.display())))
            }
            (Ok(meta), Some("none")) if meta.is_file() => self.itself(&file, &meta, asked),
            (Ok(meta), Some(interpreter)) if meta.is_file() => self.interpreted(interpreter, &file, asked),
            (Ok(meta), None) if meta.is_file() => self.by_file(&file, &meta, asked),
            (Err(e), _) if e.kind() == std::io::ErrorKind::PermissionDenied => {
                Err(script_error(format!("the script {} cannot be read: {}", file.display(), reason(&e))))
            }
            (Ok(_) | Err(_), _) => self.command(asked, &file),
        }?;
        if !asked.interpreter_args.is_empty() && (found.interpreter.is_none() || found.is_line) {
            return Err(Undefinable {
                member: "interpreter_args",
                detail: format!(
                    "no interpreter runs {script}, so it cannot have arguments: give those of the program itself \
                     after --, or say who runs it with --interpreter"
                ),
            });
        }
        Ok(found)
    }

    /// The file is there and nobody said who runs it.
    fn by_file(&self, file: &Path, meta: &Metadata, asked: &Asked<'_>) -> Result<Executable, Undefinable> {
        let start = first_bytes(file)?;
        let runs_itself = start.starts_with(b"\x7fELF") || start.starts_with(b"#!");
        if meta.permissions().mode() & 0o111 != 0 && runs_itself {
            return self.itself(file, meta, asked);
        }
        let extension = file.extension().and_then(|e| e.to_str()).unwrap_or_default();
        let candidates: &[&str] = match extension {
            "js" | "mjs" | "cjs" => &["node"],
            "ts" | "tsx" | "mts" | "cts" => return self.typescript(extension, file, asked),
            "py" => &["python3", "python"],
            "sh" => &["bash", "sh"],
            "rb" => &["ruby"],
            "php" => &["php"],
            "pl" => &["perl"],
            _ => &[],
        };
        if let Some(found) = candidates.iter().find(|name| self.in_path(name).is_some()) {
            return self.interpreted(found, file, asked);
        }
        if !candidates.is_empty() {
            return Err(script_error(format!(
                "{} needs {} and none is in PATH: install one, or say which program runs it with --interpreter",
                file.display(),
                candidates.join(" or ")
            )));
        }
        if let Some(line) = shebang(&start) {
            let mut words = line.split_whitespace();
            let program = words.next().unwrap_or_default().to_owned();
            let all = words_of(words.map(str::to_owned), file, asked);
            return Ok(Executable {
                program: program.clone().into(),
                args: all,
                interpreter: Some(program),
                is_line: false,
            });
        }
        Err(script_error(format!(
            "nobody knows how to run {}: make it executable (chmod +x), or say which program runs it with --interpreter",
            file.display()
        )))
    }

    /// By bun or tsx, or by a node that strips types, which knows no JSX.
    fn typescript(&self, extension: &str, file: &Path, asked: &Asked<'_>) -> Result<Executable, Undefinable> {
        if let Some(found) = ["bun", "tsx"].iter().find(|name| self.in_path(name).is_some()) {
            return self.interpreted(found, file, asked);
        }
        let shown = file.display();
        let remedy = "install bun or tsx, or say which program runs it with --interpreter";
        if extension == "tsx" {
            return Err(script_error(format!("{shown} needs bun or tsx and none is in PATH: {remedy}")));
        }
        let version = self.in_path("node").and_then(|node| typescript::version(&node, self.path));
        match version.map(|version| (version, typescript::types(version))) {
            Some((_, Types::Stripped)) => self.interpreted("node", file, asked),
            Some((_, Types::StrippedOnRequest)) => {
                self.interpreted("node --experimental-strip-types", file, asked)
            }
            Some(((major, minor), Types::Unknown)) => Err(script_error(format!(
                "{shown} needs node 22.6 or newer, bun or tsx, and PATH has node {major}.{minor} only: {remedy}"
            ))),
            None => Err(script_error(format!(
                "{shown} needs node 22.6 or newer, bun or tsx and none is in PATH: {remedy}"
            ))),
        }
    }

    fn itself(&self, file: &Path, meta: &Metadata, asked: &Asked<'_>) -> Result<Executable, Undefinable> {
        if meta.permissions().mode() & 0o111 == 0 {
            return Err(script_error(format!("{} is not executable: run chmod +x on it", file.display())));
        }
        Ok(Executable {
            program: file.to_owned(),
            args: asked.args.to_vec(),
            interpreter: None,
            is_line: false,
        })
    }

    fn interpreted(
        &self,
        interpreter: &str,
        file: &Path,
        asked: &Asked<'_>,
    ) -> Result<Executable, Undefinable> {
        let mut words = shlex::split(interpreter).unwrap_or_default().into_iter();
        let name = words.next().unwrap_or_default();
        let program = self.program(&name).ok_or_else(|| Undefinable {
            member: "interpreter",
            detail: format!("the interpreter {name:?} was not found, neither as a file nor in PATH"),
        })?;
        if let Err(e) = File::open(file) {
            return Err(script_error(format!(
                "the script {} cannot be read: {}",
                file.display(),
                reason(&e)
            )));
        }
        Ok(Executable {
            program,
            args: words_of(words, file, asked),
            interpreter: Some(name),
            is_line: false,
        })
    }

    /// No such file: a command in PATH, or a whole command line.
    fn command(&self, asked: &Asked<'_>, file: &Path) -> Result<Executable, Undefinable> {
        let Asked { script, args, interpreter, .. } = *asked;
        let missing = || script_error(format!("the script {} does not exist", file.display()));
        if interpreter.is_some_and(|name| name != "none") {
            return Err(missing());
        }
        if script.contains(char::is_whitespace) {
            return self.command_line(script, args);
        }
        if script.contains('/') {
            return Err(missing());
        }
        match self.in_path(script) {
            Some(program) => {
                Ok(Executable { program, args: args.to_vec(), interpreter: None, is_line: false })
            }
            None => Err(self.unknown_command(file, script)),
        }
    }

    fn command_line(&self, line: &str, args: &[String]) -> Result<Executable, Undefinable> {
        let sh = || Executable {
            program: "/bin/sh".into(),
            args: ["-c".to_owned(), line.to_owned(), "sh".to_owned()]
                .into_iter()
                .chain(args.iter().cloned())
                .collect(),
            interpreter: Some("sh".into()),
            is_line: true,
        };
        if line.contains(['|', '&', ';', '<', '>', '$', '`', '*', '?', '(', ')', '~']) {
            return Ok(sh());
        }
        let words = shlex::split(line).ok_or_else(|| {
            script_error(format!("the command line {line:?} has a quote that is never closed"))
        })?;
        let (first, rest) =
            words.split_first().ok_or_else(|| script_error("the command line is empty".into()))?;
        let all: Vec<String> = rest.iter().chain(args).cloned().collect();
        if let Some(program) = self.program(first) {
            return Ok(Executable { program, args: all, interpreter: None, is_line: false });
        }
        Err(self.unknown_command(&self.cwd.join(first), first))
    }

    /// Some commands are there under another name only.
    fn unknown_command(&self, file: &Path, name: &str) -> Undefinable {
        let others = [("python", "python3"), ("pip", "pip3"), ("node", "nodejs"), ("nodejs", "node")];
        let other = others.iter().find(|(asked, there)| *asked == name && self.in_path(there).is_some());
        let hint = other.map(|(_, there)| format!(": did you mean {there}?")).unwrap_or_default();
        script_error(format!("there is no file {} and no command {name:?} in PATH{hint}", file.display()))
    }

    /// A program by path or by name.
    fn program(&self, name: &str) -> Option<PathBuf> {
        if name.contains('/') {
            let path = self.cwd.join(name);
            return is_executable(&path).then_some(path);
        }
        self.in_path(name)
    }

    fn in_path(&self, name: &str) -> Option<PathBuf> {
        if name.is_empty() {
            return None;
        }
        std::env::split_paths(self.path)
            .filter(|dir| dir.is_absolute())
            .map(|dir| dir.join(name))
            .find(|path| is_executable(path))
    }
}

/// The interpreter's own words and arguments, the script, its arguments.
fn words_of(own: impl Iterator<Item = String>, file: &Path, asked: &Asked<'_>) -> Vec<String> {
    let mut all: Vec<String> = own.chain(asked.interpreter_args.iter().cloned()).collect();
    all.push(file.display().to_string());
    all.extend_from_slice(asked.args);
    all
}

fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn first_bytes(file: &Path) -> Result<Vec<u8>, Undefinable> {
    let mut start = Vec::new();
    let read = File::open(file).and_then(|file| file.take(256).read_to_end(&mut start));
    match read {
        Ok(_) => Ok(start),
        Err(e) => Err(script_error(format!("the script {} cannot be read: {}", file.display(), reason(&e)))),
    }
}

fn shebang(start: &[u8]) -> Option<String> {
    let line = start.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    Some(String::from_utf8_lossy(line).trim().to_owned()).filter(|line| line.starts_with('/'))
}

fn script_error(detail: String) -> Undefinable {
    Undefinable { member: "script", detail }
}

/// The kernel's reason in words.
pub(super) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "it does not exist".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
#[path = "finder_tests.rs"]
mod tests;

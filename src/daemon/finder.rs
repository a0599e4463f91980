//! Finds what to execute for a script, a command or a command line, and says what is wrong with it.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::define::Undefinable;

/// What is executed.
pub(super) struct Executable {
    pub(super) program: PathBuf,
    pub(super) args: Vec<String>,
    pub(super) interpreter: Option<String>,
}

/// Where things are looked for.
pub(super) struct Finder<'a> {
    /// Relative names count from here.
    pub(super) cwd: &'a Path,
    /// Directories of commands, separated by colons.
    pub(super) path: &'a str,
}

impl Finder<'_> {
    pub(super) fn find(
        &self,
        script: &str,
        args: &[String],
        interpreter: Option<&str>,
    ) -> Result<Executable, Undefinable> {
        if script.trim().is_empty() {
            return Err(script_error("the script is empty: name a file or a command".into()));
        }
        let file = self.cwd.join(script);
        match (std::fs::metadata(&file), interpreter) {
            (Ok(meta), _) if meta.is_dir() && script.contains('/') => {
                Err(script_error(format!("{} is a directory: name the file to run", file.display())))
            }
            (Ok(meta), Some("none")) if meta.is_file() => self.itself(&file, &meta, args),
            (Ok(meta), Some(interpreter)) if meta.is_file() => self.interpreted(interpreter, &file, args),
            (Ok(meta), None) if meta.is_file() => self.by_file(&file, &meta, args),
            (Err(e), _) if e.kind() == std::io::ErrorKind::PermissionDenied => {
                Err(script_error(format!("the script {} cannot be read: {}", file.display(), reason(&e))))
            }
            (Ok(_) | Err(_), _) => self.command(script, args, &file, interpreter),
        }
    }

    /// The file is there and nobody said who runs it.
    fn by_file(&self, file: &Path, meta: &Metadata, args: &[String]) -> Result<Executable, Undefinable> {
        let start = first_bytes(file)?;
        let runs_itself = start.starts_with(b"\x7fELF") || start.starts_with(b"#!");
        if meta.permissions().mode() & 0o111 != 0 && runs_itself {
            return self.itself(file, meta, args);
        }
        let extension = file.extension().and_then(|e| e.to_str()).unwrap_or_default();
        let candidates: &[&str] = match extension {
            "js" | "mjs" | "cjs" => &["node"],
            "ts" | "tsx" => &["bun", "tsx"],
            "py" => &["python3", "python"],
            "sh" => &["bash", "sh"],
            "rb" => &["ruby"],
            "php" => &["php"],
            "pl" => &["perl"],
            _ => &[],
        };
        if let Some(found) = candidates.iter().find(|name| self.in_path(name).is_some()) {
            return self.interpreted(found, file, args);
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
            let mut all: Vec<String> = words.map(str::to_owned).collect();
            all.push(file.display().to_string());
            all.extend_from_slice(args);
            return Ok(Executable { program: program.clone().into(), args: all, interpreter: Some(program) });
        }
        Err(script_error(format!(
            "nobody knows how to run {}: make it executable (chmod +x), or say which program runs it with --interpreter",
            file.display()
        )))
    }

    fn itself(&self, file: &Path, meta: &Metadata, args: &[String]) -> Result<Executable, Undefinable> {
        if meta.permissions().mode() & 0o111 == 0 {
            return Err(script_error(format!("{} is not executable: run chmod +x on it", file.display())));
        }
        Ok(Executable { program: file.to_owned(), args: args.to_vec(), interpreter: None })
    }

    fn interpreted(
        &self,
        interpreter: &str,
        file: &Path,
        args: &[String],
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
        let mut all: Vec<String> = words.collect();
        all.push(file.display().to_string());
        all.extend_from_slice(args);
        Ok(Executable { program, args: all, interpreter: Some(name) })
    }

    /// No such file: a command in PATH, or a whole command line.
    fn command(
        &self,
        script: &str,
        args: &[String],
        file: &Path,
        interpreter: Option<&str>,
    ) -> Result<Executable, Undefinable> {
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
            Some(program) => Ok(Executable { program, args: args.to_vec(), interpreter: None }),
            None => Err(script_error(format!(
                "there is no file {} and no command {script:?} in PATH",
                file.display()
            ))),
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
            return Ok(Executable { program, args: all, interpreter: None });
        }
        Err(script_error(format!(
            "there is no file {} and no command {first:?} in PATH",
            self.cwd.join(first).display()
        )))
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
mod tests {
    use super::*;

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Place {
            let place = Place(tempfile::tempdir().unwrap());
            place.file("bin/node", 0o755, "#!/bin/sh\n");
            place.file("bin/tool", 0o755, "#!/bin/sh\n");
            place
        }

        fn file(&self, name: &str, mode: u32, text: &str) {
            let path = self.0.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }

        /// Program and arguments, with the place written as `.`.
        fn find(&self, script: &str, args: &[&str], interpreter: Option<&str>) -> Result<String, String> {
            let here = self.0.path();
            let bin = here.join("bin").display().to_string();
            let args: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
            let found = Finder { cwd: here, path: &bin }.find(script, &args, interpreter);
            let short = |text: String| text.replace(&here.display().to_string(), ".");
            found
                .map(|x| short(format!("{} {}", x.program.display(), x.args.join(" ")).trim().to_owned()))
                .map_err(|e| short(e.detail))
        }
    }

    #[test]
    fn a_script_is_run_by_the_file_itself_its_extension_its_shebang_or_path() {
        let place = Place::new();
        place.file("app.js", 0o644, "");
        place.file("executable.js", 0o755, "no shebang");
        place.file("own.js", 0o755, "#!/usr/bin/env node\n");
        place.file("job", 0o644, "#!/bin/bash -e\n");
        let check = |script: &str, runs: &str| {
            assert_eq!(place.find(script, &["-x"], None).as_deref(), Ok(runs), "{script}")
        };
        check("app.js", "./bin/node ./app.js -x");
        check("./app.js", "./bin/node ././app.js -x");
        check("executable.js", "./bin/node ./executable.js -x");
        check("own.js", "./own.js -x");
        check("job", "/bin/bash -e ./job -x");
        check("tool", "./bin/tool -x");
        check("node app.js --port 3000", "./bin/node app.js --port 3000 -x");
        check("tool 'a b'", "./bin/tool a b -x");
        check("tool > out", "/bin/sh -c tool > out sh -x");
        assert_eq!(place.find("app.js", &[], Some("tool")).as_deref(), Ok("./bin/tool ./app.js"));
        assert_eq!(place.find("own.js", &[], Some("none")).as_deref(), Ok("./own.js"));
    }

    #[test]
    fn what_cannot_run_is_refused_with_the_path_and_the_remedy() {
        let place = Place::new();
        place.file("data.bin", 0o644, "??");
        place.file("app.py", 0o644, "");
        place.file("dir/x", 0o644, "");
        let check = |script: &str, interpreter, part: &str| {
            let refused = place.find(script, &[], interpreter).expect_err(script);
            assert!(refused.contains(part), "{script}: {refused}");
        };
        check("missing.js", None, "no file ./missing.js");
        check("./missing.js", None, "././missing.js does not exist");
        check("missing.js", Some("node"), "./missing.js does not exist");
        check("data.bin", None, "chmod +x");
        check("data.bin", Some("none"), "chmod +x");
        check("app.py", None, "needs python3 or python");
        check("./dir", None, "is a directory");
        check("app.py", Some("nope"), "interpreter \"nope\" was not found");
        check("", None, "empty");
        check("tool 'open", None, "never closed");
        check("nothing here", None, "no command \"nothing\"");
    }
}

//! The README's quick start, line by line as it stands there.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Home, proc, wait_until};

/// The first block of that language after that heading.
fn block(heading: &str, language: &str) -> String {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let chapter = readme.split_once(&format!("\n## {heading}\n")).expect(heading).1;
    let begun = chapter.split_once(&format!("```{language}\n")).expect(language).1;
    begun.split_once("```").unwrap().0.to_owned()
}

#[test]
fn every_line_of_the_quick_start_works() {
    let home = Home::new();
    home.file("app.js", &block("Quick start", "js"));
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_pmdaemon")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let shell = |line: &str| {
        let mut shell: Command = home.command(&[]);
        let environment: Vec<_> =
            shell.get_envs().filter_map(|(k, v)| Some((k.to_owned(), v?.to_owned()))).collect();
        shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(home.work()).env_clear().envs(environment).env("PATH", &path);
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        shell
    };
    let lines = block("Quick start", "bash");
    assert!(lines.lines().count() > 10);
    for line in lines.lines() {
        // Two lines are for watching: it is enough that they show something.
        if line.contains("--follow") || line.contains(" monit") {
            let line = line.split('#').next().unwrap().trim();
            let mut watching = shell(&format!("exec {line}")).spawn().unwrap();
            let mut first = String::new();
            BufReader::new(watching.stdout.take().unwrap()).read_line(&mut first).unwrap();
            assert!(!first.is_empty(), "{line} ended without a word");
            proc::kill_hard(i64::from(watching.id()));
            watching.wait().unwrap();
            continue;
        }
        let ran = shell(line).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{line}: {} {said}", ran.status);
        if line.contains(" kill ") {
            wait_until("the end of everything", Duration::from_secs(5), || home.living().is_empty());
        }
    }
}

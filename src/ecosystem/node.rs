//! Files that are JavaScript: evaluated once, by the user's own node, as JSON.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// How long a file may take.
const LIMIT: Duration = Duration::from_secs(10);

/// What comes before the answer: the file itself may print, too.
const MARK: &str = "\u{1e}pmdaemon\u{1e}";

/// CommonJS and ES modules alike. What the file prints goes to stderr, the answer alone to stdout.
const SCRIPT: &str = r#"
const { writeSync } = require('node:fs');
const { pathToFileURL } = require('node:url');
process.stdout.write = process.stderr.write.bind(process.stderr);
const answer = (value) => {
  const bytes = Buffer.from(process.env.PMDAEMON_MARK + JSON.stringify(value, (_, member) =>
    member instanceof RegExp ? 're:' + member.source : member));
  for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at);
  process.exit(0);
};
const failed = (error) => {
  console.error(error && error.stack ? error.stack : error);
  answer({ error: String(error && error.message ? error.message : error).split('\n')[0] });
};
(async () => {
  const module = await import(pathToFileURL(process.argv[1]).href);
  const exported = module.default === undefined ? { ...module } : module.default;
  answer({ value: (typeof exported === 'function' ? await exported() : await exported) ?? null });
})().catch(failed);
process.on('uncaughtException', failed);
"#;

#[derive(Deserialize)]
struct Answer {
    error: Option<String>,
    #[serde(default)]
    value: Value,
}

/// What the file exports, evaluated in its directory.
///
/// # Errors
/// What went wrong, as the end of a sentence that begins with the file. Its stack is on stderr then.
pub async fn evaluate(file: &Path) -> Result<Value, String> {
    let directory = file.parent().ok_or("has no directory")?;
    let mut command = tokio::process::Command::new("node");
    command.arg("-e").arg(SCRIPT).arg(file).current_dir(directory).env("PMDAEMON_MARK", MARK);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let child = command.spawn().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            "is JavaScript, and there is no node in PATH to evaluate it: install \
                                         Node.js, or write the file as JSON, YAML or TOML"
                .to_owned()
        }
        _ => format!("cannot be evaluated: node does not start: {e}"),
    })?;
    let output = match tokio::time::timeout(LIMIT, child.wait_with_output()).await {
        Ok(output) => output.map_err(|e| format!("cannot be evaluated: {e}"))?,
        Err(_) => {
            let seconds = LIMIT.as_secs();
            return Err(format!(
                "was not evaluated within {seconds} s: it must export its apps and come to an end"
            ));
        }
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let Some((_, answer)) = text.rsplit_once(MARK) else {
        return Err(format!("ended node before it exported anything ({}); see above", output.status));
    };
    let answer: Answer = serde_json::from_str(answer).map_err(|e| format!("exports no apps: {e}"))?;
    match answer.error {
        Some(why) if why.contains("Unknown file extension \".ts\"") => {
            Err("is TypeScript, which this node cannot read: node 22.18 and newer do; or name it .config.mjs"
                .to_owned())
        }
        Some(why) => Err(format!("cannot be evaluated: {why}; its stack is above")),
        None => Ok(answer.value),
    }
}

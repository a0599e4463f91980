//! Who runs a TypeScript file: bun, tsx, or a node that strips types (acceptance row A1).

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A node that does not tell its version within this is none.
const SOON: Duration = Duration::from_secs(5);

/// How a node treats types in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Types {
    /// It strips them by itself.
    Stripped,
    /// It does so with `--experimental-strip-types`.
    StrippedOnRequest,
    /// It does not know them.
    Unknown,
}

/// What a node of that version does.
pub(super) fn types((major, minor): (u32, u32)) -> Types {
    match (major, minor) {
        (24.., _) | (23, 6..) | (22, 18..) => Types::Stripped,
        (23, _) | (22, 6..) => Types::StrippedOnRequest,
        (_, _) => Types::Unknown,
    }
}

/// Asks a node for its version, which is run for that. Blocks. `None` when it does not answer.
pub(super) fn version(node: &Path, path: &str) -> Option<(u32, u32)> {
    let mut command = Command::new(node);
    command.arg("--version").env("PATH", path).stdin(Stdio::null()).stderr(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).spawn().ok()?;
    let deadline = Instant::now() + SOON;
    let ended = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status.success(),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(2)),
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                break false;
            }
        }
    };
    // It has ended, and a version fits into the pipe.
    let mut text = [0; 64];
    let length = child.stdout.take()?.read(&mut text).ok().filter(|_| ended)?;
    parse(std::str::from_utf8(&text[..length]).ok()?)
}

/// Reads `v22.6.0`.
fn parse(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().strip_prefix('v')?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_strips_types_from_22_6_and_by_itself_from_22_18_and_23_6() {
        let check = |text: &str, expected| assert_eq!(types(parse(text).unwrap()), expected, "{text}");
        check("v20.20.2\n", Types::Unknown);
        check("v22.5.1", Types::Unknown);
        check("v22.6.0", Types::StrippedOnRequest);
        check("v22.17.9", Types::StrippedOnRequest);
        check("v22.18.0", Types::Stripped);
        check("v23.5.0", Types::StrippedOnRequest);
        check("v23.6.0", Types::Stripped);
        check("v24.0.0", Types::Stripped);
        for text in ["", "22.6", "vx.y", "v22"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_does_not_tell_a_version_has_none() {
        let version = |program: &str| version(Path::new(program), "/usr/bin:/bin");
        assert_eq!(version("/bin/false"), None);
        assert_eq!(version("/bin/echo"), None);
        assert_eq!(version("/no/such/node"), None);
    }
}

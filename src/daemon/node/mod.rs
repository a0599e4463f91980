//! What Node programs need to share a listening socket without knowing of it (acceptance row J20).
//!
//! A script of ours, `preload.cjs`, is loaded by Node before the program, because `NODE_OPTIONS` says
//! so. It has to be a file that everybody who becomes part of the run can read for as long as that
//! lives: in the home, or, for programs of another user than ours, in a directory that belongs to
//! root and that all may read. Its name holds its hash, so a new version never changes it under a
//! run's feet.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::define::Undefinable;
use crate::home::Home;
use crate::model::{AppSpec, PortPlan};

/// The script.
const SOURCE: &str = include_str!("preload.cjs");

/// Where programs of other users find it.
const PUBLIC_DIR: &str = "/run/pmdaemon";

/// The major versions of Node that were tested.
pub const VERSIONS: [u32; 4] = [18, 20, 22, 24];

/// So long Node may take to say its version.
const VERSION_WAIT: Duration = Duration::from_secs(10);

/// The places of the script, once they are known to be good.
#[derive(Default)]
pub struct Preload {
    home: Option<PathBuf>,
    public: Option<PathBuf>,
}

impl Preload {
    /// Where the processes of that app find the script, which is written if it is not there.
    pub fn path(&mut self, home: &Home, spec: &AppSpec) -> Option<PathBuf> {
        let place = self.place(home, spec.resources.run_as.is_some());
        if let Err(error) = &place {
            tracing::error!(
                app = %spec.name,
                "cannot write the script by which Node programs share a port: {error}; they will find it in use"
            );
        }
        place.ok()
    }

    fn place(&mut self, home: &Home, of_other_user: bool) -> io::Result<PathBuf> {
        let (known, dir, mode) = match of_other_user {
            true => (&mut self.public, PathBuf::from(PUBLIC_DIR), 0o644),
            false => (&mut self.home, home.run_dir(), 0o600),
        };
        if let Some(path) = known.as_ref().filter(|path| path.exists()) {
            return Ok(path.clone());
        }
        if of_other_user {
            public_dir(&dir)?;
        }
        let path = write(&dir, mode)?;
        *known = Some(path.clone());
        Ok(path)
    }
}

/// Adds to the environment of a run what the script needs, before what is there for Node already.
/// Programs that are not Node do not look at it; those that start Node do need it.
pub fn preload(env: &mut BTreeMap<String, String>, script: &Path, spec: &AppSpec, port: u16) {
    let ours = format!("--require {}", quoted(&script.display().to_string()));
    let options = match env.get("NODE_OPTIONS").map(|theirs| theirs.trim()).filter(|o| !o.is_empty()) {
        Some(theirs) => format!("{ours} {theirs}"),
        None => ours,
    };
    env.insert("NODE_OPTIONS".to_owned(), options);
    env.insert("PMDAEMON_SHARED_PORT".to_owned(), port.to_string());
    env.insert("PMDAEMON_STOP_SIGNAL".to_owned(), spec.stop.signal.to_string());
}

/// Puts the script there, whole or not at all, unless it is there.
fn write(dir: &Path, mode: u32) -> io::Result<PathBuf> {
    let hash = Sha256::digest(SOURCE);
    let hash: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let path = dir.join(format!("node-{hash}.cjs"));
    if fs::read(&path).is_ok_and(|text| text == SOURCE.as_bytes()) {
        return Ok(path);
    }
    let draft = dir.join(format!("node-{hash}.{}", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&draft)?;
    // The mask of the daemon takes rights away.
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
    file.write_all(SOURCE.as_bytes())?;
    fs::rename(&draft, &path)?;
    Ok(path)
}

/// A directory that nobody but us can write to and everybody can read. Only root starts programs of
/// other users.
fn public_dir(dir: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o755).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) => fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(0o755))?,
        Err(_) => {}
    }
    let found = fs::symlink_metadata(dir)?;
    if !found.is_dir() || found.uid() != nix::unistd::geteuid().as_raw() || found.mode() & 0o022 != 0 {
        let what = format!("{} is not a directory that only we can change", dir.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
    }
    Ok(())
}

/// A word of `NODE_OPTIONS`, which has quotes and backslashes of its own.
fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Is this how PM2 calls an app in cluster mode: Node processes that share their port?
pub fn is_cluster(spec: &AppSpec) -> bool {
    matches!(spec.port, Some(PortPlan::Shared(_))) && is_node(&spec.program)
}

/// Is that Node, by its name?
pub fn is_node(program: &Path) -> bool {
    matches!(program.file_name().and_then(|name| name.to_str()), Some("node" | "nodejs"))
}

/// Can that program share a listening socket? Asks Node for its version; whoever is not Node has to
/// know by itself how to take the socket. It is asked as the user that it is to run as: whose file it is,
/// too, may have put anything there.
///
/// # Errors
/// A version that was not tested, or none.
pub fn check(program: &Path, user: Option<(u32, u32)>) -> Result<(), Undefinable> {
    if !is_node(program) {
        return Ok(());
    }
    let refuse = |detail| Err(Undefinable { member: "interpreter", detail });
    let shown = program.display();
    match major(program, user) {
        Some(major) if VERSIONS.contains(&major) => Ok(()),
        Some(major) => refuse(format!(
            "{shown} is Node {major}, whose processes cannot share a port: use Node 18, 20, 22 or 24 by --interpreter, \
             or give each process a port of its own, with a range or behind a balancer (--balance)"
        )),
        None => refuse(format!("{shown} does not say which version of Node it is: run {shown} --version")),
    }
}

fn major(node: &Path, user: Option<(u32, u32)>) -> Option<u32> {
    version(node, user)?.split('.').next()?.parse().ok()
}

/// The version that `node --version` tells that user, such as `20.20.2`. `None` for the user: us.
pub fn version(node: &Path, user: Option<(u32, u32)>) -> Option<String> {
    let mut command = Command::new(node);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some((uid, gid)) = user {
        // What is ours is not for them.
        command.uid(uid).gid(gid).env_clear();
    }
    let mut child = command.env_remove("NODE_OPTIONS").spawn().ok()?;
    let deadline = Instant::now() + VERSION_WAIT;
    while child.try_wait().ok()?.is_none() {
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text.trim().strip_prefix('v')?;
    let is_one =
        !version.is_empty() && version.chars().all(|c| c.is_ascii_alphanumeric() || ".-+".contains(c));
    is_one.then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn another_version_of_node_is_refused_with_the_ones_that_do() {
        let dir = tempfile::tempdir().unwrap();
        let check_with = |says: &str| {
            let node = dir.path().join("node");
            let draft = dir.path().join("draft");
            fs::write(&draft, format!("#!/bin/sh\necho {says}\n")).unwrap();
            fs::set_permissions(&draft, fs::Permissions::from_mode(0o755)).unwrap();
            fs::rename(&draft, &node).unwrap();
            check(&node, None).map_err(|undefinable| undefinable.detail)
        };
        for version in VERSIONS {
            assert_eq!(check_with(&format!("v{version}.1.2")), Ok(()));
        }
        for version in ["v16.20.2", "v21.7.3", "v26.0.0"] {
            let told = check_with(version).unwrap_err();
            assert!(
                told.contains("18, 20, 22 or 24") && told.contains(&version[..3].replace('v', "Node ")),
                "{told}"
            );
        }
        assert!(check_with("nothing").unwrap_err().contains("--version"));
        assert_eq!(check(Path::new("/usr/bin/python3"), None), Ok(()));
    }

    #[test]
    fn it_is_asked_as_the_user_that_it_is_to_run_as() {
        if !nix::unistd::geteuid().is_root() {
            return println!("only root can ask as somebody else");
        }
        const NOBODY: u32 = 65534;
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let node = dir.path().join("node");
        let says_to_nobody =
            format!("#!/bin/sh\ntest $(id -u)-$(id -G) = {NOBODY}-{NOBODY} && echo v20.1.2\n");
        fs::write(&node, says_to_nobody).unwrap();
        fs::set_permissions(&node, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(check(&node, Some((NOBODY, NOBODY))), Ok(()));
        assert!(check(&node, None).is_err());
    }

    #[test]
    fn the_script_is_written_once_and_can_be_read_by_whom_it_is_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = write(dir.path(), 0o644).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o644);
        let before = fs::metadata(&path).unwrap().ino();
        assert_eq!(write(dir.path(), 0o644).unwrap(), path);
        assert_eq!(fs::metadata(&path).unwrap().ino(), before);
        fs::write(&path, "else").unwrap();
        write(dir.path(), 0o644).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), SOURCE);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        let open = dir.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(public_dir(&open).is_err());
    }

    #[test]
    fn a_path_with_blanks_is_one_word_of_node_options() {
        assert_eq!(quoted(r#"/my home/a"b\c"#), r#""/my home/a\"b\\c""#);
    }
}

//! `deploy` over ssh to a server of ssh on this machine (row J1 and the deploy section of files).

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::home::ran;
use crate::support::{Home, SOON, wait_until};

const SSHD: &str = "/usr/sbin/sshd";

/// A server of ssh, with keys of its own, that lets us in as who we are.
struct Sshd {
    child: Child,
    port: u16,
    keys: PathBuf,
}

impl Sshd {
    /// None where there is no sshd, which is told.
    fn start(home: &Home) -> Option<Sshd> {
        if !Path::new(SSHD).exists() || !nix::unistd::geteuid().is_root() {
            eprintln!("skipped: this needs {SSHD}, which tests/run installs, and root");
            return None;
        }
        let keys = home.work().join("keys");
        std::fs::create_dir(&keys).unwrap();
        std::fs::create_dir_all("/run/sshd").unwrap();
        for name in ["host", "user"] {
            let file = keys.join(name);
            let args = ["-q", "-t", "ed25519", "-N", "", "-f", file.to_str().unwrap()];
            assert!(Command::new("ssh-keygen").args(args).status().unwrap().success());
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let options = [
            format!("Port={port}"),
            "ListenAddress=127.0.0.1".to_owned(),
            format!("HostKey={}", keys.join("host").display()),
            format!("AuthorizedKeysFile={}", keys.join("user.pub").display()),
            format!("PidFile={}", keys.join("pid").display()),
            "StrictModes=no".to_owned(),
            "PermitRootLogin=yes".to_owned(),
            "UsePAM=no".to_owned(),
        ];
        let mut command = Command::new(SSHD);
        command.args(["-D", "-f", "/dev/null", "-E"]).arg(keys.join("log"));
        command.args(options.iter().flat_map(|option| ["-o", option]));
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        wait_until("sshd", SOON, || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(Sshd { child, port, keys })
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", std::fs::read_to_string(self.keys.join("log")).unwrap_or_default());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command of git in that directory.
#[track_caller]
fn git(dir: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(args).current_dir(dir);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null");
    let ran = ran(&mut command);
    assert_eq!(ran.code, 0, "git {args:?}: {ran:?}");
    ran.out.trim().to_owned()
}

#[test]
fn j1_a_project_is_deployed_over_ssh_as_its_file_says() {
    let home = Home::new();
    let Some(sshd) = Sshd::start(&home) else { return };
    let project = home.work().join("project");
    std::fs::create_dir(&project).unwrap();
    let target = home.work().join("target");
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().name;
    let file = format!(
        "module.exports = {{ apps: [{{ script: 'app.sh' }}], deploy: {{ production: {{ user: '{user}', host: ['127.0.0.1'],
          port: {}, key: '{}', ref: 'origin/main', repo: '{}', path: '{}', env: {{ STAGE: 'live one' }},
          ssh_options: ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR'],
          'pre-deploy-local': 'echo from here >> ../hooks', 'post-setup': 'echo setup in $(pwd) >> ../hooks',
          'post-deploy': 'echo \"$STAGE\" $(cat version) >> ../hooks; test ! -e broken' }} }} }};\n",
        sshd.port,
        sshd.keys.join("user").display(),
        project.display(),
        target.display(),
    );
    std::fs::write(project.join("ecosystem.config.js"), file).unwrap();
    std::fs::write(project.join("app.sh"), "sleep 1000\n").unwrap();
    let commit = |version: &str| {
        std::fs::write(project.join("version"), version).unwrap();
        git(&project, &["add", "-A"]);
        git(&project, &["commit", "-q", "-m", version]);
        git(&project, &["rev-parse", "--short", "HEAD"])
    };
    git(&project, &["init", "-q", "-b", "main"]);
    let first = commit("one");
    let deploy = |args: &[&str]| ran(home.command(&[&["deploy"], args].concat()).current_dir(&project));
    let ok = |args: &[&str]| {
        let ran = deploy(args);
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        ran.out
    };
    assert_eq!(deploy(&["production"]).code, 1, "it is not set up yet");
    ok(&["production", "setup"]);
    assert_eq!(std::fs::read_to_string(target.join("current/version")).unwrap(), "one");
    assert_eq!(deploy(&["ecosystem.config.js", "production", "setup"]).code, 1, "it is there already");
    ok(&["production", "update"]);
    assert_eq!(ok(&["production", "current"]).trim(), first);
    let second = commit("two");
    assert!(ok(&["ecosystem.config.js", "production"]).contains("production on 127.0.0.1 is deployed."));
    assert_eq!(std::fs::read_to_string(target.join("current/version")).unwrap(), "two");
    assert_eq!(
        (ok(&["production", "current"]).trim(), ok(&["production", "previous"]).trim()),
        (second.as_str(), first.as_str())
    );
    assert_eq!(ok(&["production", "list"]).lines().count(), 2);
    ok(&["production", "revert", "1"]);
    assert_eq!(std::fs::read_to_string(target.join("source/version")).unwrap(), "one");
    assert_eq!(ok(&["production", "exec", "cat version; echo \" $STAGE\""]), "one live one\n");
    let hooks = std::fs::read_to_string(target.join("hooks")).unwrap();
    let wanted = format!("setup in {}/current\nlive one one\nlive one two\nlive one one\n", target.display());
    assert_eq!(hooks, wanted);
    assert_eq!(
        std::fs::read_to_string(home.work().join("hooks")).unwrap().lines().count(),
        3,
        "one for each attempt"
    );
    // What is not committed is told; and a hook that fails is no deployment.
    std::fs::write(project.join("version"), "three").unwrap();
    deploy(&["production"]).refused(1, &["not committed", "--force"]);
    std::fs::write(project.join("broken"), "").unwrap();
    commit("three");
    let failed = deploy(&["production"]);
    assert!(
        failed.code == 1 && failed.err.contains("deploy on 127.0.0.1 failed with exit code 1"),
        "{failed:?}"
    );
    assert_eq!(ok(&["production", "current"]).trim(), first);
    deploy(&["staging"]).refused(1, &["no environment staging", "production"]);
    deploy(&["production", "revert", "99"]).refused(1, &["there are not so many deployments"]);
    assert!(!home.path().exists(), "no daemon was started for that");
}

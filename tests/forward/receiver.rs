//! A receiver of logs, which can be killed and started again at the same address.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::support::{Home, SOON, wait_for};

/// The receiver of one test.
pub struct Receiver {
    kind: &'static str,
    script: String,
    /// What has arrived.
    file: PathBuf,
    /// Its port, or its socket.
    pub address: String,
    child: Option<Child>,
}

impl Receiver {
    /// Starts one, on a port that is free or at that socket.
    pub fn start(home: &Home, kind: &'static str, address: &str) -> Receiver {
        let script = home.file("receiver.py", include_str!("receiver.py"));
        let file = home.work().join(format!("{kind}.received"));
        let mut receiver = Receiver { kind, script, file, address: address.to_owned(), child: None };
        receiver.begin();
        receiver
    }

    /// Starts it again.
    pub fn begin(&mut self) {
        let port = self.file.with_extension("received.port");
        let _ = std::fs::remove_file(&port);
        let mut command = Command::new("python3");
        command.arg(&self.script).args([self.kind, &self.address]).arg(&self.file);
        self.child = Some(command.stdin(Stdio::null()).spawn().unwrap());
        let told = wait_for("the receiver", SOON, || std::fs::read_to_string(&port).ok());
        if told != "0" {
            self.address = told;
        }
    }

    /// Kills it.
    pub fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// What has arrived, as whole lines.
    pub fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(std::fs::read(&self.file).unwrap_or_default()).unwrap();
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        text[..whole].lines().map(str::to_owned).collect()
    }

    /// Fails when something arrived that is not as it should be.
    #[track_caller]
    pub fn nothing_was_bad(&self) {
        let bad = std::fs::read_to_string(self.file.with_extension("received.bad"));
        assert!(bad.is_err(), "{}", bad.unwrap());
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.end();
    }
}

//! What the init system is told: `sd_notify`, a line of text to the socket in `NOTIFY_SOCKET`.
//! Told by the keeper, since that is the main process of the unit. Services never see the socket.

use std::ffi::OsString;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use super::say;

/// The variable that names the socket.
pub const VARIABLE: &str = "NOTIFY_SOCKET";

/// Whoever wants to know how we are.
#[derive(Default)]
pub struct Listener(Option<OsString>);

impl Listener {
    /// The one that our environment names, if it names one.
    pub fn from_env() -> Listener {
        Listener(std::env::var_os(VARIABLE).filter(|name| !name.is_empty()))
    }

    /// The daemon serves: commands are answered.
    pub fn ready(&self) {
        self.tell("READY=1\nSTATUS=The daemon serves.");
    }

    /// Another keeper holds the services; this one waits behind it.
    pub fn stands_by(&self) {
        self.tell("READY=1\nSTATUS=Another keeper holds the services; waiting behind it.");
    }

    /// The end has begun.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=Stopping all services.");
    }

    fn tell(&self, text: &str) {
        let Some(name) = &self.0 else { return };
        let bytes = name.as_bytes();
        let address = match bytes.strip_prefix(b"@") {
            Some(abstract_name) => SocketAddr::from_abstract_name(abstract_name),
            None => SocketAddr::from_pathname(name),
        };
        let sent =
            address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(text.as_bytes(), &address));
        if let Err(error) = sent {
            say::warning!("cannot tell the init system how we are: {error}");
        }
    }
}

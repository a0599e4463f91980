//! Certificates: read from files that their owner alone can read, and read again when they change.
//!
//! HTTP/1.1 alone is offered: nothing here needs HTTP/2, whose streams would be one more thing to
//! bound (web.md 4.3, rows 20 and 24).

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ServerConfig, crypto::aws_lc_rs};

/// The certificate of one address.
pub struct Tls {
    cert: PathBuf,
    key: PathBuf,
    state: Mutex<State>,
}

struct State {
    acceptor: TlsAcceptor,
    /// When the certificate expires, in seconds since 1970.
    expires: Option<i64>,
    /// The files when they were read last, good or bad.
    seen: [Option<Stamp>; 2],
}

/// What tells one file from another in its place: device, inode, size, seconds and nanoseconds.
type Stamp = (u64, u64, u64, i64, i64);

impl Tls {
    /// Reads the chain in `cert` and the key in `key`, both PEM.
    ///
    /// # Errors
    /// A sentence that names the file and what is wrong with it.
    pub fn open(cert: &Path, key: &Path) -> Result<Tls, String> {
        let seen = [stamp(cert), stamp(key)];
        let (acceptor, expires) = load(cert, key)?;
        let state = Mutex::new(State { acceptor, expires, seen });
        Ok(Tls { cert: cert.to_owned(), key: key.to_owned(), state })
    }

    /// What shakes hands, with the certificate of now.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.state().acceptor.clone()
    }

    /// When the certificate of now expires, in seconds since 1970. `None` if it does not say so in a way
    /// that is understood here; clients judge that for themselves.
    pub fn expires(&self) -> Option<i64> {
        self.state().expires
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The file of the certificate.
    pub fn file(&self) -> &Path {
        &self.cert
    }

    /// Reads the files again when they changed, or anyway. What is not usable is told in the log,
    /// once, and the certificate from before stays: half of a renewal is no reason to stop.
    ///
    /// # Errors
    /// A sentence, when it is not usable.
    pub fn refresh(&self, anyway: bool) -> Result<(), String> {
        let seen = [stamp(&self.cert), stamp(&self.key)];
        if seen == self.state().seen && !anyway {
            return Ok(());
        }
        // Not under the lock: handshakes go on meanwhile.
        let loaded = load(&self.cert, &self.key);
        let mut state = self.state();
        state.seen = seen;
        match loaded {
            Ok((acceptor, expires)) => {
                (state.acceptor, state.expires) = (acceptor, expires);
                tracing::info!("the certificate {} was read again", self.cert.display());
                Ok(())
            }
            Err(e) => {
                tracing::warn!("the certificate from before stays in use: {e}");
                Err(e)
            }
        }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.dev(), meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec()))
}

/// What shakes hands with them, and when the certificate expires.
fn load(cert: &Path, key: &Path) -> Result<(TlsAcceptor, Option<i64>), String> {
    let pem = std::fs::read(cert).map_err(|e| format!("cannot read {}: {e}", cert.display()))?;
    let chain: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.map_err(|e| format!("{} is not a PEM file: {e}", cert.display()))?;
    if chain.is_empty() {
        let name = cert.display();
        return Err(format!("{name} holds no certificate: give one in PEM form (BEGIN CERTIFICATE)"));
    }
    let first = x509_parser::parse_x509_certificate(&chain[0]).ok();
    let expires = first.map(|(_, first)| first.validity().not_after.timestamp());
    let private = PrivateKeyDer::from_pem_slice(&private(key)?).map_err(|_| {
        format!("{} holds no private key: give one in PEM form (BEGIN PRIVATE KEY)", key.display())
    })?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private));
    let mut config = config.map_err(|e| {
        format!("{} and {} are not a certificate and its key: {e}", cert.display(), key.display())
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((TlsAcceptor::from(Arc::new(config)), expires))
}

/// The bytes of a key that nobody else can read: of the file that was looked at, not of one that
/// takes its name meanwhile.
fn private(key: &Path) -> Result<Vec<u8>, String> {
    let name = key.display();
    let mut file = File::open(key).map_err(|e| format!("cannot read {name}: {e}"))?;
    let meta = file.metadata().map_err(|e| format!("cannot read {name}: {e}"))?;
    let us = nix::unistd::geteuid().as_raw();
    if meta.uid() != us && meta.uid() != 0 {
        return Err(format!(
            "{name} belongs to uid {}: the key must belong to uid {us} or to root",
            meta.uid()
        ));
    }
    if meta.mode() & 0o077 != 0 {
        let mode = meta.mode() & 0o777;
        return Err(format!("{name} can be read by others (mode {mode:04o}): run chmod 600 {name}"));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|e| format!("cannot read {name}: {e}"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn write(dir: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn row_20_it_is_known_when_a_certificate_expires() {
        let dir = tempfile::tempdir().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let secret = write(dir.path(), "key.pem", &key.serialize_pem(), 0o600);
        let check = |year, expires| {
            let mut wanted = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
            wanted.not_after = rcgen::date_time_ymd(year, 2, 3);
            let cert = write(dir.path(), "cert.pem", &wanted.self_signed(&key).unwrap().pem(), 0o644);
            assert_eq!(Tls::open(&cert, &secret).unwrap().expires(), Some(expires), "{year}");
        };
        check(2031, 1_927_843_200);
        // Beyond 2049 it is written in another form.
        check(2061, 2_874_614_400);
    }

    #[test]
    fn row_20_a_key_that_others_can_read_or_that_is_another_ones_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let cert = write(dir.path(), "cert.pem", &made.cert.pem(), 0o644);
        let secret = made.signing_key.serialize_pem();
        let key = write(dir.path(), "key.pem", &secret, 0o600);
        assert!(Tls::open(&cert, &key).is_ok());
        let check = |cert: &Path, key: &Path, words: &[&str]| {
            let why = Tls::open(cert, key).err().unwrap_or_else(|| panic!("{words:?}"));
            for word in words {
                assert!(why.contains(word), "{why}");
            }
            assert!(!why.contains(secret.lines().nth(1).unwrap()), "the key is told: {why}");
        };
        for mode in [0o640, 0o644, 0o660, 0o604] {
            let loose = write(dir.path(), "loose.pem", &secret, mode);
            check(&cert, &loose, &["loose.pem", "chmod 600"]);
        }
        let foreign = write(dir.path(), "other.pem", &other.signing_key.serialize_pem(), 0o600);
        check(&cert, &foreign, &["cert.pem", "other.pem", "not a certificate and its key"]);
        check(&key, &key, &["key.pem", "no certificate"]);
        let empty = write(dir.path(), "empty.pem", "", 0o600);
        check(&cert, &empty, &["empty.pem", "no private key"]);
        check(&dir.path().join("nosuch"), &key, &["nosuch", "cannot read"]);
    }
}

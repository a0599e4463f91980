//! The oldest Linux that can do what we need: pidfds that can be waited for, and processes that
//! close everything before they run something else.
//!
//! Asked before keeper or daemon begin, so that an older kernel gets one sentence and not a
//! failure somewhere later. [`abilities`] tries out what newer ones, or a container, may allow; [`scratch`] a whole
//! service.

pub mod abilities;
pub mod scratch;

/// The oldest version, as its first two numbers.
pub const OLDEST: (u32, u32) = (5, 10);

/// Release of the running kernel, such as `6.1.0-18-amd64`.
///
/// # Errors
/// A sentence, when it is not Linux that runs or it does not say.
pub fn release() -> Result<String, String> {
    let name =
        nix::sys::utsname::uname().map_err(|e| format!("the kernel does not tell its version: {e}"))?;
    let (system, release) = (name.sysname().to_string_lossy(), name.release().to_string_lossy());
    if system != "Linux" {
        return Err(format!("pmdaemon runs on Linux, and this is {system}"));
    }
    Ok(release.into_owned())
}

/// Whether the running kernel is new enough.
///
/// # Errors
/// A sentence that says what it is and what is needed.
pub fn check() -> Result<(), String> {
    check_release(&release()?)
}

/// Whether a kernel of that release is new enough. One whose version cannot be read is let pass:
/// it is newer than this program.
///
/// # Errors
/// As [`check`].
pub fn check_release(release: &str) -> Result<(), String> {
    match version(release) {
        Some(version) if version < OLDEST => Err(format!(
            "this is Linux {release} and pmdaemon needs {}.{} or newer: update the kernel",
            OLDEST.0, OLDEST.1
        )),
        Some(_) | None => Ok(()),
    }
}

/// The first two numbers of a release.
pub fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for (release, enough) in [
            ("2.6.32-754.el6", false),
            ("4.19.0", false),
            ("5.4.0-42-generic", false),
            ("5.9.16", false),
            ("5.10.0-8-amd64", true),
            ("5.10", true),
            ("5.9-rc1", false),
            ("5.15.167.4-microsoft-standard-WSL2", true),
            ("6.1.0", true),
            ("6.18.44", true),
            ("10.0.1", true),
        ] {
            assert_eq!(check_release(release).is_ok(), enough, "{release}");
        }
        let told = check_release("5.4.0-42-generic").unwrap_err();
        assert_eq!(
            told,
            "this is Linux 5.4.0-42-generic and pmdaemon needs 5.10 or newer: update the kernel"
        );
    }

    #[test]
    fn an_unreadable_version_is_no_old_version() {
        for release in ["", "next", "6"] {
            assert_eq!(version(release), None, "{release}");
            assert!(check_release(release).is_ok());
        }
    }

    #[test]
    fn the_kernel_of_this_host_is_known() {
        assert!(version(&release().unwrap()).is_some());
        check().unwrap();
    }
}

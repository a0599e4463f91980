//! What is kept of a password: an argon2id hash, slow and large on purpose.
//!
//! Each of these takes tens of milliseconds and 19 MiB: never on a thread that serves others, and
//! only a few at once.

use std::sync::OnceLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::secrets::random;

/// Memory in KiB, passes, lanes.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// A password has at least, and at most, so many characters.
const LEAST: usize = 12;
const MOST: usize = 256;
/// Longer than any, in bytes. Whatever is longer is not even looked at.
const TOO_LONG: usize = 4 * MOST;

fn argon2() -> Argon2<'static> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).expect("the parameters are within the bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Whether a password may be used at all. No rules about what it is made of.
///
/// # Errors
/// A sentence.
pub fn check(password: &str) -> Result<(), String> {
    let characters = password.chars().count();
    if characters < LEAST {
        return Err(format!(
            "the password has {characters} characters: use {LEAST} or more, any that you like"
        ));
    }
    if characters > MOST {
        return Err(format!("the password has {characters} characters: {MOST} are the most"));
    }
    Ok(())
}

/// What to keep of `password`: a PHC string.
pub fn hash(password: &str) -> String {
    let hashed: Result<PasswordHash, _> = argon2().hash_password(password.as_bytes());
    hashed.expect("the parameters are within the bounds and the kernel gives random bytes").to_string()
}

/// Whether `password` is the one of which `kept` is kept. Without one, or with one that is void, it
/// takes as long and is wrong.
pub fn verify(password: &str, kept: Option<&str>) -> bool {
    static NOBODYS: OnceLock<String> = OnceLock::new();
    let read = |text: &str| PasswordHash::new(text).ok();
    let known = kept.and_then(read);
    let compared = known.clone().or_else(|| read(NOBODYS.get_or_init(|| hash(&random::text()))));
    let same = compared.is_some_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok());
    same && known.is_some() && password.len() <= TOO_LONG
}

/// Whether `kept` was made with less than a new one would be.
pub fn is_outdated(kept: &str) -> bool {
    let (memory, passes, lanes) = COST;
    let Some(hash) = PasswordHash::new(kept).ok() else { return true };
    let Ok(params) = Params::try_from(&hash) else { return true };
    hash.algorithm.as_str() != Algorithm::Argon2id.as_str()
        || (params.m_cost(), params.t_cost(), params.p_cost()) < (memory, passes, lanes)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nix::time::{ClockId, clock_gettime};

    use super::*;

    #[test]
    fn a_password_is_kept_as_argon2id_with_a_salt_of_its_own() {
        let (one, two) = (hash("correct horse battery"), hash("correct horse battery"));
        assert_ne!(one, two);
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert!(verify("correct horse battery", Some(&one)));
        for wrong in ["", "correct horse batter", "Correct horse battery", "correct horse battery "] {
            assert!(!verify(wrong, Some(&one)), "{wrong:?}");
        }
        assert!(!is_outdated(&one));
        assert!(is_outdated(&one.replace("m=19456", "m=9216")) && is_outdated("") && is_outdated("plain"));
    }

    #[test]
    fn somebody_unknown_takes_as_long_as_a_wrong_password() {
        let kept = hash("correct horse battery");
        verify("warm up", None);
        // CPU time of this thread: others who work meanwhile do not count.
        let now = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap());
        let time = |kept: Option<&str>| {
            let begun = now();
            assert!(!verify("wrong horse battery", kept));
            (now() - begun).as_secs_f64()
        };
        // The shortest of some, in turn: a busy machine only makes them longer. Without the work it
        // would be thousands of times shorter.
        let mut shortest = [f64::MAX; 3];
        for _ in 0..8 {
            for (shortest, kept) in shortest.iter_mut().zip([Some(kept.as_str()), None, Some("")]) {
                *shortest = shortest.min(time(kept));
            }
        }
        let [known, unknown, void] = shortest;
        for other in [unknown, void] {
            assert!((0.25..4.0).contains(&(other / known)), "{known} s, {other} s");
        }
    }

    #[test]
    fn a_password_has_twelve_characters_or_more_and_no_other_rules() {
        for good in ["aaaaaaaaaaaa", "            ", "pässwörtchen", &"ö".repeat(256)] {
            assert!(check(good).is_ok(), "{good:?}");
        }
        for bad in ["", "aaaaaaaaaaa", "ööööö", &"x".repeat(257)] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }
}

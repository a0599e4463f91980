//! The environment that an app inherits from whoever starts it.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// The variables to hand on, and the names of those that cannot be (not UTF-8). Our own are not
/// handed on: they say where pmdaemon lives and who may command it.
pub fn inherited(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> (BTreeMap<String, String>, Vec<String>) {
    let mut kept = BTreeMap::new();
    let mut dropped = Vec::new();
    for (key, value) in variables {
        if key.as_encoded_bytes().starts_with(b"PMDAEMON_") {
            continue;
        }
        match (key.into_string(), value.into_string()) {
            (Ok(key), Ok(value)) => {
                kept.insert(key, value);
            }
            (Ok(key), Err(_)) => dropped.push(key),
            (Err(key), Ok(_) | Err(_)) => dropped.push(key.to_string_lossy().into_owned()),
        }
    }
    (kept, dropped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn our_own_variables_and_what_is_not_utf8_are_not_handed_on() {
        let bad = OsString::from_vec(vec![b'x', 0xff]);
        let variables = vec![
            ("PATH".into(), "/bin".into()),
            ("PMDAEMON_TOKEN".into(), "secret".into()),
            ("PMDAEMON_HOME".into(), "/x".into()),
            ("LATIN".into(), bad.clone()),
            (bad, "value".into()),
        ];
        let (kept, dropped) = inherited(variables.into_iter());
        assert_eq!(kept, BTreeMap::from([("PATH".to_owned(), "/bin".to_owned())]));
        assert_eq!(dropped, ["LATIN", "x\u{fffd}"]);
    }
}

//! Called as `pm2` (by a link of that name), the few words that mean something else there mean
//! that: `status` is the list, and `logs` goes on until Ctrl+C.

use std::ffi::OsString;
use std::path::Path;

/// The words of the command line, in pmdaemon's own.
pub fn translated(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.collect();
    let is_pm2 = words.first().and_then(|own| Path::new(own).file_name()).is_some_and(|name| name == "pm2");
    if !is_pm2 || words.len() < 2 {
        return words;
    }
    if words[1] == "status" {
        words[1] = "list".into();
    } else if (words[1] == "logs" || words[1] == "log")
        && !words.iter().any(|word| word == "--nostream" || word == "--follow" || word == "-f")
    {
        words.insert(2, "--follow".into());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_under_pm2s_name_words_mean_what_they_mean_there() {
        let check = |line: &str, expected: &str| {
            let words = translated(line.split(' ').map(OsString::from));
            assert_eq!(words.join(std::ffi::OsStr::new(" ")), expected);
        };
        check("/usr/bin/pm2 status", "/usr/bin/pm2 list");
        check("pm2 logs web --lines 5", "pm2 logs --follow web --lines 5");
        check("pm2 logs --nostream", "pm2 logs --nostream");
        check("pm2 start status", "pm2 start status");
        check("pmdaemon status", "pmdaemon status");
        check("pm2", "pm2");
    }
}

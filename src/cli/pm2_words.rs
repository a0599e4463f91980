//! Called as `pm2` (by a link of that name), the few words that mean something else there mean
//! that: `status` is the list, `-v` the version, `delete` asks nothing, and `logs` goes on until
//! Ctrl+C and looks as there. Called as `pm2-runtime`, a script or file is all that there is to say.

use std::ffi::OsString;
use std::path::Path;

/// What may stand before a command, without a value.
const GENERAL: [&str; 3] = ["-s", "--silent", "--no-color"];

/// Options of `logs` that do not go with lines that are still to come, or ask for them.
const HOW_LONG: [&str; 5] = ["--nostream", "--follow", "-f", "--previous", "--until"];

/// The words of the command line, in pmdaemon's own.
pub fn translated(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let words: Vec<OsString> = words.collect();
    let name = words.first().and_then(|own| Path::new(own).file_name()).and_then(|name| name.to_str());
    match name {
        Some("pm2") => of_pm2(words),
        Some("pm2-runtime" | "pm2-docker") => of_runtime(words),
        Some(_) | None => words,
    }
}

fn of_pm2(mut words: Vec<OsString>) -> Vec<OsString> {
    let options = words.iter().skip(1).take_while(|word| GENERAL.iter().any(|known| *word == *known));
    let verb = 1 + options.count();
    match words.get(verb).and_then(|word| word.to_str()) {
        Some("status") => words[verb] = "list".into(),
        Some("-v") => words[verb] = "--version".into(),
        Some("logs" | "log") => {
            let says_how_long = |word: &OsString| {
                let word = word.to_str().and_then(|word| word.split('=').next());
                word.is_some_and(|word| HOW_LONG.contains(&word))
            };
            if !words.iter().any(says_how_long) {
                words.insert(verb + 1, "--follow".into());
            }
            words.insert(verb + 1, "--as-pm2".into());
        }
        // It asks nobody.
        Some("delete" | "del") if !words.iter().any(|word| word == "--force" || word == "-f") => {
            words.insert(verb + 1, "--force".into());
        }
        Some(_) | None => {}
    }
    as_many_as_cpus(&mut words);
    words
}

/// `-i 0` is one for each CPU there, and refused here.
fn as_many_as_cpus(words: &mut [OsString]) {
    let own = words.iter().position(|word| word == "--").unwrap_or(words.len());
    for at in 1..own {
        if words[at] == "0" && (words[at - 1] == "-i" || words[at - 1] == "--instances") {
            words[at] = "max".into();
        }
    }
}

fn of_runtime(mut words: Vec<OsString>) -> Vec<OsString> {
    as_many_as_cpus(&mut words);
    match words.get(1).and_then(|word| word.to_str()) {
        Some("start") => words[1] = "runtime".into(),
        Some("-v" | "-V" | "--version") => words[1] = "--version".into(),
        Some(_) | None => words.insert(1, "runtime".into()),
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
        check("pm2 logs web --lines 5", "pm2 logs --as-pm2 --follow web --lines 5");
        check("pm2 logs --nostream", "pm2 logs --as-pm2 --nostream");
        check("pm2 logs --previous web", "pm2 logs --as-pm2 --previous web");
        check("pm2 logs web --until=10m", "pm2 logs --as-pm2 web --until=10m");
        check("pm2 -s logs web", "pm2 -s logs --as-pm2 --follow web");
        check("pm2 -v", "pm2 --version");
        check("pm2 delete all", "pm2 delete --force all");
        check("pm2 -s del web -f", "pm2 -s del web -f");
        check("pmdaemon delete all", "pmdaemon delete all");
        check("pm2-runtime app.js -i 2", "pm2-runtime runtime app.js -i 2");
        check("/bin/pm2-docker start app.js", "/bin/pm2-docker runtime app.js");
        check("pm2-runtime", "pm2-runtime runtime");
        check("pm2-runtime -v", "pm2-runtime --version");
        check("pm2 start status", "pm2 start status");
        check("pm2 start app.js -i 0 -- -i 0", "pm2 start app.js -i max -- -i 0");
        check("pmdaemon start app.js -i 0", "pmdaemon start app.js -i 0");
        check("pmdaemon status", "pmdaemon status");
        check("pm2", "pm2");
    }
}

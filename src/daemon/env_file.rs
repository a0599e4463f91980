//! Files with variables in dotenv format (acceptance rows J15 and K17): read when an app is
//! defined, to find mistakes, and again at each start. Their values are kept nowhere.
//!
//! Nothing is substituted in a value: `$HOME` is four letters after a dollar.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use dotenvor::ParseErrorKind;

use super::finder::reason;

/// No environment is larger.
const MAX_BYTES: u64 = 1024 * 1024;

/// The variables of all files; a later file wins. Blocks while it reads.
///
/// # Errors
/// A sentence with the path, and the line if one is wrong, never with a value.
pub fn read(files: &[PathBuf]) -> Result<BTreeMap<String, String>, String> {
    let mut all = BTreeMap::new();
    for file in files {
        all.extend(read_one(file)?);
    }
    Ok(all)
}

fn read_one(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let shown = path.display();
    let unreadable = |e: std::io::Error| format!("the env file {shown} cannot be read: {}", reason(&e));
    // A FIFO that nobody writes to must not be waited for.
    let file: File =
        OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(unreadable)?;
    let meta = file.metadata().map_err(unreadable)?;
    if !meta.is_file() {
        return Err(format!("the env file {shown} is not a file"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("the env file {shown} is larger than 1 MiB"));
    }
    let text = String::from_utf8(bytes).map_err(|_| format!("the env file {shown} is not UTF-8"))?;
    parse(&text).map_err(|(line, what)| format!("the env file {shown} is wrong in line {line}: {what}"))
}

/// The variables, or the number of a line and what is wrong with it.
fn parse(text: &str) -> Result<BTreeMap<String, String>, (u32, &'static str)> {
    let text = text.trim_start_matches('\u{feff}');
    let entries = dotenvor::parse_str(text).map_err(|error| match error {
        dotenvor::Error::Parse(error) => (
            error.line,
            match error.kind {
                ParseErrorKind::InvalidSyntax => "write NAME=value, and quote a value that holds quotes",
                ParseErrorKind::MissingKey => "there is no name before the =",
                ParseErrorKind::InvalidKey => "a name has letters, digits, '_', '.' and '-' only",
                ParseErrorKind::UnterminatedQuote => "a quote is never closed",
            },
        ),
        dotenvor::Error::Io(_) | dotenvor::Error::InvalidEncoding(_) => (1, "it cannot be read as text"),
    })?;
    match entries.iter().find(|entry| entry.value.contains('\0')) {
        Some(entry) => Err((entry.line, "a value holds a NUL character")),
        None => Ok(entries.into_iter().map(|entry| (entry.key, entry.value)).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_forms_are_understood_and_nothing_is_substituted() {
        let text = "\u{feff}# a comment\nA=1\r\nexport B = two words # why\nC='$A # as it is'\n\nD=\"line\\nnext\"\n\
                    E=$HOME\nF=\nG=\"first\nsecond\"\nA=2\nH=a=b\n";
        let expected = [
            ("A", "2"),
            ("B", "two words"),
            ("C", "$A # as it is"),
            ("D", "line\nnext"),
            ("E", "$HOME"),
            ("F", ""),
            ("G", "first\nsecond"),
            ("H", "a=b"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(parse(text), Ok(expected));
        assert_eq!(parse(""), Ok(BTreeMap::new()));
    }

    #[test]
    fn a_mistake_is_told_with_its_line_and_without_values() {
        let check = |text: &str, line, word: &str| {
            let (at, what) = parse(text).unwrap_err();
            assert!(at == line && what.contains(word), "{text:?}: {at} {what}");
        };
        check("A=1\nsecret words\n", 2, "NAME=value");
        check("=secret", 1, "no name");
        check("A=1\n\nB C=secret", 3, "letters");
        check("A=\"secret", 1, "never closed");
        check("A=se\0cret", 1, "NUL");
    }

    #[test]
    fn what_is_no_readable_file_is_told_with_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let check = |name: &str, word: &str| {
            let refused = read(&[dir.path().join(name)]).unwrap_err();
            assert!(refused.contains(name) && refused.contains(word), "{refused}");
        };
        check("missing.env", "does not exist");
        std::fs::create_dir(dir.path().join("dir.env")).unwrap();
        check("dir.env", "is not a file");
        nix::unistd::mkfifo(&dir.path().join("fifo.env"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        check("fifo.env", "is not a file");
        std::fs::write(dir.path().join("large.env"), vec![b'#'; MAX_BYTES as usize + 1]).unwrap();
        check("large.env", "larger");
        std::fs::write(dir.path().join("latin.env"), b"A=\xff").unwrap();
        check("latin.env", "UTF-8");
        std::fs::write(dir.path().join("a.env"), "A=1\nB=1").unwrap();
        std::fs::write(dir.path().join("b.env"), "B=2").unwrap();
        let both = read(&[dir.path().join("a.env"), dir.path().join("b.env")]).unwrap();
        assert_eq!(both, [("A", "1"), ("B", "2")].map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    }
}

//! What pages refer to: our own CSS and JavaScript (`web/`) and vendored htmx (`static/`).
//!
//! All of it is in the binary and served by exact name, so no path can leave it. Pages say
//! `/assets/VERSION/NAME` with one version for the whole set: an answer never changes and may be
//! kept for ever, and relative imports between modules work. Our scripts and style sheets are sent
//! without their comments and indentation.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use bytes::Bytes;
use rust_embed::{Embed, EmbeddedFile};
use sha2::{Digest, Sha256};

/// A file for the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its content.
    pub bytes: Bytes,
    /// For the header `Content-Type`.
    pub content_type: &'static str,
}

/// What we wrote.
#[derive(Embed)]
#[folder = "web/"]
#[exclude = "tests/*"]
#[exclude = "monitoring/*"]
#[exclude = "*.md"]
struct Ours;

/// What others wrote.
#[derive(Embed)]
#[folder = "static/"]
#[exclude = "*.json"]
struct Vendored;

/// Every asset by name: an exact list, so no path can leave it.
static ASSETS: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
    let ours = Ours::iter().map(|name| (Ours::get(&name).map(lean), name));
    let vendored = Vendored::iter().map(|name| (Vendored::get(&name).map(whole), name));
    let asset = |(bytes, name): (Option<Bytes>, Cow<'static, str>)| {
        let asset = Asset { bytes: bytes?, content_type: content_type(&name) };
        Some((name.into_owned(), asset))
    };
    ours.chain(vendored).filter_map(asset).collect()
});

fn whole(file: EmbeddedFile) -> Bytes {
    match file.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    }
}

/// Without the comments that have their lines to themselves, and without indentation. No text of ours
/// goes over several lines, and nothing follows a comment on its line: a test holds the files to that.
fn lean(file: EmbeddedFile) -> Bytes {
    let source = String::from_utf8_lossy(&file.data);
    let (mut kept, mut in_comment) = (String::with_capacity(source.len()), false);
    for line in source.lines().map(str::trim) {
        let begins = line.starts_with("/*");
        let comment = in_comment || begins || line.starts_with("//");
        in_comment = (in_comment || begins) && !line.ends_with("*/");
        if !comment && !line.is_empty() {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept.into()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "js")) => SCRIPT,
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        Some((_, _)) | None => "text/plain; charset=utf-8",
    }
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The asset of this name (`app.css`, `htmx/htmx.min.js`): what follows `/assets/VERSION/`.
pub fn get(name: &str) -> Option<Asset> {
    ASSETS.get(name).cloned()
}

/// Names the whole set: 16 hexadecimal digits that change when any name or content does.
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let mut hash = Sha256::new();
        for (name, asset) in ASSETS.iter() {
            hash.update(name.as_bytes());
            hash.update((asset.bytes.len() as u64).to_le_bytes());
            hash.update(&asset.bytes);
        }
        hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    });
    &VERSION
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::Write;
    use std::path::Path;

    use base64::Engine;
    use sha2::Sha384;

    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    /// Files below `directory`, relative to it, without the tests and their dependencies.
    fn files(directory: &str) -> BTreeSet<String> {
        let top = root().join(directory);
        let (mut found, mut todo) = (BTreeSet::new(), vec![top.clone()]);
        while let Some(directory) = todo.pop() {
            for entry in std::fs::read_dir(&directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && path != top.join("tests") && path != top.join("monitoring") {
                    todo.push(path);
                } else if path.is_file() {
                    found.insert(path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        found
    }

    #[test]
    fn every_file_is_served_and_nothing_else() {
        let mut expected = files("web");
        expected.extend(files("static"));
        expected.remove("README.md");
        expected.remove("VENDORED.json");
        let served: BTreeSet<_> = ASSETS.keys().cloned().collect();
        assert_eq!(served, expected);
        for odd in ["", "/", "../Cargo.toml", "htmx", "APP.CSS", "app.css/"] {
            assert_eq!(get(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn vendored_files_are_what_their_list_says() {
        let list: serde_json::Value =
            serde_json::from_slice(&std::fs::read(root().join("static/VENDORED.json")).unwrap()).unwrap();
        let mut listed = BTreeSet::from(["VENDORED.json".to_owned()]);
        for entry in list["files"].as_array().unwrap() {
            let member = |name: &str| entry[name].as_str().unwrap_or_else(|| panic!("no {name} in {entry}"));
            for said in ["name", "version", "origin", "licence"] {
                assert!(!member(said).is_empty(), "{said} in {entry}");
            }
            let bytes = std::fs::read(root().join("static").join(member("file"))).unwrap();
            let hash = base64::engine::general_purpose::STANDARD.encode(Sha384::digest(&bytes));
            assert_eq!(hash, member("sha384"), "{}", member("file"));
            listed.insert(member("file").to_owned());
        }
        assert_eq!(files("static"), listed, "a file without an entry in static/VENDORED.json");
    }

    /// What a page loads that begins with these modules: they and what they import, in their order.
    fn loaded(entries: &[&str]) -> Vec<String> {
        let mut all: Vec<String> = entries.iter().map(|name| (*name).to_owned()).collect();
        let mut at = 0;
        while at < all.len() {
            let source = get(&all[at]).unwrap_or_else(|| panic!("there is no {}", all[at])).bytes;
            for line in
                std::str::from_utf8(&source).unwrap().lines().filter(|line| line.starts_with("import "))
            {
                let name = line.split('"').nth(1).and_then(|path| path.strip_prefix("./"));
                let name = name.unwrap_or_else(|| panic!("{line}")).to_owned();
                if !all.contains(&name) {
                    all.push(name);
                }
            }
            at += 1;
        }
        all
    }

    /// So many bytes are sent.
    fn gzip(bytes: &[u8]) -> usize {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap().len()
    }

    #[test]
    fn our_own_script_of_each_page_stays_small() {
        let pages: [&[&str]; 2] =
            [&["theme.js", "shell.js", "live.js", "rows.js"], &["theme.js", "shell.js", "logs.js"]];
        for entries in pages {
            let size: usize = loaded(entries).iter().map(|name| gzip(&get(name).unwrap().bytes)).sum();
            assert!(size <= 8 * 1024, "{entries:?}: {size} bytes of compressed script");
        }
    }

    #[test]
    fn what_is_sent_is_what_was_written_without_comments_and_indentation() {
        let file = |text: &'static str| EmbeddedFile {
            data: text.as_bytes().into(),
            ..Ours::get("app.css").unwrap()
        };
        let lean = |text| lean(file(text));
        assert_eq!(
            lean("// a\n/** b */\n  x(); // c\n\n  /* d\n  * e\n  f */\n  y();\n"),
            "x(); // c\ny();\n"
        );
        // The rules that make this safe.
        for name in Ours::iter() {
            let source = Ours::get(&name).unwrap().data;
            let mut in_comment = false;
            for line in std::str::from_utf8(&source).unwrap().lines().map(str::trim) {
                if name.ends_with(".js") {
                    assert!(line.matches('`').count() % 2 == 0, "{name}: a text over several lines: {line}");
                } else {
                    assert!(!line.starts_with("//"), "{name}: that is no comment there: {line}");
                }
                in_comment |= line.starts_with("/*");
                if in_comment && let Some((_, after)) = line.split_once("*/") {
                    assert_eq!(after, "", "{name}: something follows a comment: {line}");
                    in_comment = false;
                }
            }
        }
    }
}

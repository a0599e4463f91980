//! Rules that hold for every template, checked on their sources.

use std::path::{Path, PathBuf};

fn sources() -> Vec<(PathBuf, String)> {
    let (mut found, mut todo) = (vec![], vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("templates")]);
    while let Some(directory) = todo.pop() {
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else {
                found.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() > 5, "the templates are not where they were");
    found
}

/// Start tags, each from `<` to `>`. Template expressions in them contain no `>`.
fn tags(source: &str) -> impl Iterator<Item = &str> {
    source.split('<').skip(1).filter_map(|rest| rest.split('>').next()).filter(|tag| !tag.starts_with('/'))
}

/// The names of a tag's attributes, lower case. Quoted values are left out, so a word in a text or a
/// configuration is not taken for a name.
fn attributes(tag: &str) -> Vec<String> {
    let outside: String = tag.split(['"', '\'']).step_by(2).collect::<Vec<_>>().join(" ");
    outside
        .split_whitespace()
        .skip(1)
        .map(|word| word.split('=').next().unwrap_or_default().to_lowercase())
        .collect()
}

#[test]
fn no_template_needs_an_exception_from_the_content_security_policy() {
    for (path, source) in sources() {
        for tag in tags(&source) {
            for name in attributes(tag) {
                let forbidden = name == "style" || name.starts_with("on") || name.starts_with("hx-on");
                assert!(!forbidden, "{name} in <{tag}> of {}", path.display());
            }
            let lower = tag.to_lowercase();
            let inline_script = lower.starts_with("script")
                && !lower.contains(" src=")
                && !lower.contains("type=\"application/json\"");
            assert!(!inline_script, "inline script in {}", path.display());
            assert!(!lower.starts_with("style"), "inline style in {}", path.display());
            assert!(
                !lower.contains("js:") && !lower.contains("javascript:"),
                "<{tag}> of {}",
                path.display()
            );
        }
    }
}

#[test]
fn no_template_switches_escaping_off() {
    for (path, source) in sources() {
        let safe =
            source.contains("|safe") || source.contains("| safe") || source.contains("escape \"none\"");
        assert!(!safe, "{}", path.display());
    }
}

#[test]
fn get_never_changes_anything() {
    for (path, source) in sources() {
        for form in tags(&source).filter(|tag| tag.starts_with("form")) {
            let asks = form.contains(r#"method="get""#) && form.contains(r#"role="search""#);
            let safe = asks || form.contains(r#"method="post""#) || form.contains(r#"method="dialog""#);
            assert!(safe, "<{form}> of {}", path.display());
        }
    }
}

#[test]
fn tables_say_what_their_headers_are_for() {
    for (path, source) in sources() {
        for tag in tags(&source).filter(|tag| tag.starts_with("th ") || *tag == "th") {
            assert!(tag.contains("scope="), "<{tag}> of {}", path.display());
        }
    }
}

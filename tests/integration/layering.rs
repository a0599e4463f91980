//! Nobody uses what the map in `src/lib.rs` does not allow.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What each module may use besides itself: the column "may use" of the map.
const MAY_USE: &[(&str, &str)] = &[
    ("model home wire own_log secrets balance files", ""),
    ("settings", "wire"),
    ("supervisor logs sample probe", "model"),
    ("fault", "home"),
    ("keeper", "home fault model own_log"),
    ("kernel", "keeper"),
    ("store", "model supervisor"),
    ("auth", "model secrets store"),
    (
        "daemon",
        "model home fault own_log secrets settings supervisor keeper store auth balance logs sample probe",
    ),
    ("dashboard ecosystem", "wire"),
    (
        "api",
        "model home own_log secrets settings supervisor keeper store auth balance logs sample probe daemon wire dashboard ecosystem",
    ),
    ("client", "wire home secrets settings kernel"),
    ("cli", "client ecosystem wire home secrets settings kernel"),
    ("library", "client wire home"),
];

/// They put the program together, so they may use everything.
const EXEMPT: [&str; 4] = ["main", "run", "local_token", "lib"];

fn allowed(module: &str) -> Vec<&'static str> {
    let row = MAY_USE.iter().find(|(modules, _)| modules.split(' ').any(|name| name == module));
    row.unwrap_or_else(|| panic!("{module} is not in the table")).1.split_whitespace().collect()
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The modules of the crate that a source names by `crate::`, also in groups. Comments do not
/// count: documentation may point anywhere.
fn used(source: &str) -> BTreeSet<String> {
    let code: Vec<&str> = source.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = code.join("\n");
    let word = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => drop(found.insert(word(rest))),
            Some(group) => {
                let mut depth = 0;
                let mut start = 0;
                for (at, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth > 0 => depth -= 1,
                        ',' | '}' if depth == 0 => {
                            found.insert(word(&group[start..at]));
                            start = at + 1;
                            if c == '}' {
                                break;
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    found.remove("");
    found
}

#[test]
fn modules_use_only_what_the_map_allows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let map = std::fs::read_to_string(root.join("lib.rs")).unwrap();
    let modules: BTreeSet<&str> =
        map.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut wrong = Vec::new();
    for file in &files {
        let relative = file.strip_prefix(&root).unwrap();
        let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
        let module = first.trim_end_matches(".rs");
        if EXEMPT.contains(&module) {
            continue;
        }
        for other in used(&std::fs::read_to_string(file).unwrap()) {
            let stranger = modules.contains(other.as_str()) && other != module;
            if stranger && !allowed(module).contains(&other.as_str()) {
                wrong.push(format!("{} uses {other}", relative.display()));
            }
        }
    }
    assert!(files.len() > 100, "the sources were not found");
    assert!(wrong.is_empty(), "not allowed by the map in src/lib.rs:\n{}", wrong.join("\n"));
}

#[test]
fn every_way_to_name_a_module_is_seen() {
    let source = "use crate::{auth::{Key, b::C}, wire};\n// crate::api\nlet x = crate::store::open();\n\
                  use crate::model;";
    assert_eq!(used(source), ["auth", "model", "store", "wire"].map(str::to_owned).into());
}

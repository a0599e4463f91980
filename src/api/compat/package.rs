//! The version that a program has by its own account: that of the nearest `package.json`.

use std::path::Path;

/// Looks in the directory and those above it.
pub fn version(directory: &Path) -> Option<String> {
    let text = directory.ancestors().find_map(|at| std::fs::read_to_string(at.join("package.json")).ok())?;
    let package: serde_json::Value = serde_json::from_str(&text).ok()?;
    package["version"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_file_counts_also_when_it_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("app/src");
        std::fs::create_dir_all(&deep).unwrap();
        assert_eq!(version(&deep), None);
        std::fs::write(dir.path().join("package.json"), r#"{"version": "1.2.3"}"#).unwrap();
        assert_eq!(version(&deep).as_deref(), Some("1.2.3"));
        std::fs::write(dir.path().join("app/package.json"), r#"{"name": "app"}"#).unwrap();
        assert_eq!(version(&deep), None);
    }
}

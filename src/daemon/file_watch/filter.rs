//! Which files count.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use regex::Regex;

use crate::model::WatchPolicy;

/// What of the watched paths counts.
pub struct Filter {
    roots: Vec<PathBuf>,
    cwd: PathBuf,
    ignored: GlobSet,
    expressions: Vec<Regex>,
    extensions: Vec<String>,
    /// Logs, whose closed parts have names that go on, and directories of ours.
    own: Vec<PathBuf>,
}

impl Filter {
    /// What that policy says, for an app in that directory, which writes `own` itself.
    ///
    /// # Errors
    /// A sentence about a pattern that is none.
    pub fn new(policy: &WatchPolicy, cwd: &Path, own: Vec<PathBuf>) -> Result<Filter, String> {
        let mut ignored = GlobSetBuilder::new();
        let mut expressions = Vec::new();
        for pattern in &policy.ignore {
            if let Some(expression) = pattern.strip_prefix("re:") {
                let parsed = Regex::new(expression);
                expressions
                    .push(parsed.map_err(|_| {
                        format!("{pattern:?} cannot be ignored: it is no regular expression")
                    })?);
                continue;
            }
            let refuse = |why: &globset::Error| {
                format!(
                    "{pattern:?} cannot be ignored: {}; a pattern is a glob such as logs or *.tmp",
                    why.kind()
                )
            };
            let trimmed = pattern.strip_prefix("./").unwrap_or(pattern).trim_end_matches('/');
            let anywhere = if trimmed.contains('/') { trimmed.to_owned() } else { format!("**/{trimmed}") };
            let glob = GlobBuilder::new(&anywhere).literal_separator(true).build().map_err(|e| refuse(&e))?;
            ignored.add(glob);
        }
        let ignored =
            ignored.build().map_err(|e| format!("these patterns are too much together: {}", e.kind()))?;
        let (roots, extensions) = (policy.paths.clone(), policy.extensions.clone());
        Ok(Filter { roots, cwd: cwd.to_owned(), ignored, expressions, extensions, own })
    }

    /// Whether that path is a watched one, or below one and not ignored.
    pub fn passes(&self, path: &Path) -> bool {
        let Some(root) = self.root_of(path) else { return false };
        let below = path.strip_prefix(root).unwrap_or(path);
        let hidden = |name: &OsStr| name.as_bytes().starts_with(b".") || name == "node_modules";
        !below.iter().any(hidden) && !self.is_own(path) && !self.is_ignored(root, path)
    }

    /// Whether a change of that file counts.
    pub fn counts(&self, file: &Path) -> bool {
        let extension = || file.extension().unwrap_or_default();
        let fits =
            self.extensions.is_empty() || self.extensions.iter().any(|wanted| extension() == wanted.as_str());
        fits && self.passes(file)
    }

    fn root_of(&self, path: &Path) -> Option<&PathBuf> {
        let roots = self.roots.iter().filter(|root| path.starts_with(root));
        roots.max_by_key(|root| root.as_os_str().len())
    }

    fn is_own(&self, path: &Path) -> bool {
        let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec();
        self.own.iter().any(|own| {
            path.starts_with(own) || (own.extension().is_some() && bytes(path).starts_with(&bytes(own)))
        })
    }

    /// It, or a directory around it below the root.
    fn is_ignored(&self, root: &Path, path: &Path) -> bool {
        if self.expressions.iter().any(|expression| expression.is_match(&path.to_string_lossy())) {
            return true;
        }
        if self.ignored.is_empty() {
            return false;
        }
        let around = path.ancestors().take_while(|around| around.starts_with(root) && *around != root);
        around.into_iter().any(|around| {
            let seen_from =
                |from: &Path| around.strip_prefix(from).is_ok_and(|rest| self.ignored.is_match(rest));
            seen_from(root) || seen_from(&self.cwd) || self.ignored.is_match(around)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn filter(ignore: &[&str], extensions: &[&str]) -> Filter {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        let policy = WatchPolicy {
            paths: vec!["/srv/web".into(), "/srv/.shared/conf.json".into()],
            ignore: texts(ignore),
            extensions: texts(extensions),
            delay: Duration::ZERO,
        };
        let own = vec!["/srv/web/logs/out.log".into(), "/srv/web/home".into()];
        Filter::new(&policy, Path::new("/srv/web"), own).unwrap()
    }

    #[test]
    fn dot_files_node_modules_and_what_we_write_never_count() {
        let filter = filter(&[], &[]);
        let check = |path: &str, counts: bool| assert_eq!(filter.counts(Path::new(path)), counts, "{path}");
        check("/srv/web/app.js", true);
        check("/srv/web/src/deep/app.js", true);
        check("/srv/web/.git/index", false);
        check("/srv/web/src/.app.js.swp", false);
        check("/srv/web/node_modules/x/index.js", false);
        check("/srv/web/my_node_modules/x.js", true);
        check("/srv/web/logs/out.log", false);
        check("/srv/web/logs/out.log.3.zst", false);
        check("/srv/web/logs/other.log", true);
        check("/srv/web/home/store.db", false);
        check("/srv/web/home2/x", true);
        check("/srv/other", false);
        // Named by itself it counts.
        check("/srv/.shared/conf.json", true);
        check("/srv/.shared/other.json", false);
    }

    #[test]
    fn a_pattern_without_a_slash_is_a_name_anywhere_and_one_with_a_slash_a_path() {
        let check = |pattern: &str, path: &str, counts: bool| {
            let counted = filter(&[pattern], &[]).counts(Path::new(path));
            assert_eq!(counted, counts, "{pattern} {path}");
        };
        check("logs", "/srv/web/logs/x", false);
        check("logs", "/srv/web/a/logs/b/x", false);
        check("logs", "/srv/web/mylogs/x", true);
        check("*.tmp", "/srv/web/a/b.tmp", false);
        check("client/img", "/srv/web/client/img/a.png", false);
        check("client/img", "/srv/web/x/client/img/a.png", true);
        check("./dist/", "/srv/web/dist/a.js", false);
        check("/srv/web/dist", "/srv/web/dist/a.js", false);
        check("**/gen/*.js", "/srv/web/a/gen/x.js", false);
        check("re:[/]gen[0-9]/", "/srv/web/gen1/x.js", false);
        check("re:[/]gen[0-9]/", "/srv/web/gen/x.js", true);
    }

    #[test]
    fn only_some_extensions_count_if_some_are_named() {
        let filter = filter(&[], &["js", "json"]);
        let check = |path: &str, counts: bool| assert_eq!(filter.counts(Path::new(path)), counts, "{path}");
        check("/srv/web/app.js", true);
        check("/srv/web/app.mjs", false);
        check("/srv/web/js", false);
    }

    #[test]
    fn what_is_no_pattern_is_told_with_an_example() {
        let policy = WatchPolicy {
            paths: Vec::new(),
            ignore: vec!["[a".to_owned()],
            extensions: Vec::new(),
            delay: Duration::ZERO,
        };
        let why = Filter::new(&policy, Path::new("/"), Vec::new()).err().unwrap();
        assert!(why.contains("\"[a\"") && why.contains("*.tmp"), "{why}");
    }
}

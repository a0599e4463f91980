//! What is run on the host: lines for its shell. They are functions of what the file says.

use crate::ecosystem::Target;

/// Where the versions that were deployed are noted, the newest last.
const DEPLOYS: &str = ".deploys";

/// The first time: directories, a clone, and the link to it.
pub fn setup(target: &Target) -> String {
    let path = quoted(&target.path);
    let branch = target.reference.strip_prefix("origin/").filter(|branch| !branch.contains("..")).map(quoted);
    let branch = branch.map(|branch| format!(" --branch {branch}")).unwrap_or_default();
    let depth = if target.shallow { " --depth=5" } else { "" };
    let repo = quoted(&target.repo);
    lines(
        target,
        &[
            hook(target, "pre-setup"),
            format!("mkdir -p {path} {path}/shared/logs {path}/shared/pids"),
            format!(
                "if [ -e {path}/source ]; then echo 'it is set up already: deploy, or remove its source' >&2; exit 17; fi"
            ),
            format!("git clone{depth}{branch} -- {repo} {path}/source"),
            format!("ln -sfn {path}/source {path}/current"),
            in_current(target, "post-setup"),
        ],
    )
}

/// A version, which is noted when its hooks went well.
pub fn update(target: &Target, reference: &str) -> String {
    let path = quoted(&target.path);
    let depth = if target.shallow { " --depth=5" } else { "" };
    lines(
        target,
        &[
            format!("cd {path}/source"),
            format!("git fetch{depth} --all --tags"),
            format!("git reset --hard {}", quoted(reference)),
            "if [ -f .gitmodules ]; then git submodule update --init --recursive; fi".to_owned(),
            format!("ln -sfn {path}/source {path}/current"),
            in_current(target, "pre-deploy"),
            in_current(target, "post-deploy"),
            format!("git -C {path}/source rev-parse --short HEAD >> {path}/{DEPLOYS}"),
        ],
    )
}

/// The version that was deployed so many times ago: its short hash.
pub fn version(target: &Target, ago: u32) -> String {
    let file = format!("{}/{DEPLOYS}", quoted(&target.path));
    let number = u64::from(ago) + 1;
    format!(
        "if [ ! -f {file} ] || [ \"$(wc -l < {file})\" -lt {number} ]; then echo 'there are not so many deployments' \
         >&2; exit 18; fi; tail -n {number} {file} | head -n 1"
    )
}

/// All versions, the newest first, each with its commit.
pub fn list(target: &Target) -> String {
    let path = quoted(&target.path);
    format!(
        "if [ -f {path}/{DEPLOYS} ]; then tac {path}/{DEPLOYS} | while read -r sha; do git -C {path}/source log -1 \
         --format='%h %ci %s' \"$sha\"; done; fi"
    )
}

/// A command of the user in the directory of the project.
pub fn exec(target: &Target, command: &str) -> String {
    lines(target, &[format!("cd {}/current\nset +e", quoted(&target.path)), command.to_owned()])
}

/// Variables first; whatever fails ends it.
fn lines(target: &Target, lines: &[String]) -> String {
    let exports = target.env.iter().map(|(name, value)| format!("export {name}={}", quoted(value)));
    let all = std::iter::once("set -e".to_owned()).chain(exports).chain(lines.iter().cloned());
    all.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

fn hook(target: &Target, name: &str) -> String {
    // In a shell of its own: whatever it does to directory and options, the next line is not of it; and
    // as with PM2 its last command says how it went.
    target.hooks.get(name).map(|command| format!("( set +e\n{command}\n)")).unwrap_or_default()
}

fn in_current(target: &Target, name: &str) -> String {
    let path = quoted(&target.path);
    target
        .hooks
        .get(name)
        .map(|command| format!("( cd {path}/current\nset +e\n{command}\n)"))
        .unwrap_or_default()
}

/// One word for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_file_is_more_than_one_word_but_hooks() {
        let target = Target {
            path: "/srv/a b'c".to_owned(),
            repo: "$(touch x)".to_owned(),
            reference: "origin/main".to_owned(),
            env: [("A".to_owned(), "it's; $HOME".to_owned())].into(),
            hooks: [("post-setup".to_owned(), "ls | wc".to_owned())].into(),
            ..Target::default()
        };
        let script = setup(&target);
        for line in [
            "set -e",
            "export A='it'\\''s; $HOME'",
            "git clone --branch 'main' -- '$(touch x)' '/srv/a b'\\''c'/source",
            "ls | wc",
        ] {
            assert!(script.lines().any(|other| other == line), "{line} in {script}");
        }
        assert!(update(&target, "v1;x").contains("git reset --hard 'v1;x'"));
    }

    #[test]
    fn a_number_of_deployments_can_be_as_large_as_its_type() {
        assert!(version(&Target::default(), u32::MAX).contains("-lt 4294967296 "));
    }
}

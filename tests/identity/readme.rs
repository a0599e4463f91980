//! The lines of the README on accounts and tokens, as they stand there.

use crate::support::Home;
use crate::support::home::ran;

#[test]
fn every_line_on_accounts_and_tokens_works() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let chapter = readme.split_once("\n## Accounts and tokens\n").expect("the chapter").1;
    let block = chapter.split_once("```bash\n").unwrap().1.split_once("```").unwrap().0;
    assert!(block.lines().count() >= 10);
    let home = Home::new();
    home.file("password.txt", "correct horse battery\n");
    let program = std::path::Path::new(crate::support::home::PROGRAM).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    for line in block.lines() {
        let mut shell = std::process::Command::new("sh");
        shell.arg("-c").arg(line).current_dir(home.work()).env_clear();
        let command = home.command(&[]);
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let ran = ran(shell.env("PATH", &path));
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
    }
    let token = std::fs::read_to_string(home.work().join("ci.token")).unwrap();
    assert_eq!(token.trim().split('.').count(), 3, "the file holds the token and nothing else");
    assert_eq!(home.json(&["user", "list", "--json"]), serde_json::json!([]));
}

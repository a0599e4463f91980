//! Commands that PM2's users know (rows J1 and J17).

use crate::support::home::{PROGRAM, ran};
use crate::support::{Home, fixture};

#[test]
fn j17_lists_in_pm2s_shape_are_alone_on_stdout() {
    let home = Home::new();
    // Also when the daemon has to be started for it.
    let first = home.run(&["jlist"]);
    assert_eq!((first.code, first.out.as_str()), (0, "[]\n"), "{first:?}");
    home.ok(&["start", &fixture("loop.sh"), "--name", "web", "-i", "2"]);
    let list = home.json(&["jlist"]);
    assert_eq!(home.ok(&["jlist"]).lines().count(), 1);
    let pids: Vec<String> =
        list.as_array().unwrap().iter().map(|element| element["pid"].to_string()).collect();
    assert_eq!(home.ok(&["pid", "web"]).lines().collect::<Vec<_>>(), pids);
    assert_eq!(home.ok(&["pid"]).lines().count(), 2);
    assert_eq!(home.ok(&["id", "web"]), "[ 0, 1 ]\n");
    assert!(home.ok(&["prettylist"]).contains("    name: 'web',\n"));
}

#[test]
fn j1_the_program_answers_to_the_name_pm2() {
    let home = Home::new();
    let link = home.work().join("pm2");
    std::os::unix::fs::symlink(PROGRAM, &link).unwrap();
    let pm2 = |args: &[&str]| {
        let mut command = std::process::Command::new(&link);
        let own = home.command(&[]);
        command.args(args).current_dir(home.work()).env_clear();
        command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        ran(&mut command)
    };
    let started = pm2(&["start", &fixture("loop.sh"), "--name", "web"]);
    assert_eq!(started.code, 0, "{started:?}");
    assert_eq!(pm2(&["status"]).out.lines().next(), home.ok(&["list"]).lines().next());
    let list: serde_json::Value = serde_json::from_str(&pm2(&["jlist"]).out).unwrap();
    assert_eq!(list[0]["pm2_env"]["status"], "online");
}

#[test]
fn j1_a_file_to_begin_with_is_written_once() {
    let home = Home::new();
    home.file("app.js", "setInterval(() => {}, 1000);\n");
    home.ok(&["init"]);
    home.run(&["init"]).refused(1, &["is there already"]);
    home.ok(&["start", "--env", "production"]);
    assert_eq!(home.process("app")["status"], "online");
    for shell in ["bash", "zsh", "fish"] {
        assert!(home.ok(&["completion", shell]).contains("pmdaemon"), "{shell}");
    }
}

//! Every command and flag of PM2's table is there, or says what to use instead (rows J1, J2, J16).

use crate::support::{Home, fixture, wait_until};

/// The first column of the table of commands in PM2's documentation, and the other names.
const COMMANDS: &str = "start stop restart reload startOrRestart startOrReload startOrGracefulReload gracefulReload \
    scale delete del reset list ls l ps status jlist prettylist describe desc info show env id pid monit dashboard dash \
    imonit logs log flush reloadLogs send attach sendSignal trigger save dump cleardump resurrect startup unstartup kill \
    update updatePM2 ping set get unset multiset conf config ecosystem init create examples completion serve expose \
    deploy install uninstall module:install module:update module:generate module:publish publish link unlink monitor \
    unmonitor open plus login logout register pull backward forward profile:mem profile:cpu inspect report slist \
    sysinfos logrotate deepUpdate autoinstall";

#[test]
fn j1_every_word_of_pm2_is_a_command_or_says_what_to_use_instead() {
    let home = Home::new();
    for word in COMMANDS.split_whitespace() {
        let helped = home.run(&[word, "--help"]);
        match helped.code {
            0 => assert!(helped.out.contains("Usage: "), "{word}: {helped:?}"),
            1 => {
                helped.refused(1, &[&format!("there is no {word} here: ")]);
                assert!(helped.err.len() > 60, "{word}: it says what to use: {helped:?}");
            }
            other => panic!("{word} ends with {other}: {helped:?}"),
        }
    }
    assert!(!home.path().exists(), "no daemon was started for that");
}

#[test]
fn j1_ping_answers_as_pm2_does() {
    assert_eq!(Home::new().ok(&["ping"]), "{ msg: 'pong' }\n");
}

#[test]
fn j2_lists_come_in_an_order_and_as_blocks() {
    let home = Home::new();
    for name in ["beta", "alpha"] {
        home.ok(&["start", &fixture("loop.sh"), "--name", name]);
    }
    let names = |args: &[&str]| {
        let list = home.json(&[&["list", "--json"], args].concat());
        let name = |process: &serde_json::Value| process["name"].as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(names(&[]), ["beta", "alpha"]);
    assert_eq!(names(&["--sort", "name"]), ["alpha", "beta"]);
    assert_eq!(names(&["--sort", "name:desc"]), ["beta", "alpha"]);
    assert_eq!(home.run(&["list", "--sort", "size"]).code, 2);
    let blocks = home.ok(&["list", "-m"]);
    assert!(blocks.starts_with("+--- beta\nnamespace : default\npid : "), "{blocks}");
    let silent = home.run(&["restart", "all", "-s"]);
    assert_eq!((silent.code, silent.out.as_str(), silent.err.as_str()), (0, "", ""));
    for words in [
        ["-s", "save"].as_slice(),
        &["-s", "flush"],
        &["-s", "set", "alpha:A", "1"],
        &["-s", "scale", "alpha", "2"],
    ] {
        assert_eq!(home.ok(words), "", "{words:?}");
    }
    assert!(home.ok(&["jlist", "-s"]).starts_with('['), "what was asked for is printed");
    assert_eq!(home.ok(&["kill", "-s"]), "");
}

#[test]
fn j16_variables_are_listed_masked_shown_on_demand_set_and_unset() {
    let home = Home::new();
    let script = home.file("app.sh", "echo \"level $LEVEL trace $TRACE\"\nexec sleep 1000\n");
    home.ok(&["start", &script, "--name", "web", "--env", "LEVEL=info", "--env", "TRACE=1"]);
    home.wait_for_line("web", "level info trace 1");
    assert_eq!(home.ok(&["env", "web"]), "LEVEL: ***\nTRACE: ***\n");
    let shown = home.ok(&["env", "0", "--show"]);
    for line in ["LEVEL: info", "TRACE: 1", "NODE_APP_INSTANCE: 0", "name: web"] {
        assert!(shown.lines().any(|other| other == line), "{line}: {shown}");
    }
    assert!(shown.contains("PATH: "), "{shown}");
    let audit = home.ok(&["audit", "--json"]);
    assert!(audit.contains("apps.env.reveal") && !audit.contains("info"), "{audit}");
    let before = home.pid("web");
    assert!(home.ok(&["set", "web:LEVEL", "debug"]).contains("LEVEL is set for web (id 0)"));
    home.wait_for_line("web", "level debug trace 1");
    assert_ne!(home.pid("web"), before);
    assert_eq!(home.ok(&["get", "web.LEVEL"]), "debug\n");
    home.ok(&["unset", "web:TRACE"]);
    wait_until("it is gone", crate::support::SOON, || {
        home.ok(&["logs", "web", "--raw"]).contains("level debug trace \n")
    });
    home.run(&["get", "web:TRACE"]).refused(1, &["no variable TRACE"]);
    home.run(&["unset", "web:TRACE"]).refused(1, &["TRACE"]);
    home.run(&["set", "nothing:X", "1"]).refused(1, &["nothing"]);
    assert_eq!(home.run(&["set", "LEVEL", "1"]).code, 2);
    // What does not run is not started by it.
    home.ok(&["stop", "web"]);
    home.ok(&["set", "web:LEVEL", "warn"]);
    assert_eq!(home.process("web")["status"], "stopped");
    home.ok(&["start", "web"]);
    home.wait_for_line("web", "level warn");
}

/// Every option of PM2's table for `start` and its like, each with a value where it has one there.
const OPTIONS: &str = "--name=web -n=web --namespace=default -i=max --instances=-1 -f --force -a --update-env -x \
    --execute-command --cwd=/ --no-autostart -w --write --parallel=2 --interpreter=node --interpreter-args=--x \
    --node-args=--x --uid=root --gid=root -u=root --user=root --filter-env=AWS --disable-source-map-support \
    --source-map-support --no-autorestart --stop-exit-codes=0 --max-restarts=3 --restart-delay=100 \
    --exp-backoff-restart-delay=100 --max-memory-restart=100M -c=0 --cron=0 --cron-restart=0 -k=100 --kill-timeout=100 \
    --shutdown-with-message --no-treekill --wait-ready --listen-timeout=3000 -o=o --output=o -e=e --error=e -l=l --log=l \
    --log-type=json --log-date-format=YYYY --time --merge-logs --disable-logs --watch -s --silent -m \
    --mini-list --no-color --sort=name --no-pmx --no-automation --trace --disable-trace --v8 --event-loop-inspector \
    --deep-monitoring --no-vizion";

#[test]
fn j2_every_option_of_pm2s_start_is_taken() {
    let home = Home::new();
    for option in OPTIONS.split_whitespace() {
        // The script, which is not there, is complained of; a word that is not known would be a 2.
        let words: Vec<&str> = match option.split_once('=') {
            Some((name, value)) if !name.starts_with("--") => vec![name, value],
            Some(_) | None => vec![option],
        };
        let ran = home.run(&[&["start", "/no/such/script.js"], &words[..]].concat());
        assert_eq!(ran.code, 1, "{option}: {ran:?}");
    }
}

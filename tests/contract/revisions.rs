//! Every change of a definition is a version, and one can go back to it (acceptance row K11).

use serde_json::{Value, json};

use crate::support::home::{Ran, ran};
use crate::support::{Api, Home, SOON, fixture, proc, wait_until};

fn revisions(api: &Api, app: &str) -> Vec<Value> {
    api.get(&format!("/api/v1/apps/{app}/revisions"))["items"].as_array().unwrap().clone()
}

fn causes(api: &Api, app: &str) -> Vec<String> {
    revisions(api, app).iter().map(|revision| revision["cause"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn k11_each_change_is_a_revision_with_its_author_and_what_is_different() {
    let home = Home::new();
    let script = fixture("loop.sh");
    home.ok(&["start", &script, "--name", "web", "--env", "KEY=secret-1"]);
    home.ok(&["start", &script, "--name", "web", "--env", "KEY=secret-2", "--force"]);
    home.ok(&["scale", "web", "2"]);
    let api = home.api();
    assert_eq!(causes(&api, "web"), ["created", "updated", "scaled"]);
    let all = revisions(&api, "web");
    assert_eq!(all[1]["changes"], json!([{"pointer": "/env/KEY", "before": "***", "after": "***"}]));
    let scaled = json!([{"pointer": "/instances", "before": "1", "after": "2"}]);
    assert_eq!(
        (&all[2]["changes"], &all[2]["current"], &all[0]["current"]),
        (&scaled, &json!(true), &json!(false))
    );
    assert!(all.iter().all(|revision| revision["author"] == "local"), "{all:?}");
    let text = home.ok(&["history", "web"]);
    for words in ["3 (now)", "scaled by local", "instances: 1 → 2", "env.KEY: another value"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("secret"), "{text}");
    // What changes nothing is no version, and what is not a definition neither.
    home.ok(&["restart", "web"]);
    home.ok(&["stop", "web"]);
    home.ok(&["scale", "web", "2"]);
    assert_eq!(revisions(&api, "web").len(), 3);
    let first = api.get("/api/v1/apps/web/revisions/1");
    assert_eq!((&first["app"]["instances"], &first["revision"]["cause"]), (&json!(1), &json!("created")));
    let none =
        api.send(api.request("GET", "/api/v1/apps/web/revisions/9")).is_problem(404, "revision_not_found");
    assert!(none["detail"].as_str().unwrap().contains("1 to 3 are kept"), "{none}");
    home.run(&["history", "wbe"]).refused(1, &["did you mean web?"]);
}

#[test]
fn k11_rollback_runs_the_earlier_definition_and_is_a_revision_itself() {
    let home = Home::new();
    let script = home.file("level.sh", "#!/bin/bash\necho level $LEVEL\nwhile :; do sleep 0.05; done\n");
    home.ok(&["start", &script, "--name", "web", "--env", "LEVEL=one"]);
    home.wait_for_line("web", "level one");
    home.run(&["rollback", "web"]).refused(1, &["one revision only"]);
    home.ok(&["start", &script, "--name", "web", "--env", "LEVEL=two", "--force"]);
    home.wait_for_line("web", "level two");
    home.ok(&["flush", "web"]);
    let text = home.ok(&["rollback", "web"]);
    assert!(text.contains("as in revision 1 again; that is revision 3 now"), "{text}");
    home.wait_for_line("web", "level one");
    let api = home.api();
    let last = revisions(&api, "web").pop().unwrap();
    assert_eq!((&last["cause"], &last["rolled_back_to"]), (&json!("rolled_back"), &json!(1)));
    home.run(&["rollback", "web", "1"]).refused(1, &["as in revision 1 already"]);
    home.run(&["rollback", "web", "77"]).refused(1, &["no revision 77", "1 to 3"]);
    home.ok(&["rollback", "web", "2"]);
    home.wait_for_line("web", "level two");
    // Gone with its app.
    home.ok(&["delete", "web"]);
    home.ok(&["start", &script, "--name", "web"]);
    assert_eq!(causes(&api, "web"), ["created"]);
}

#[test]
fn k11_a_rollback_to_what_cannot_be_executed_leaves_what_runs_by_the_present_definition() {
    let home = Home::new();
    let old = home.work().join("old").display().to_string();
    std::fs::copy("/bin/sleep", &old).unwrap();
    home.ok(&["start", &old, "--name", "web", "--", "1000"]);
    home.ok(&["start", &fixture("loop.sh"), "--name", "web", "--force"]);
    std::fs::remove_file(&old).unwrap();
    home.run(&["rollback", "web"]).refused(1, &["cannot be started", "the old definition is back"]);
    wait_until("what ran before", SOON, || home.process("web")["status"] == "online");
    let api = home.api();
    assert_eq!(causes(&api, "web"), ["created", "updated", "rolled_back", "put_back"]);
    assert_eq!(api.get("/api/v1/apps/web")["script"], fixture("loop.sh"));
}

#[test]
fn a_reload_that_fails_takes_the_definition_back_that_it_brought() {
    let home = Home::new();
    let script =
        home.file("ver.sh", "#!/bin/bash\necho version $V\n[ $V = good ] || exit 4\nexec sleep 1000\n");
    let with = |version: &str, args: &[&str]| ran(home.command(args).env("V", version));
    assert_eq!(with("good", &["start", &script, "--name", "ver"]).code, 0);
    home.wait_for_line("ver", "version good");
    let pid = home.pid("ver");
    let failed = |ran: Ran, words: &[&str]| {
        assert_eq!(ran.code, 1, "{ran:?}");
        words.iter().for_each(|word| assert!(ran.err.contains(word), "{word}: {ran:?}"));
    };
    let is_back = "the definition of before is back";
    failed(with("bad", &["reload", "ver", "--update-env"]), &["exit code 4", is_back]);
    assert_eq!(home.pid("ver"), pid, "the old run goes on");
    let api = home.api();
    assert_eq!(causes(&api, "ver"), ["created", "environment", "taken_back"]);
    let history = home.ok(&["history", "ver"]);
    assert!(history.contains("taken back by pmdaemon"), "{history}");
    proc::kill_hard(pid);
    wait_until("a run anew", SOON, || {
        let process = home.process("ver");
        process["status"] == "online" && process["pid"] != json!(pid)
    });
    assert_eq!(home.process("ver")["restarts"], 1, "the version that runs is the good one");
    // There is nothing to take back of a definition that runs already.
    std::fs::write(&script, "#!/bin/bash\nexit 5\n").unwrap();
    failed(home.run(&["reload", "ver"]), &["exit code 5"]);
    assert_eq!(revisions(&api, "ver").len(), 3);
}

#[test]
fn a_run_knows_the_revision_it_was_launched_with_also_after_another_daemon() {
    let home = Home::new();
    let script = home.file("end.sh", "#!/bin/bash\nwhile ! test -e end; do sleep 0.05; done\nexit 7\n");
    home.ok(&["start", &script, "--name", "web", "--no-autorestart"]);
    let change =
        home.run(&["start", &script, "--name", "web", "--env", "A=1", "--no-autorestart", "--no-autostart"]);
    assert_eq!(change.code, 0, "{change:?}");
    let (app, process) = (|| home.api().get("/api/v1/apps/web"), || home.process("web"));
    let seen = || (app()["revision"].as_i64(), process()["revision"].as_i64());
    assert_eq!(seen(), (Some(2), Some(1)), "the run goes on by the first");
    let (_, daemon) = home.keeper_and_daemon();
    proc::kill_hard(daemon);
    wait_until("another daemon", SOON, || home.keeper_and_daemon().1 != daemon);
    assert_eq!(seen(), (Some(2), Some(1)));
    home.file("end", "");
    wait_until("its end", SOON, || process()["status"] == "stopped" || process()["status"] == "errored");
    let why = home.ok(&["why", "web"]);
    assert!(why.contains("revision 1 (changed ") && why.contains(" by local: created)"), "{why}");
    assert!(why.contains("there is a newer one"), "{why}");
    let exits = home.api().events("web", "process.exited");
    assert_eq!(exits.last().unwrap()["revision"], 1, "{exits:?}");
}

#[test]
fn who_changes_a_definition_says_which_one_he_has_seen() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let api = home.api();
    let path = "/api/v1/apps/web";
    let seen = api.send(api.request("GET", path));
    let tag = seen.header("etag").to_owned();
    assert!(tag.starts_with('"'), "{seen:?}");
    let same = api.send(api.request("GET", path).header("if-none-match", &tag));
    assert_eq!((same.status.as_u16(), same.text.as_str()), (304, ""));
    let new = json!({"script": fixture("loop.sh"), "env": {"A": "1"}});
    let put = |tag: Option<&str>| {
        let request = api.request("PUT", path).json(&new);
        api.send(match tag {
            Some(tag) => request.header("if-match", tag),
            None => request,
        })
    };
    put(None).is_problem(428, "if_match_required");
    put(Some("3")).is_problem(400, "invalid_header");
    let changed = put(Some(&tag));
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_ne!(changed.header("etag"), tag);
    let stale = put(Some(&tag)).is_problem(412, "other_revision");
    assert!(stale["detail"].as_str().unwrap().contains("revision 2"), "{stale}");
    assert_eq!(put(Some("*")).status, 200);
    let delete = |tag: &str| api.send(api.request("DELETE", path).header("if-match", tag));
    delete(&tag).is_problem(412, "other_revision");
    let rollback =
        api.send(api.request("POST", &format!("{path}/rollback")).json(&json!({})).header("if-match", &tag));
    rollback.is_problem(412, "other_revision");
    assert!(delete("*").status.is_success());
}

#[test]
fn of_many_who_have_seen_the_same_revision_one_changes_it() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let api = home.api();
    let tag = api.send(api.request("GET", "/api/v1/apps/web")).header("etag").to_owned();
    let requests = (0..8).map(|n| {
        let new = json!({"script": fixture("loop.sh"), "env": {"N": n.to_string()}});
        api.request("PUT", "/api/v1/apps/web").json(&new).header("if-match", &tag)
    });
    let requests: Vec<_> = requests.collect();
    let mut statuses: Vec<u16> = api.block_on(async {
        let mut running: Vec<_> = requests.into_iter().map(|request| tokio::spawn(request.send())).collect();
        let mut all = Vec::new();
        for one in running.drain(..) {
            all.push(one.await.unwrap().unwrap().status().as_u16());
        }
        all
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
    assert_eq!(revisions(&api, "web").len(), 2);
}

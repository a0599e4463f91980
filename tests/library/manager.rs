//! The library, as a program of its user calls it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use pmdaemon::config::{HealthCheck, PortConfig};
use pmdaemon::library::Stream;
use pmdaemon::{Error, ProcessConfig, ProcessManager};

use crate::support::home::{PROGRAM, ran};
use crate::support::{Home, SOON, proc};

/// Runs a test as a program of its own, since the library finds `pmdaemon` by the environment: the
/// test starts itself again with that environment, and does its work there.
fn with_program(program: &str, test: &str, work: impl AsyncFnOnce(&Home, &Path)) {
    const INSIDE: &str = "LIBRARY_TEST";
    if std::env::var_os(INSIDE).is_none() {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args([&format!("manager::{test}"), "--exact", "--nocapture"]);
        let ran = ran(again.env(INSIDE, "1").env("PMDAEMON_BIN", program));
        assert!(ran.code == 0 && ran.out.contains("1 passed"), "{}\n{}", ran.out, ran.err);
        return;
    }
    let home = Home::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let work = async { tokio::time::timeout(SOON * 4, work(&home, &home.path())).await.expect("in time") };
    runtime.block_on(work);
}

fn in_home(test: &str, work: impl AsyncFnOnce(&Home, &Path)) {
    with_program(PROGRAM, test, work);
}

fn sleeper(name: &str) -> pmdaemon::library::config::ProcessConfigBuilder {
    ProcessConfig::builder().name(name).script("sleep").args(["1000"])
}

#[test]
fn a_process_that_a_program_starts_outlives_its_manager() {
    in_home("a_process_that_a_program_starts_outlives_its_manager", async |home, path| {
        let mut manager = ProcessManager::with_home(path).await.unwrap();
        let started = manager.start(sleeper("web").instances(2).build().unwrap()).await.unwrap();
        assert_eq!(started.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["web-0", "web-1"]);
        let pids: Vec<i64> = started.iter().filter_map(|p| p.pid).collect();
        drop(manager);
        assert!(pids.len() == 2 && pids.iter().all(|pid| proc::lives(*pid)));
        let (keeper, _) = home.keeper_and_daemon();
        assert!(proc::lives(keeper));
        assert_eq!(home.pid("web-1"), pids[1], "the command line sees the same process");
    });
}

#[test]
fn every_method_really_acts() {
    in_home("every_method_really_acts", async |home, path| {
        let mut manager = ProcessManager::with_home(path).await.unwrap();
        let script = home.file("talk.sh", "echo hello $WHO; exec sleep 1000\n");
        let talk = ProcessConfig::builder().name("talk").script(script).interpreter("sh").env("WHO", "you");
        let first = manager.start(talk.build().unwrap()).await.unwrap()[0].pid.unwrap();

        let mut logs = manager.follow_logs("talk", 10).await.unwrap();
        let line = logs.next().await.unwrap().unwrap();
        assert_eq!((line.text.as_str(), line.stream, line.name.as_str()), ("hello you", Stream::Out, "talk"));

        let again = manager.restart("talk").await.unwrap()[0].pid.unwrap();
        assert_ne!(first, again);
        assert_eq!(logs.next().await.unwrap().unwrap().text, "hello you", "a follower sees the next run");
        assert_eq!(manager.get_logs("talk", 10).await.unwrap().len(), 2);
        assert_eq!(manager.get_logs("talk", 1).await.unwrap().len(), 1);

        assert_eq!(manager.stop("talk").await.unwrap()[0].status, "stopped");
        assert!(!proc::lives(again));
        assert_eq!(manager.start_again("talk").await.unwrap()[0].status, "online");
        assert_eq!(logs.next().await.unwrap().unwrap().text, "hello you");
        assert_eq!(manager.get_process_info("talk").await.unwrap()[0].restarts, 1);

        manager.start(sleeper("other").autostart(false).build().unwrap()).await.unwrap();
        assert_eq!(manager.list().await.unwrap().len(), 2);
        let deleted = manager.delete_by_status("stopped").await.unwrap();
        assert_eq!(deleted.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["other"]);
        assert_eq!(manager.delete("talk").await.unwrap().len(), 1);
        assert_eq!(logs.next().await.unwrap(), None, "nothing follows a deletion");
        manager.start(sleeper("last").build().unwrap()).await.unwrap();
        assert_eq!(manager.delete_all().await.unwrap().len(), 1);
        assert!(manager.list().await.unwrap().is_empty());
        assert!(manager.get_system_info().await.unwrap().host.cpus > 0);
    });
}

#[test]
fn f2_health_checks_files_and_back_off_of_the_builder_are_kept() {
    in_home("f2_health_checks_files_and_back_off_of_the_builder_are_kept", async |home, path| {
        let mut manager = ProcessManager::with_home(path).await.unwrap();
        let env = home.file("web.env", "WHO=file\n");
        let script = home.file("web.sh", "echo \"$WHO:$HIDDEN_BY_FILTER:$1\"; exec sleep 1000\n");
        let check = home.file("check.sh", "echo not yet; test -e up\n");
        let config = ProcessConfig::builder()
            .name("web")
            .script(script)
            .interpreter("sh")
            .interpreter_args(["-u"])
            .args(["arg"])
            .env("HIDDEN_BY_FILTER", "declared")
            .env_file(env)
            .filter_env("PMD_TEST")
            .cwd(home.work())
            .exp_backoff_restart_delay(Duration::from_millis(250))
            .health_check(HealthCheck::script(check).retries(9).timeout(Duration::from_secs(3)))
            .build()
            .unwrap();
        manager.start(config).await.unwrap();
        home.wait_for_line("web", "file:declared:arg");
        let app = home.json(&["info", "web", "--json"]);
        let check = &app["health_check"];
        assert_eq!((&check["retries"], &check["timeout_ms"]), (&9.into(), &3000.into()), "{app}");
        assert_eq!(app["exp_backoff_restart_delay_ms"], 250, "{app}");
        assert_eq!(app["interpreter_args"], serde_json::json!(["-u"]), "{app}");
        let health = async || manager.get_process_info("web").await.unwrap()[0].clone();
        while health().await.health_reason.as_deref() != Some("not yet") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        home.file("up", "");
        while health().await.health.as_deref() != Some("healthy") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(health().await.status, "online");
        let absent = ProcessConfig::builder().script("sleep").env_file("/no/such.env").build().unwrap();
        let refused = manager.start(absent).await.unwrap_err();
        assert!(matches!(&refused, Error::Refused { .. }), "{refused:?}");
        assert!(refused.to_string().contains("/no/such.env"), "{refused}");
    });
}

#[test]
fn f4_reload_replaces_every_process() {
    in_home("f4_reload_replaces_every_process", async |_, path| {
        let mut manager = ProcessManager::with_home(path).await.unwrap();
        let quick = sleeper("web").instances(2).min_uptime(Duration::from_millis(50)).build().unwrap();
        let before: Vec<_> = manager.start(quick).await.unwrap().iter().map(|p| p.pid).collect();
        let after: Vec<_> = manager.reload("web").await.unwrap().iter().map(|p| p.pid).collect();
        assert!(
            after.len() == 2 && after.iter().all(|pid| pid.is_some() && !before.contains(pid)),
            "{after:?}"
        );
    });
}

#[test]
fn not_found_refused_and_failed_are_told_apart() {
    in_home("not_found_refused_and_failed_are_told_apart", async |home, path| {
        let mut manager = ProcessManager::with_home(path).await.unwrap();
        for reference in ["nobody", "77", "../evil", ""] {
            let error = manager.stop(reference).await.unwrap_err();
            assert!(matches!(error, Error::NotFound(_)), "{reference}: {error:?}");
            assert!(
                matches!(manager.get_process_info(reference).await, Err(Error::NotFound(_))),
                "{reference}"
            );
            assert!(matches!(manager.get_logs(reference, 1).await, Err(Error::NotFound(_))), "{reference}");
        }
        manager.start(sleeper("web").build().unwrap()).await.unwrap();
        let twice = manager.start(sleeper("web").build().unwrap()).await.unwrap_err();
        assert!(matches!(&twice, Error::Refused { code, .. } if code == "name_taken"), "{twice:?}");
        let absent = ProcessConfig::builder().script("/nowhere/at/all").build().unwrap();
        let refused = manager.start(absent).await.unwrap_err();
        assert!(matches!(&refused, Error::Refused { .. }), "{refused:?}");
        assert!(matches!(manager.delete_by_status("asleep").await, Err(Error::Refused { .. })));
        assert_eq!(home.processes().len(), 1, "what was refused changed nothing");
    });
}

#[test]
fn without_the_program_there_is_no_connection_and_it_says_what_to_do() {
    with_program(
        "/nowhere/pmdaemon",
        "without_the_program_there_is_no_connection_and_it_says_what_to_do",
        async |home, path| {
            let error = ProcessManager::with_home(path).await.err().expect("no daemon can be started");
            assert!(
                matches!(&error, Error::NoConnection(sentence) if sentence.contains("PMDAEMON_BIN")),
                "{error:?}"
            );
            // Once there is a daemon nobody needs the program.
            home.ok(&["list"]);
            assert!(ProcessManager::with_home(path).await.unwrap().list().await.unwrap().is_empty());
        },
    );
}

#[test]
fn twenty_managers_at_once_start_one_daemon() {
    in_home("twenty_managers_at_once_start_one_daemon", async |home, path| {
        let all = (0..20).map(|_| tokio::spawn(ProcessManager::with_home(path.to_owned())));
        for manager in futures_util::future::join_all(all).await {
            manager.unwrap().unwrap().list().await.unwrap();
        }
        assert_eq!(home.living_as(" keeper --detached").len(), 1);
    });
}

#[test]
fn a_manager_and_its_follower_survive_the_daemon() {
    in_home("a_manager_and_its_follower_survive_the_daemon", async |home, path| {
        let mut manager = ProcessManager::with_home(path).await.unwrap();
        let script = home.file("count.sh", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done\n");
        let count = ProcessConfig::builder().name("count").script(script).interpreter("sh").build().unwrap();
        manager.start(count).await.unwrap();
        let mut logs = manager.follow_logs("count", 0).await.unwrap();
        let mut last = logs.next().await.unwrap().unwrap().text.parse::<u64>().unwrap();
        let (_, daemon) = home.keeper_and_daemon();
        proc::kill_hard(daemon);
        assert_eq!(manager.list().await.unwrap().len(), 1, "the next daemon answers");
        for _ in 0..40 {
            let next = logs.next().await.unwrap().unwrap().text.parse::<u64>().unwrap();
            assert_eq!(next, last + 1, "no line twice or missing");
            last = next;
        }
    });
}

#[test]
fn futures_of_the_library_can_be_spawned() {
    fn check<T: Send>(_: &T) {}
    async fn all(mut manager: ProcessManager) {
        let config = sleeper("x").build().unwrap();
        let _ = manager.start(config).await;
        let _ = manager.restart("x").await;
        let _ = manager.delete_all().await;
        let _ = manager.get_logs("x", 1).await;
        let _ = manager.follow_logs("x", 1).await.unwrap().next().await;
    }
    let _ = |manager| check(&all(manager));
}

#[test]
fn ports_are_given_to_each_process_and_may_be_others_for_one_run() {
    in_home("ports_are_given_to_each_process_and_may_be_others_for_one_run", async |_, path| {
        let mut manager = ProcessManager::with_home(path).await.unwrap();
        let ports = PortConfig::Auto(42_100, 42_400);
        let started = manager.start(sleeper("web").instances(2).port(ports).build().unwrap()).await.unwrap();
        let given: Vec<i64> = started.iter().flat_map(|process| process.ports.clone()).collect();
        assert!(given.len() == 2 && given[0] != given[1], "{given:?}");
        assert!(given.iter().all(|port| (42_100..=42_400).contains(port)), "{given:?}");
        let moved = manager.restart_with_port("web", PortConfig::Auto(43_100, 43_400)).await.unwrap();
        assert!(moved.iter().all(|process| process.ports.iter().all(|port| *port >= 43_100)), "{moved:?}");
    });
}

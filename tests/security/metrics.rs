//! `/metrics`.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::{Home, SOON, fixture, proc, wait_until};

#[test]
fn metrics_tell_every_app_that_runs_and_that_is_stopped_in_openmetrics() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web", "--namespace", "blue"]);
    home.ok(&["start", &fixture("loop.sh"), "--name", "idle"]);
    home.ok(&["stop", "idle"]);
    let api = home.api();
    assert_eq!(api.send(api.bare("GET", "/metrics")).status, 401);
    let answer = api.send(api.request("GET", "/metrics"));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.header("content-type").starts_with("application/openmetrics-text; version=1.0.0"));
    let text = &answer.text;
    assert!(text.ends_with("# EOF\n"), "{text}");
    let web = "app=\"web\",namespace=\"blue\",instance=\"0\"";
    let idle = "app=\"idle\",namespace=\"default\",instance=\"0\"";
    for line in [
        format!("pmdaemon_process_up{{{web}}} 1"),
        format!("pmdaemon_process_up{{{idle}}} 0"),
        format!("pmdaemon_process_state{{{web},state=\"online\"}} 1"),
        format!("pmdaemon_process_state{{{web},state=\"stopped\"}} 0"),
        format!("pmdaemon_process_state{{{idle},state=\"stopped\"}} 1"),
        format!("pmdaemon_process_restarts_total{{{web},reason=\"manual\"}} 0"),
        "pmdaemon_app_instances{app=\"web\",namespace=\"blue\",kind=\"running\"} 1".to_owned(),
    ] {
        assert!(text.lines().any(|have| have == line), "{line} is missing:\n{text}");
    }
    assert!(
        text.contains("pmdaemon_http_requests_total{method=\"GET\",route=\"/metrics\",code=\"401\"} 1"),
        "{text}"
    );
    assert!(text.contains("pmdaemon_auth_failures_total{reason="), "{text}");
    assert!(text.contains("pmdaemon_http_request_duration_seconds_bucket{le="), "{text}");
    assert!(!text.contains("pid="), "a pid is never a label: {text}");

    // Every sample belongs to a family that was announced, and there is one of each.
    let mut families = BTreeSet::new();
    let mut samples = BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            assert!(families.insert(rest.split(' ').next().unwrap().to_owned()), "twice: {line}");
        } else if !line.starts_with('#') {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
            assert!(samples.insert(sample.to_owned()), "twice: {line}");
            let name = sample.split('{').next().unwrap();
            let known = families.iter().any(|family| name.starts_with(family.as_str()));
            assert!(known, "no type: {line}");
        }
    }
    assert!(samples.len() > 30, "{text}");

    // Somebody for one namespace sees that one.
    let token = home.ok(&["token", "create", "blue", "--role", "viewer", "--namespace", "blue"]);
    let seen = api.send(api.bare("GET", "/metrics").bearer_auth(token.trim()));
    assert!(seen.text.contains("web") && !seen.text.contains("idle"), "{seen:?}");
}

/// Every name of the list, without those that need a certificate or an exit code.
const NAMES: [&str; 32] = [
    "pmdaemon_build_info{",
    "pmdaemon_start_time_seconds ",
    "pmdaemon_app_instances{",
    "pmdaemon_process_up{",
    "pmdaemon_process_start_time_seconds{",
    "pmdaemon_process_cpu_seconds_total{",
    "pmdaemon_process_resident_memory_bytes{",
    "pmdaemon_process_memory_limit_bytes{",
    "pmdaemon_process_open_fds{",
    "pmdaemon_process_max_fds{",
    "pmdaemon_process_threads{",
    "pmdaemon_process_io_read_bytes_total{",
    "pmdaemon_process_io_written_bytes_total{",
    "pmdaemon_process_state{",
    "pmdaemon_process_health{",
    "pmdaemon_health_check_duration_seconds_bucket{",
    "pmdaemon_process_restarts_total{",
    "pmdaemon_process_exits_total{",
    "pmdaemon_process_oom_kills_total{",
    "pmdaemon_log_bytes_total{",
    "pmdaemon_log_lost_bytes_total{",
    "pmdaemon_operation_duration_seconds_count{",
    "pmdaemon_http_requests_total{",
    "pmdaemon_http_request_duration_seconds_count ",
    "pmdaemon_ws_connections ",
    "pmdaemon_events_seq ",
    "process_cpu_seconds_total ",
    "process_resident_memory_bytes ",
    "process_threads ",
    "process_open_fds ",
    "process_max_fds ",
    "process_start_time_seconds ",
];

/// The names of metrics in that text.
fn names_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    let names = words.filter(|word| word.starts_with("pmdaemon_") || word.starts_with("process_"));
    let names: BTreeSet<String> = names.map(str::to_owned).collect();
    assert!(names.len() > 5, "{names:?}");
    names
}

#[test]
fn monitoring_prints_how_prometheus_comes_in_and_a_dashboard() {
    let home = Home::new();
    home.ok(&["start", &fixture("loop.sh"), "--name", "web"]);
    let scrape = home.ok(&["monitoring", "scrape"]);
    let address = home.api().address;
    for line in
        [format!("targets: [\"{address}\"]"), "scheme: http".to_owned(), "honor_labels: true".to_owned()]
    {
        assert!(scrape.contains(&line), "{line} is missing: {scrape}");
    }
    let dashboard: serde_json::Value = serde_json::from_str(&home.ok(&["monitoring", "grafana"])).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids: Vec<i64> = panels.iter().map(|panel| panel["id"].as_i64().unwrap()).collect();
    ids.dedup();
    assert_eq!(ids.len(), panels.len(), "each has its own id");
    let draws = |panel: &&serde_json::Value| panel["type"] != "row";
    for panel in panels.iter().filter(draws) {
        assert!(
            panel["targets"][0]["expr"]
                .as_str()
                .is_some_and(|expr| expr.contains("process_") || expr.contains("pmdaemon_")),
            "{panel}"
        );
    }
}

#[test]
fn metrics_tell_how_runs_ended_and_why_others_took_their_place() {
    let home = Home::new();
    let script = "trap 'exit 7' TERM; while :; do sleep 0.05; done";
    home.ok(&["start", script, "--name", "web", "--max-memory", "1G", "--health-check-script", "/bin/true"]);
    home.ok(&["restart", "web"]);
    let api = home.api();
    let text = || api.send(api.request("GET", "/metrics")).text;
    let web = "app=\"web\",namespace=\"default\",instance=\"0\"";
    let has = |line: &str| text().lines().any(|have| have == line);
    assert!(has(&format!("pmdaemon_process_restarts_total{{{web},reason=\"manual\"}} 1")), "{}", text());
    assert!(has(&format!("pmdaemon_process_exits_total{{{web},code=\"7\",signal=\"\"}} 1")), "{}", text());
    assert!(has(&format!("pmdaemon_process_last_exit_code{{{web}}} 7")), "{}", text());

    let pid = home.process("web")["pid"].as_i64().unwrap();
    proc::send(pid, Signal::SIGKILL);
    let restarted = format!("pmdaemon_process_restarts_total{{{web},reason=\"signal\"}} 1");
    wait_until("the restart after the signal", SOON, || has(&restarted));
    assert!(
        has(&format!("pmdaemon_process_exits_total{{{web},code=\"\",signal=\"SIGKILL\"}} 1")),
        "{}",
        text()
    );

    let checked = format!("pmdaemon_health_check_duration_seconds_count{{{web}}} ");
    wait_until("a health check", SOON, || {
        text().lines().any(|line| line.strip_prefix(&checked).is_some_and(|count| count != "0"))
    });

    let all = text();
    for name in NAMES {
        assert!(all.lines().any(|line| line.starts_with(name)), "{name} is missing:\n{all}");
    }
    for of in ["rules", "grafana"] {
        for name in names_in(&home.ok(&["monitoring", of])) {
            // Without TLS there is no certificate: `tls.rs` asserts the name.
            let is_there = all.lines().any(|line| line.starts_with(&name))
                || name == "pmdaemon_tls_certificate_expiry_seconds";
            assert!(is_there, "monitoring {of} asks for {name}:\n{all}");
        }
    }
    let value = |name: &str| {
        let line = all.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.rsplit_once(' ').map_or(line, |(_, value)| value).trim().parse::<f64>().unwrap()
    };
    let restart = "pmdaemon_operation_duration_seconds_count{action=\"restart\",result=\"done\"}";
    assert!((value(restart) - 1.0).abs() < 1e-9, "{all}");
    let newest = api.get("/api/v1/events?limit=1")["seq"].as_f64().unwrap();
    assert!(value("pmdaemon_events_seq") > 4.0 && value("pmdaemon_events_seq") <= newest, "{all}");
    assert!(
        value("process_resident_memory_bytes") > 1e6 && value("process_cpu_seconds_total") > 0.0,
        "{all}"
    );

    for mode in ["user", "system"] {
        let cpu = format!("pmdaemon_process_cpu_seconds_total{{{web},mode=\"{mode}\"}} ");
        assert!(all.lines().any(|line| line.starts_with(&cpu)), "{cpu} is missing:\n{all}");
    }
    let by_memory = format!("pmdaemon_process_oom_kills_total{{{web}}} 0");
    assert!(has(&by_memory), "that was somebody's SIGKILL: {all}");

    // What was deleted is not there any more.
    home.ok(&["delete", "web"]);
    assert!(!text().contains("app=\"web\""), "{}", text());
}

#[test]
fn metrics_tell_how_much_the_logs_took_of_all_runs() {
    let home = Home::new();
    let script = "echo hello; echo no >&2; sleep 0.3; echo hello again; exit 0";
    home.ok(&["start", script, "--name", "web", "--no-autorestart"]);
    let api = home.api();
    let took = |stream: &str| {
        let labels = format!("app=\"web\",namespace=\"default\",instance=\"0\",stream=\"{stream}\"");
        let name = format!("pmdaemon_log_bytes_total{{{labels}}} ");
        let text = api.send(api.request("GET", "/metrics")).text;
        text.lines().find_map(|line| line.strip_prefix(&name)?.parse::<u64>().ok())
    };
    wait_until("the end of the first run", SOON, || home.process("web")["status"] == "stopped");
    assert_eq!((took("out"), took("err")), (Some(18), Some(3)));
    home.ok(&["start", "web"]);
    wait_until("the end of the second run", SOON, || took("out") == Some(36) && took("err") == Some(6));
    let file = home.process("web")["out_log"].as_str().unwrap().to_owned();
    assert_eq!(fs::metadata(file).unwrap().len(), 36);
    home.ok(&["delete", "web"]);
    assert_eq!(took("out"), None);
}

/// A group whose memory the kernel keeps below 24 MiB, in the hierarchy of this host that has a memory
/// controller. `None` where this user may make none.
struct Group(PathBuf);

impl Group {
    fn new() -> Option<Group> {
        let memberships = fs::read_to_string("/proc/self/cgroup").ok()?;
        let of = |mark: &str| {
            let own = memberships.lines().find_map(|line| line.split_once(mark)).map(|(_, path)| path)?;
            Some(own.trim_start_matches('/').to_owned())
        };
        let (parent, limit) = match of(":memory:") {
            Some(own) => (Path::new("/sys/fs/cgroup/memory").join(own), "memory.limit_in_bytes"),
            None => (Path::new("/sys/fs/cgroup").join(of("0::")?), "memory.max"),
        };
        let group = Group(parent.join(format!("pmdaemon-test-{}", std::process::id())));
        let made = fs::create_dir(&group.0).and_then(|()| fs::write(group.0.join(limit), "25165824"));
        match made {
            Ok(()) => Some(group),
            Err(e) => {
                eprintln!("not tested: no group with a memory limit in {}: {e}", parent.display());
                None
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The kernel refuses while somebody who has just been killed is in it.
        let gone = || fs::remove_dir(&self.0).is_ok();
        (0..200).any(|_| {
            gone() || {
                std::thread::sleep(Duration::from_millis(50));
                false
            }
        });
    }
}

#[test]
fn whom_the_kernel_ends_for_lack_of_memory_is_told_as_such_by_api_events_and_metrics() {
    let Some(group) = Group::new() else { return };
    // In a namespace of its own a process has another number than in the kernel's log.
    let is_first = fs::metadata("/proc/self/ns/pid").is_ok_and(|namespace| namespace.ino() == 0xEFFF_FFFC);
    if !is_first || fs::File::open("/dev/kmsg").is_err() {
        eprintln!("not tested: the kernel's log cannot be read, or its numbers are not ours");
        return;
    }
    let home = Home::new();
    // The first run takes what it may not have; the second one is modest.
    let hog = "import os, time\nif not os.path.exists('ran'):\n    open('ran', 'w').close()\n    \
               x = bytearray(b'1') * (200 << 20)\ntime.sleep(1000)\n";
    let hog = home.file("hog.py", hog);
    let script = format!("echo $$ > {}/cgroup.procs; exec python3 {hog}", group.0.display());
    home.ok(&["start", &script, "--name", "hog", "--min-uptime", "60s"]);
    wait_until("the second run", SOON, || {
        let process = home.process("hog");
        process["restarts"] == 1 && process["status"] == "online"
    });
    let process = home.process("hog");
    let why = "out of memory: the kernel ended it";
    assert_eq!(
        (&process["last_exit"]["signal"], &process["last_exit"]["reason"]),
        (&"SIGKILL".into(), &why.into())
    );
    assert_eq!(process["reason"], why);
    let api = home.api();
    let exits = api.events("hog", "process.exited");
    assert!(exits[0]["detail"].as_str().unwrap().contains("ended by the kernel"), "{exits:?}");
    let text = api.send(api.request("GET", "/metrics")).text;
    let hog = "app=\"hog\",namespace=\"default\",instance=\"0\"";
    for line in [
        format!("pmdaemon_process_oom_kills_total{{{hog}}} 1"),
        format!("pmdaemon_process_restarts_total{{{hog},reason=\"oom\"}} 1"),
        format!("pmdaemon_process_restarts_total{{{hog},reason=\"signal\"}} 0"),
        format!("pmdaemon_process_exits_total{{{hog},code=\"\",signal=\"SIGKILL\"}} 1"),
    ] {
        assert!(text.lines().any(|have| have == line), "{line} is missing:\n{text}");
    }
    // A SIGKILL of somebody's is none of the kernel's.
    proc::send(home.process("hog")["pid"].as_i64().unwrap(), Signal::SIGKILL);
    wait_until("the third run", SOON, || home.process("hog")["restarts"] == 2);
    assert!(home.process("hog")["last_exit"].get("reason").is_none());
    home.ok(&["delete", "hog"]);
}

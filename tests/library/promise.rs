//! The program of the promise, word for word.

use std::process::Command;

use crate::support::home::{PROGRAM, ran};
use crate::support::{Home, SOON, namespace, wait_until};

include!("cluster.rs");

/// Serves until it is told to end.
const APP: &str =
    "require('http').createServer((q, a) => a.end(process.env.PORT)).listen(process.env.PORT);\n";

#[test]
fn f1_the_program_of_the_promise_runs_four_instances_that_outlive_it() {
    const INSIDE: &str = "LIBRARY_TEST";
    if std::env::var_os(INSIDE).is_some() {
        main().unwrap();
        return;
    }
    // Its ports are to be free, where a test may see to that.
    let _ = namespace::own_network();
    let home = Home::new();
    home.file("app.js", APP);
    let mut again = Command::new(std::env::current_exe().unwrap());
    let test = "promise::f1_the_program_of_the_promise_runs_four_instances_that_outlive_it";
    again.args([test, "--exact", "--nocapture"]).current_dir(home.work());
    again.env(INSIDE, "1").env("PMDAEMON_BIN", PROGRAM).env("PMDAEMON_HOME", home.path());
    let ran = ran(&mut again);
    assert!(ran.code == 0 && ran.out.contains("1 passed"), "{}\n{}", ran.out, ran.err);
    let processes = home.processes();
    let told: Vec<_> = processes.iter().map(|p| (p["name"].as_str().unwrap(), &p["ports"][0])).collect();
    let expected =
        [("web-cluster-0", 3000), ("web-cluster-1", 3001), ("web-cluster-2", 3002), ("web-cluster-3", 3003)];
    assert_eq!(told.iter().map(|(name, port)| (*name, port.as_i64().unwrap())).collect::<Vec<_>>(), expected);
    let api = home.api();
    for (_, port) in expected {
        wait_until(&format!("an answer on {port}"), SOON, || {
            let request = reqwest::Client::new().get(format!("http://127.0.0.1:{port}/"));
            api.block_on(async { Some(request.send().await.ok()?.text().await.ok()? == port.to_string()) })
                == Some(true)
        });
    }
}

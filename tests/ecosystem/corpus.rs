//! Files as people write them. All of them load, nothing in them is unknown, and once they are
//! applied there is nothing left to do (rows J3, J4 and K10).

use std::path::{Path, PathBuf};

use crate::support::Home;

/// What the files run.
fn project(home: &Home) {
    home.file("app.js", "setInterval(() => {}, 1000);\n");
    home.file(
        "ready.js",
        "process.send('ready'); process.on('message', () => process.exit(0)); setInterval(() => {}, 1000);\n",
    );
    home.file("worker.py", "import time\nwhile True: time.sleep(1)\n");
    home.file("loop.sh", "echo ready\nwhile :; do sleep 1; done\n");
    std::fs::create_dir(home.work().join("src")).unwrap();
    home.file("front.env", "FRONT=1\n");
    home.file("index.html", "<h1>site</h1>\n");
    std::fs::create_dir(home.work().join("public")).unwrap();
    home.file("public/index.html", "<h1>site</h1>\n");
    let check = home.file("check.sh", "#!/bin/sh\nexit 0\n");
    std::fs::set_permissions(check, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

fn corpus() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ecosystem");
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| if path.is_dir() { path.join("package.json") } else { path })
        .filter(|path| path.extension().is_none_or(|extension| extension != "sh"))
        .collect();
    files.sort();
    files
}

#[test]
fn j3_every_file_loads_and_once_applied_nothing_is_left_to_do() {
    let home = Home::new();
    project(&home);
    let files = corpus();
    assert!(files.len() >= 25, "{}", files.len());
    for file in files {
        let file = file.to_str().unwrap();
        let applied = home.run(&["apply", file, "--yes"]);
        assert_eq!(applied.code, 0, "{file}: {applied:?}");
        for word in ["is not a field", "is not known"] {
            assert!(!applied.err.contains(word), "{file}: {applied:?}");
        }
        let planned = home.run(&["plan", file, "--exit-code"]);
        assert_eq!(planned.code, 0, "{file}: {planned:?}");
        assert!(planned.out.contains("as the file says."), "{file}: {planned:?}");
        let before: Vec<_> = home.processes().iter().map(|process| process["pid"].clone()).collect();
        assert!(!before.is_empty(), "{file}");
        home.ok(&["apply", file, "--yes"]);
        let after: Vec<_> = home.processes().iter().map(|process| process["pid"].clone()).collect();
        assert_eq!(before, after, "{file}: unchanged apps keep their pids");
        home.ok(&["delete", "all", "--force"]);
    }
}

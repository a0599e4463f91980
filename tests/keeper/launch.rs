use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use pmdaemon::keeper::protocol::{Ending, Order, Step};

use crate::rig::{Rig, until};

#[test]
fn a_program_gets_its_arguments_environment_and_directory() {
    let mut rig = Rig::new();
    let mut launch =
        rig.program("/bin/sh", &["-c", r#"echo "$1|$GREETING|$PWD|$PMDAEMON_RUN""#, "sh", "a b"]);
    launch.env.insert("GREETING".into(), "hello=x\ny".into());
    let run = rig.launch(launch).0;
    assert_eq!(rig.exited(run).0, Ending::Code(0));
    let out = String::from_utf8(rig.out()).unwrap();
    let dir = rig.path("");
    let start = format!("a b|hello=x\ny|{}|", dir.to_str().unwrap().trim_end_matches('/'));
    assert!(out.starts_with(&start), "{out}");
    assert!(out.ends_with(&format!("-{run}\n")), "{out}");
}

#[test]
fn a_program_leads_a_session_and_has_default_signals_an_empty_mask_and_the_usual_umask() {
    let mut rig = Rig::new();
    let (run, pid) =
        rig.start("cat /proc/self/stat; umask; grep -E '^Sig(Blk|Ign)' /proc/self/status; exit 0");
    rig.ended(run);
    let out = String::from_utf8(rig.out()).unwrap();
    let session = out.split(") ").nth(1).unwrap().split(' ').nth(3).unwrap();
    assert_eq!(session, pid.to_string());
    assert!(out.contains("\n0022\n"), "{out}");
    for name in ["SigBlk", "SigIgn"] {
        assert!(out.contains(&format!("{name}:\t0000000000000000")), "{out}");
    }
}

#[test]
fn a_program_has_no_descriptors_but_the_standard_three() {
    let mut rig = Rig::new();
    // Something else is captured meanwhile, so the keeper has a lot open.
    rig.start("sleep 1000");
    let list =
        "for n in $(seq 0 200); do [ -e /proc/$$/fd/$n ] && echo $n; done; ulimit -n; readlink /proc/$$/fd/0";
    let run = rig.start(list).0;
    rig.ended(run);
    let mine = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).unwrap().0;
    assert_eq!(String::from_utf8(rig.out()).unwrap(), format!("0\n1\n2\n{mine}\n/dev/null\n"));
}

#[test]
fn what_cannot_be_executed_is_told_in_a_sentence_and_leaves_nothing() {
    let mut rig = Rig::new();
    let file = |rig: &Rig, name: &str, text: &str, mode| {
        let path = rig.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    };
    let plain = file(&rig, "plain", "echo", 0o644);
    let bare = file(&rig, "bare", "echo", 0o755);
    let lost = file(&rig, "lost", "#!/no/interpreter -x\n", 0o755);
    let cases = [
        (plain.clone(), Step::Exec, format!("cannot execute {}: permission denied", plain.display())),
        (
            rig.path("none"),
            Step::Exec,
            format!("cannot execute {}: no such file", rig.path("none").display()),
        ),
        (bare.clone(), Step::Exec, format!("cannot execute {}: it is neither a program nor", bare.display())),
        (lost.clone(), Step::Exec, format!("{}: its interpreter /no/interpreter does not", lost.display())),
    ];
    for (program, at, sentence) in cases {
        let launch = rig.program(program, &[]);
        let (step, detail) = rig.spawn_failed(launch);
        assert_eq!(step, at);
        assert!(detail.contains(&sentence), "{detail}");
    }
    let mut launch = rig.script("true");
    launch.cwd = rig.path("nowhere");
    let (step, detail) = rig.spawn_failed(launch);
    assert_eq!(step, Step::Chdir);
    let sentence = format!("cannot change to directory {}: no such file", rig.path("nowhere").display());
    assert!(detail.starts_with(&sentence), "{detail}");
    let mut launch = rig.script("true");
    launch.out_file = rig.path("");
    let (step, detail) = rig.spawn_failed(launch);
    assert_eq!(step, Step::Logs);
    assert!(detail.starts_with("cannot open the log file"), "{detail}");
    let launch = rig.program("/bin/echo", &["a\0b"]);
    assert!(rig.spawn_failed(launch).1.contains("NUL"));
    until("its files are removed", || rig.run_dir().is_empty());
    assert!(rig.leaves().is_empty(), "{:?}", rig.leaves());
    assert!(rig.alive().is_empty());
}

#[test]
fn a_run_that_is_ordered_twice_is_started_once() {
    let mut rig = Rig::new();
    let launch = rig.script("echo once; sleep 1000");
    rig.launch(launch.clone());
    rig.order(Order::Launch(Box::new(launch)));
    // Whatever the second order does is done when this one is answered.
    rig.start("true");
    until("it has written", || rig.out() == b"once\n");
    // Between fork and exec its child looks like another one.
    until("there is one", || rig.alive().iter().filter(|pid| is_shell(**pid)).count() == 1);
}

fn is_shell(pid: i32) -> bool {
    fs::read(Path::new(&format!("/proc/{pid}/cmdline"))).is_ok_and(|line| line.starts_with(b"/bin/sh"))
}

use std::fs;
use std::io::Read;

use pmdaemon::keeper::protocol::{Ending, Order};
use pmdaemon::model::log_segment::{self, index_path};

use crate::rig::{Rig, until};

const TICKING: &str = "while :; do echo tick; sleep 0.01; done";

#[test]
fn a_log_holds_exactly_the_bytes_that_were_written() {
    let mut rig = Rig::new();
    let mut bytes = vec![0; 5_000_001];
    fs::File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
    *bytes.last_mut().unwrap() = b'x';
    fs::write(rig.path("bytes"), &bytes).unwrap();
    let run = rig.start("cat bytes; head -c 1000 bytes >&2").0;
    assert_eq!(rig.ended(run), Ending::Code(0));
    assert!(rig.out() == bytes, "{} bytes of {}", rig.out().len(), bytes.len());
    assert!(fs::read(rig.log("err")).unwrap() == bytes[..1000]);
}

#[test]
fn everything_is_in_the_log_when_the_end_is_reported() {
    let mut rig = Rig::new();
    // Also when somebody of the tree still has the FIFO open.
    for script in ["echo last words", "sleep 1000 & echo last words"] {
        for _ in 0..20 {
            let before = rig.out().len();
            let run = rig.start(script).0;
            rig.exited(run);
            assert_eq!(rig.out().len(), before + 11);
        }
    }
}

#[test]
fn a_file_is_made_with_the_first_byte_also_by_the_next_keeper() {
    let mut rig = Rig::new();
    let (run, _) = rig.start("while [ ! -e go ]; do sleep 0.01; done; echo said >&2; sleep 1000");
    assert!(!rig.log("out").exists() && !rig.log("err").exists());
    rig.kill_keeper();
    fs::write(rig.path("go"), "").unwrap();
    rig.next_keeper();
    until("it is said", || fs::read(rig.log("err")).is_ok_and(|said| said == b"said\n"));
    rig.order(Order::KillTree { run });
    rig.ended(run);
    assert!(!rig.log("out").exists());
}

#[test]
fn both_outputs_can_go_to_one_file() {
    let mut rig = Rig::new();
    let mut launch =
        rig.script("i=0; while [ $i -lt 500 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done");
    launch.err_file = launch.out_file.clone();
    let run = rig.launch(launch).0;
    rig.ended(run);
    let out = String::from_utf8(rig.out()).unwrap();
    for name in ["out", "err"] {
        let lines: Vec<_> = out.lines().filter(|line| line.starts_with(name)).collect();
        let expected: Vec<_> = (0..500).map(|i| format!("{name} {i}")).collect();
        assert_eq!(lines, expected);
    }
    assert_eq!(out.lines().count(), 1000);
}

#[test]
fn a_log_is_private_and_its_index_says_when_each_part_was_written() {
    use std::os::unix::fs::PermissionsExt;
    let mut rig = Rig::new();
    let now =
        || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as u64;
    let before = now();
    let run = rig.start("echo one; sleep 0.1; echo two").0;
    rig.ended(run);
    let bytes = fs::read(index_path(&rig.log("out"))).unwrap();
    let mut records = bytes.chunks(log_segment::RECORD).map(|record| record.try_into().unwrap());
    assert_eq!(records.next().and_then(log_segment::number_of), Some(1));
    let records: Vec<_> = records.map(log_segment::time_and_offset).collect();
    let offsets: Vec<_> = records.iter().map(|(_, offset)| *offset).collect();
    assert_eq!(offsets, [0, 4]);
    assert!(before <= records[0].0 && records[0].0 + 50_000 < records[1].0 && records[1].0 <= now());
    for path in [rig.log("out"), index_path(&rig.log("out"))] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn the_next_run_continues_the_log() {
    let mut rig = Rig::new();
    for word in ["one", "two"] {
        let run = rig.start(&format!("printf {word}")).0;
        rig.ended(run);
    }
    assert_eq!(rig.out(), b"onetwo");
}

#[test]
fn a_log_that_somebody_truncated_is_continued_at_its_new_end() {
    let mut rig = Rig::new();
    rig.start(TICKING);
    until("something is there", || rig.out().len() > 50);
    fs::OpenOptions::new().write(true).open(rig.log("out")).unwrap().set_len(0).unwrap();
    until("more is there", || rig.out().len() >= 10);
    assert!(rig.out().starts_with(b"tick\ntick\n"), "{:?}", rig.out());
}

#[test]
fn a_log_that_somebody_removed_or_renamed_is_made_anew() {
    let mut rig = Rig::new();
    rig.start(TICKING);
    until("something is there", || rig.out().len() > 50);
    fs::remove_file(rig.log("out")).unwrap();
    until("it is back", || rig.out().starts_with(b"tick\ntick\n"));
    fs::rename(index_path(&rig.log("out")), rig.log("old.idx")).unwrap();
    fs::rename(rig.log("out"), rig.log("old")).unwrap();
    until("it is back again", || rig.out().starts_with(b"tick\ntick\n"));
    let index = fs::read(index_path(&rig.log("out"))).unwrap();
    let record = |at: usize| index[at * 16..][..16].try_into().unwrap();
    assert!(log_segment::number_of(record(0)).unwrap() >= 3, "one segment was removed, one moved away");
    assert_eq!(log_segment::time_and_offset(record(1)).1, 0);
    assert!(fs::read(rig.log("old")).unwrap().ends_with(b"tick\n"));
}

#[test]
fn a_program_that_writes_without_end_does_not_keep_others_waiting() {
    let mut rig = Rig::new();
    let mut loud = rig.script("exec yes");
    loud.out_file = "/dev/null".into();
    rig.launch(loud);
    for _ in 0..5 {
        let run = rig.start("echo hello; exit 6").0;
        assert_eq!(rig.exited(run).0, Ending::Code(6));
        rig.order(Order::Forget { run });
    }
    assert_eq!(rig.out(), b"hello\n".repeat(5));
}

#[test]
fn who_writes_much_and_then_little_is_heard_each_time() {
    let mut rig = Rig::new();
    let script = "for i in 1 2 3; do \
        while [ ! -e go$i ]; do sleep 0.01; done; seq 300000; \
        while [ ! -e one$i ]; do sleep 0.01; done; echo one; done";
    let run = rig.start(script).0;
    let mut expected = String::new();
    for i in 1..=3 {
        fs::write(rig.path(&format!("go{i}")), "").unwrap();
        (1..=300_000).for_each(|number| expected += &format!("{number}\n"));
        until("the burst is there", || rig.out().len() == expected.len());
        fs::write(rig.path(&format!("one{i}")), "").unwrap();
        expected += "one\n";
        until("the line is there", || rig.out().len() == expected.len());
    }
    assert_eq!(rig.ended(run), Ending::Code(0));
    assert!(rig.out() == expected.as_bytes());
}

#[test]
fn what_a_file_does_not_take_waits_until_it_does() {
    check_that_it_waits(8192, 10_000);
}

#[test]
fn what_a_file_does_not_take_waits_also_when_much_is_written() {
    check_that_it_waits(1_000_000, 160_000);
}

/// So many numbers are more than a file of `size` bytes takes, by less than a FIFO does.
fn check_that_it_waits(size: usize, numbers: usize) {
    let mut rig = Rig::new();
    // A limit of the size of files, set for the keeper alone, is like a full disk that can be
    // emptied.
    let pid = rig.keeper_pid().to_string();
    let limit = |size: &str| {
        let size = format!("--fsize={size}:unlimited");
        let set = std::process::Command::new("prlimit").args(["--pid", &pid, &size]).status().unwrap();
        assert!(set.success());
    };
    limit(&size.to_string());
    let script = format!("seq {numbers}; echo done >&2; while [ ! -e stop ]; do sleep 0.01; done");
    let run = rig.start(&script).0;
    until("the file is full", || rig.out().len() == size);
    until("others go on", || fs::read(rig.log("err")).is_ok_and(|err| err == b"done\n"));
    let said = |rig: &Rig| fs::read_to_string(rig.path("keeper.log")).unwrap();
    until("it is said", || said(&rig).contains("cannot write to"));
    limit("unlimited");
    let all: String = (1..=numbers).map(|i| format!("{i}\n")).collect();
    until("everything is there", || rig.out() == all.as_bytes());
    fs::write(rig.path("stop"), "").unwrap();
    assert_eq!(rig.ended(run), Ending::Code(0));
    let said = said(&rig);
    assert_eq!(said.matches("cannot write to").count(), 1, "{said}");
    assert!(said.contains("takes output again"));
}

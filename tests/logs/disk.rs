//! What lies on the disk of a log, read without any help of the program.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use crate::support::wait_for;

/// Bound for compressing everything on a busy machine.
const LONG: Duration = Duration::from_secs(100);

/// A program that writes numbered lines: how many, how many bytes each has (with its newline), and
/// how long it waits behind each, in seconds. Then it waits for its end, or ends at once if `END`
/// says so. It writes down how many it has written when SIGTERM comes.
pub const NUMBERED: &str = r#"
import os, signal, sys, time
count, length, pause = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
written = 0
def end(*_):
    open(sys.argv[4], "w").write(str(written))
    os._exit(0)
signal.signal(signal.SIGTERM, end)
def write(text):
    while text:
        text = text[os.write(1, text):]
if pause:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    while written < count:
        write(b"%0*d\n" % (length - 1, written + 1))
        written += 1
        if signal.sigtimedwait([signal.SIGTERM], pause):
            end()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
else:
    block = max(1, 65536 // length)
    while written < count:
        many = min(block, count - written)
        write(b"".join(b"%0*d\n" % (length - 1, i) for i in range(written + 1, written + many + 1)))
        written += many
open(sys.argv[4] + ".done", "w").write(str(written))
if "END" not in os.environ:
    while True:
        signal.pause()
"#;

/// The closed segments of a log by number, each with its path.
pub fn closed(log: &Path) -> Vec<(u64, PathBuf)> {
    let name = format!("{}.", log.file_name().unwrap().to_str().unwrap());
    let mut found = Vec::new();
    for entry in fs::read_dir(log.parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        let rest = path.file_name().unwrap().to_str().unwrap().strip_prefix(&name).map(str::to_owned);
        let Some(rest) = rest else { continue };
        let digits = rest.strip_suffix(".zst").unwrap_or(&rest);
        if digits.len() >= 6 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            found.push((digits.parse().unwrap(), path));
        }
    }
    found.sort();
    found
}

/// All that was written to a log and is there still: the closed segments in order, then the active
/// one. Nobody may be compressing meanwhile.
#[track_caller]
pub fn all(log: &Path) -> Vec<u8> {
    read(log).unwrap()
}

/// All that was written to a log whose last bytes are known: once they have come out of the pipe, and
/// all that is closed is compressed, so that the disk holds still.
#[track_caller]
pub fn settled(log: &Path, last: &[u8]) -> Vec<u8> {
    wait_for("all of the log, compressed but for the end", LONG, || {
        let packed = closed(log).iter().all(|(_, path)| is_compressed(path));
        // What is closed meanwhile makes it fail or end with something else.
        read(log).ok().filter(|bytes| packed && bytes.ends_with(last))
    })
}

fn read(log: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for (_, path) in closed(log) {
        match is_compressed(&path) {
            true => bytes.extend(zstd::decode_all(fs::File::open(&path)?)?),
            false => bytes.extend(fs::read(&path)?),
        }
    }
    bytes.extend(fs::read(log).unwrap_or_default());
    Ok(bytes)
}

/// Whether a closed segment is compressed.
pub fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "zst")
}

/// The numbers of the lines; fails if one is not a number of that length.
#[track_caller]
pub fn numbers(bytes: &[u8], length: usize) -> Vec<u64> {
    let lines = bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|byte| *byte == b'\n');
    let number = |line: &[u8]| {
        let text = std::str::from_utf8(line).unwrap();
        assert_eq!(line.len(), length - 1, "{text:?} is not a whole line");
        text.parse().unwrap_or_else(|_| panic!("{text:?} is not a number"))
    };
    lines.filter(|line| !line.is_empty()).map(number).collect()
}

/// Fails unless they count up from the first without a gap.
#[track_caller]
pub fn without_gap(numbers: &[u64], what: &str) {
    let gap = numbers.windows(2).find(|pair| pair[1] != pair[0] + 1);
    assert!(gap.is_none(), "{what}: {gap:?} of {} lines", numbers.len());
}

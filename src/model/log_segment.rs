//! Segments of a log: what the files are called, and how their index begins.
//!
//! A log is one stream of bytes in a row of files, which have numbers that grow and are never used
//! again. The newest is *active* and lies at the path of the log; the others are *closed*, and may
//! be compressed. So a number and an offset name the same byte for ever.
//!
//! | path | what |
//! |---|---|
//! | `web-out.log` | the active segment |
//! | `web-out.log.idx` | its index, which knows its number |
//! | `web-out.log.000007` | closed segment 7 |
//! | `web-out.log.000007.zst` | the same, compressed |
//! | `web-out.log.000007.idx` | its index |
//!
//! An index is a row of records of [`RECORD`] bytes. The first is the header: [`MAGIC`], then the
//! number. Each of the others says that what begins at an offset came at a time: microseconds since
//! 1970, then the offset, both `u64` little-endian.

use std::path::{Path, PathBuf};

/// Length of one record of an index, in bytes.
pub const RECORD: usize = 16;

/// How an index begins. The last two digits are the version of the format.
pub const MAGIC: [u8; 8] = *b"PMDIDX02";

/// Digits of a number in a file name, at least: names in alphabetical order are in order of time.
/// More than logrotate's one or two, so that its files are never taken for ours.
const DIGITS: usize = 6;

/// Where the index of that log, or of that closed segment, is.
pub fn index_path(segment: &Path) -> PathBuf {
    with_suffix(segment, ".idx")
}

/// Where the closed segment of that number is, as long as it is not compressed.
pub fn closed_path(log: &Path, number: u64) -> PathBuf {
    with_suffix(log, &format!(".{number:0DIGITS$}"))
}

/// Where the closed segment of that number is once it is compressed.
pub fn compressed_path(log: &Path, number: u64) -> PathBuf {
    with_suffix(log, &format!(".{number:0DIGITS$}.zst"))
}

/// What a file beside a log is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// A closed segment.
    Closed,
    /// A closed segment, compressed.
    Compressed,
    /// The index of a closed segment.
    Index,
}

/// Which part of the log called `log` the file called `name`, in the same directory, is. `None` for
/// every other file, the active segment and its index included.
pub fn part_of(log: &str, name: &str) -> Option<(u64, Part)> {
    let rest = name.strip_prefix(log)?.strip_prefix('.')?;
    let (digits, part) = match rest.split_once('.') {
        None => (rest, Part::Closed),
        Some((digits, "zst")) => (digits, Part::Compressed),
        Some((digits, "idx")) => (digits, Part::Index),
        Some(_) => return None,
    };
    let number: u64 = digits.parse().ok()?;
    // Only the one way in which we write it: no sign, no more zeros than needed.
    (digits == format!("{number:0DIGITS$}")).then_some((number, part))
}

/// Whether a file of that name can be a part of any log, in the sense of [`part_of`].
pub fn may_be_part(name: &str) -> bool {
    let number = |name: &str| {
        name.rsplit('.').next().is_some_and(|digits| digits.len() >= DIGITS && digits.parse::<u64>().is_ok())
    };
    let stem = name.strip_suffix(".idx").or_else(|| name.strip_suffix(".zst")).unwrap_or(name);
    number(stem)
}

/// The first record of the index of that segment.
pub fn header(number: u64) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[..8].copy_from_slice(&MAGIC);
    record[8..].copy_from_slice(&number.to_le_bytes());
    record
}

/// The number that the first record of an index has; `None` if it is no header.
pub fn number_of(record: [u8; RECORD]) -> Option<u64> {
    let [magic, number] = halves(record);
    (magic == MAGIC).then(|| u64::from_le_bytes(number))
}

/// The record of a chunk that begins at `offset` and came at `micros` since 1970.
pub fn record(micros: u64, offset: u64) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[..8].copy_from_slice(&micros.to_le_bytes());
    record[8..].copy_from_slice(&offset.to_le_bytes());
    record
}

/// Time and offset in a record that is not the first.
pub fn time_and_offset(record: [u8; RECORD]) -> (u64, u64) {
    let [micros, offset] = halves(record);
    (u64::from_le_bytes(micros), u64::from_le_bytes(offset))
}

fn halves(record: [u8; RECORD]) -> [[u8; 8]; 2] {
    let [a, b, c, d, e, f, g, h, rest @ ..] = record;
    [[a, b, c, d, e, f, g, h], rest]
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_their_number() {
        let log = Path::new("/l/web-out.log");
        assert_eq!(index_path(log), Path::new("/l/web-out.log.idx"));
        assert_eq!(closed_path(log, 7), Path::new("/l/web-out.log.000007"));
        assert_eq!(compressed_path(log, 12_345_678), Path::new("/l/web-out.log.12345678.zst"));
        assert_eq!(index_path(&closed_path(log, 7)), Path::new("/l/web-out.log.000007.idx"));
    }

    #[test]
    fn a_name_is_recognised_only_as_it_is_written() {
        let check = |name: &str, expected: Option<_>| {
            assert_eq!(part_of("a.log", name), expected, "{name}");
            assert!(may_be_part(name) || expected.is_none(), "{name}");
        };
        check("a.log.000007", Some((7, Part::Closed)));
        check("a.log.12345678.zst", Some((12_345_678, Part::Compressed)));
        check("a.log.000007.idx", Some((7, Part::Index)));
        for other in [
            "a.log",
            "a.log.idx",
            "a.log.1",
            "a.log.0000007",
            "a.log.+00007",
            "a.log.000007.zst.tmp",
            "a.log.000007.gz",
            "b.log.000007",
            "a.log-000007",
            "a.log.",
        ] {
            check(other, None);
        }
    }

    #[test]
    fn records_are_read_as_they_were_written() {
        assert_eq!(number_of(header(7)), Some(7));
        assert_eq!(number_of(record(1, 2)), None);
        assert_eq!(time_and_offset(record(1_700_000_000_000_000, 42)), (1_700_000_000_000_000, 42));
    }
}

//! How much of a log lies behind a place.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::directory::{self, Directories};
use super::handle::look;
use super::place::Position;
use crate::model::log_segment::{closed_path, compressed_path};

/// What has to be read of a compressed segment to know its size.
const HEADER: u64 = 18;

/// Bytes in each of the segments of a log that are there, by number.
pub type Sizes = BTreeMap<u64, u64>;

/// The segments of each of these logs from its place on, as they are now.
///
/// # Errors
/// As the system says, with the path.
pub fn sizes<'a>(
    logs: impl IntoIterator<Item = (&'a PathBuf, Position)>,
) -> io::Result<BTreeMap<PathBuf, Sizes>> {
    let directories = Directories::default();
    let mut all = BTreeMap::new();
    for (log, from) in logs {
        let mut found = Sizes::new();
        for number in directories.closed(log)?.into_iter().filter(|number| *number >= from.segment) {
            found.extend(closed(log, number)?.map(|size| (number, size)));
        }
        if let Some(active) = directory::active(log)?
            && active.number >= from.segment
        {
            found.insert(active.number, active.file.size()?);
        }
        all.insert(log.clone(), found);
    }
    Ok(all)
}

/// How many bytes of these lie behind the place.
pub fn behind(sizes: &Sizes, from: Position) -> u64 {
    let of = |(number, size): (&u64, &u64)| match *number == from.segment {
        true => size.saturating_sub(from.offset),
        false => *size,
    };
    sizes.range(from.segment..).map(of).sum()
}

/// The size of a closed segment as it was written; `None` when it is not there any more.
fn closed(log: &Path, number: u64) -> io::Result<Option<u64>> {
    if let Some(meta) = look(&closed_path(log, number))? {
        return Ok(Some(meta.len()));
    }
    let mut header = Vec::new();
    match File::open(compressed_path(log, number)) {
        Ok(file) => file.take(HEADER).read_to_end(&mut header)?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    Ok(zstd::zstd_safe::get_frame_content_size(&header).ok().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::log_segment::{header, index_path};

    #[test]
    fn what_lies_behind_a_place_is_counted_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("a.log");
        std::fs::write(&log, "active\n").unwrap();
        std::fs::write(index_path(&log), header(4)).unwrap();
        std::fs::write(closed_path(&log, 3), vec![b'x'; 50]).unwrap();
        let mut encoder = zstd::Encoder::new(File::create(compressed_path(&log, 2)).unwrap(), 3).unwrap();
        encoder.set_pledged_src_size(Some(1000)).unwrap();
        io::Write::write_all(&mut encoder, &[b'y'; 1000]).unwrap();
        encoder.finish().unwrap();
        let check = |segment, offset, expected| {
            let from = Position { segment, offset };
            let sizes = sizes([(&log, from)]).unwrap();
            assert_eq!(behind(&sizes[&log], from), expected, "{from:?}");
        };
        check(0, 0, 1057);
        check(2, 400, 657);
        check(3, 50, 7);
        check(4, 7, 0);
    }
}

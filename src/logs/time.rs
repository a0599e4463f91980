//! Places by time.

use std::io;
use std::path::Path;

use super::directory::{self, Directories};
use super::index::Index;
use super::place::Position;
use super::segment::{Direction, Segment};
use crate::model::log_segment::closed_path;

/// Behind the last byte that is there now.
pub(super) fn end_of(log: &Path, directories: &Directories) -> io::Result<Position> {
    if let Some(active) = directory::active(log)? {
        return Ok(Position { segment: active.number, offset: active.file.size()? });
    }
    // Between two names of a rotation.
    let last = directories.closed(log)?.last().copied();
    Ok(last.map_or(Position::BEGINNING, |last| Position { segment: last + 1, offset: 0 }))
}

/// Where the first line begins whose first byte came at `time` or later; `end` when there is none.
///
/// Looked up in the indexes by bisection. Where the clock was set back there may be several such
/// places, of which this is one. Bytes without a time count as older than all others.
pub(super) fn line_at(
    log: &Path,
    time: u64,
    end: Position,
    directories: &Directories,
) -> io::Result<Position> {
    let mut found = end;
    let active = directory::active(log)?;
    let now = active.as_ref().map(|active| active.number);
    if let Some(mut active) = active
        && let Some(place) = within(&mut active.index, active.number, time, &mut found)?
    {
        return line_start(log, place);
    }
    for number in
        directories.closed(log)?.into_iter().rev().filter(|number| now.is_none_or(|now| *number < now))
    {
        let (mut index, _) = Index::beside(&closed_path(log, number))?;
        if let Some(place) = within(&mut index, number, time, &mut found)? {
            return line_start(log, place);
        }
    }
    Ok(found)
}

/// The place, when this segment began before `time`: it is in it, or it is what was `found` in the
/// ones behind it. Otherwise `found` is the beginning of what has a time in this one.
fn within(index: &mut Index, number: u64, time: u64, found: &mut Position) -> io::Result<Option<Position>> {
    let Some(first) = index.first_time()? else { return Ok(None) };
    let place = index.offset_at(time)?.map(|offset| Position { segment: number, offset });
    if first < time {
        return Ok(Some(place.unwrap_or(*found)));
    }
    *found = place.unwrap_or(*found);
    Ok(None)
}

/// The chunk of that place may begin in the middle of a line, which began earlier: then the next one.
fn line_start(log: &Path, place: Position) -> io::Result<Position> {
    if place.offset == 0 {
        return Ok(place);
    }
    let segment = match directory::active(log)?.filter(|active| active.number == place.segment) {
        Some(active) => Some(Segment::active(active)),
        None => Segment::closed(log, place.segment, Direction::Forward)?,
    };
    let Some(mut segment) = segment else { return Ok(place) };
    let mut block = vec![0; 64 << 10];
    let mut offset = place.offset - 1;
    loop {
        let got = segment.read_at(&mut block, offset)?;
        if let Some(newline) = memchr::memchr(b'\n', &block[..got]) {
            return Ok(Position { offset: offset + newline as u64 + 1, ..place });
        }
        if got == 0 {
            return Ok(Position { offset, ..place });
        }
        offset += got as u64;
    }
}

//! One open log file, read forward and split into lines.

use std::io;
use std::path::Path;

use super::handle::{Handle, Identity};
use super::index::Index;

/// The longest text of a [`Line`](super::Line), in bytes. A longer line comes in pieces, cut
/// between characters where it is UTF-8.
pub const MAX_LINE: usize = 1 << 20;

/// How much is read in one go at most. What is left comes next time.
const BATCH: u64 = 4 << 20;

/// How far back the last lines are looked for at most.
const LOOK_BACK: u64 = 64 << 20;

const BLOCK: usize = 64 << 10;

/// A line as the file has it.
#[derive(Debug)]
pub(super) struct Piece {
    pub at: Option<u64>,
    pub text: Vec<u8>,
    pub complete: bool,
}

#[derive(Debug)]
pub(super) struct Segment {
    file: Handle,
    index: Index,
    /// Where to read on.
    next: u64,
    /// Read, but its newline is not there yet. Lies just before `next`.
    held: Vec<u8>,
}

impl Segment {
    /// Opens the log to be read from its beginning; `None` when there is none.
    pub fn open(path: &Path) -> io::Result<Option<Segment>> {
        let Some(file) = Handle::open(path)? else { return Ok(None) };
        Segment::starting_at(file, path, 0).map(Some)
    }

    /// Opens the log and gives its last lines, the unfinished one included.
    pub fn open_tail(path: &Path, lines: usize) -> io::Result<Option<(Segment, Vec<Piece>)>> {
        let Some(file) = Handle::open(path)? else { return Ok(None) };
        let end = file.size()?;
        let start = start_of_last(&file, end, lines)?;
        let mut segment = Segment::starting_at(file, path, start)?;
        let mut pieces = Vec::new();
        while segment.next < end {
            let before = segment.next;
            segment.read_to(end, &mut pieces)?;
            if segment.next == before {
                break;
            }
        }
        pieces.extend(segment.flush());
        pieces.drain(..pieces.len().saturating_sub(lines));
        Ok(Some((segment, pieces)))
    }

    fn starting_at(file: Handle, path: &Path, start: u64) -> io::Result<Segment> {
        let mut index = Index::beside(path, start)?;
        // In this order: the keeper writes a record when its chunk is about to follow, so that
        // an offset beyond the size can only be of an earlier life.
        let told = index.last_offset()?;
        if told > Some(file.size()?) {
            index.end_life()?;
        }
        Ok(Segment { file, index, next: start, held: Vec::new() })
    }

    /// Which file this is.
    pub fn identity(&self) -> Identity {
        self.file.identity()
    }

    /// Where it will read on.
    pub fn position(&self) -> u64 {
        self.next
    }

    /// Everything that is in the file has been read.
    pub fn at_end(&self) -> io::Result<bool> {
        Ok(self.file.size()? == self.next)
    }

    /// Time of the file's last change, in microseconds since 1970.
    pub fn modified(&self) -> io::Result<u64> {
        self.file.modified()
    }

    /// The file at the path is this one: what came since. If it was truncated, goes on at its
    /// new beginning.
    ///
    /// `still_here` looks again whether the file at the path is this one.
    pub fn read(&mut self, still_here: impl Fn() -> io::Result<bool>) -> io::Result<Vec<Piece>> {
        let mut pieces = Vec::new();
        self.index.renew(self.line_start())?;
        let born_at = self.index.refresh(self.next)?;
        // A new life in the index may also be that of another file, which is at the path since a
        // moment ago: then this one has its end as it is, and the caller notices next time.
        if born_at.is_none() || still_here()? {
            self.go_back_if_truncated(born_at, &mut pieces)?;
        }
        self.read_to(self.next.saturating_add(BATCH), &mut pieces)?;
        Ok(pieces)
    }

    /// Another file is at the path now: the rest of this one.
    pub fn read_rest(&mut self) -> io::Result<Vec<Piece>> {
        let mut pieces = Vec::new();
        self.read_to(self.next.saturating_add(BATCH), &mut pieces)?;
        Ok(pieces)
    }

    /// Gives out what has no newline yet; what follows will be the next piece of that line. A
    /// character of which the last bytes are missing waits, unless it is all there is.
    pub fn flush(&mut self) -> Option<Piece> {
        let cut = match std::str::from_utf8(&self.held) {
            Err(e) if e.error_len().is_none() && e.valid_up_to() > 0 => e.valid_up_to(),
            Ok(_) | Err(_) => self.held.len(),
        };
        (cut > 0).then(|| self.take(cut, false))
    }

    /// Gives out all that has no newline yet, at the end of a file that will not grow.
    pub fn finish(&mut self) -> Option<Piece> {
        (!self.held.is_empty()).then(|| self.take(self.held.len(), false))
    }

    fn line_start(&self) -> u64 {
        self.next - self.held.len() as u64
    }

    fn go_back_if_truncated(&mut self, born_at: Option<u64>, pieces: &mut Vec<Piece>) -> io::Result<()> {
        match born_at {
            Some(born) => {
                if born < self.next {
                    pieces.extend(self.finish());
                    self.next = born;
                }
                self.index.seek(self.line_start())
            }
            None if self.file.size()? < self.next => {
                pieces.extend(self.finish());
                self.next = 0;
                self.index.seek(0)?;
                self.index.end_life()
            }
            None => Ok(()),
        }
    }

    /// Reads up to `end` or the end of the file.
    fn read_to(&mut self, end: u64, pieces: &mut Vec<Piece>) -> io::Result<()> {
        let mut buffer = vec![0; BLOCK];
        while self.next < end {
            let wanted = BLOCK.min((end - self.next).try_into().unwrap_or(BLOCK));
            let got = self.file.read_at(&mut buffer[..wanted], self.next)?;
            // After the bytes, so that the records of these bytes are there: the keeper writes
            // the record first. A break that is told here is dealt with by the next read.
            self.index.refresh(self.next + got as u64)?;
            for part in buffer[..got].split_inclusive(|byte| *byte == b'\n') {
                self.take_in(part, pieces);
            }
            if got < wanted {
                break;
            }
        }
        Ok(())
    }

    /// Takes in a part of the file that has no newline except perhaps at its end.
    fn take_in(&mut self, part: &[u8], pieces: &mut Vec<Piece>) {
        let (text, complete) = match part.split_last() {
            Some((b'\n', text)) => (text, true),
            _ => (part, false),
        };
        self.held.extend_from_slice(text);
        self.next += text.len() as u64;
        while self.held.len() > MAX_LINE {
            let cut = character_border(&self.held, MAX_LINE);
            pieces.push(self.take(cut, false));
        }
        if complete {
            pieces.push(self.take(self.held.len(), true));
            self.next += 1;
        }
    }

    /// Gives out the first bytes of what is held.
    fn take(&mut self, length: usize, complete: bool) -> Piece {
        let start = self.line_start();
        let at = self.index.at(start);
        let rest = self.held.split_off(length);
        let text = std::mem::replace(&mut self.held, rest);
        self.index.pass(start);
        Piece { at, text, complete }
    }

    /// Bytes of log and index read so far.
    #[cfg(test)]
    pub fn bytes_read(&self) -> u64 {
        self.file.bytes_read() + self.index.bytes_read()
    }
}

/// The last place at or before `cut` that is not inside a UTF-8 character.
fn character_border(text: &[u8], cut: usize) -> usize {
    let inside = |at: &usize| text[*at] & 0xC0 == 0x80;
    (cut - 3..=cut).rev().find(|at| !inside(at)).unwrap_or(cut)
}

/// Where the last `lines` lines before `end` begin. Reads backwards.
fn start_of_last(file: &Handle, end: u64, lines: usize) -> io::Result<u64> {
    if lines == 0 {
        return Ok(end);
    }
    let floor = end.saturating_sub(LOOK_BACK);
    let mut buffer = vec![0; BLOCK];
    let mut found = 0;
    let mut start = end;
    while start > floor {
        let from = floor.max(start.saturating_sub(BLOCK as u64));
        let got = file.read_at(&mut buffer[..(start - from) as usize], from)?;
        for (i, _) in buffer[..got].iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
            let behind = from + i as u64 + 1;
            // The newline at the very end closes the last line, it does not begin another.
            if behind < end {
                found += 1;
                if found == lines {
                    return Ok(behind);
                }
            }
        }
        start = from;
    }
    Ok(floor)
}

//! One open segment.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::directory::Active;
use super::handle::{Handle, count, identity, look, told};
use super::index::Index;
use crate::model::log_segment::{closed_path, compressed_path, index_path};

/// A segment that has more bytes than this is not unpacked into memory.
const IN_MEMORY: u64 = 32 << 20;

/// In which direction a segment is going to be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Direction {
    Forward,
    Backward,
}

#[derive(Debug)]
pub(super) struct Segment {
    pub number: u64,
    pub index: Index,
    content: Content,
    /// It may still grow.
    pub active: bool,
}

enum Content {
    /// As it was written.
    Plain(Handle),
    /// Compressed: unpacked as far as it is read.
    Unpacking { decoder: zstd::Decoder<'static, io::BufReader<File>>, next: u64 },
    /// Compressed: unpacked.
    Unpacked(Vec<u8>),
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Content::Plain(file) => write!(f, "Plain({file:?})"),
            Content::Unpacking { next, .. } => write!(f, "Unpacking {{ next: {next} }}"),
            Content::Unpacked(bytes) => write!(f, "Unpacked({} bytes)", bytes.len()),
        }
    }
}

impl Segment {
    /// The active one.
    pub fn active(active: Active) -> Segment {
        let Active { number, file, index } = active;
        Segment { number, index, content: Content::Plain(file), active: true }
    }

    /// A closed one; `None` when it is not there.
    pub fn closed(log: &Path, number: u64, direction: Direction) -> io::Result<Option<Segment>> {
        let plain = closed_path(log, number);
        let content = match Handle::open(&plain)? {
            Some(file) => Some(Content::Plain(file)),
            None => unpack(&compressed_path(log, number), direction)?,
        };
        let Some(content) = content else { return Ok(None) };
        let (index, told) = Index::beside(&plain)?;
        // An index with another number is not that of this segment.
        let index = if told == Some(number) { index } else { Index::none() };
        Ok(Some(Segment { number, index, content, active: false }))
    }

    /// How many bytes it has now.
    pub fn size(&self) -> io::Result<u64> {
        match &self.content {
            Content::Plain(file) => file.size(),
            Content::Unpacked(bytes) => Ok(bytes.len() as u64),
            Content::Unpacking { next, .. } => Ok(*next),
        }
    }

    /// Fills `buffer` from there on, as far as there is something. Returns how much that is.
    pub fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match &mut self.content {
            Content::Plain(file) => file.read_at(buffer, offset),
            Content::Unpacked(bytes) => {
                let rest = bytes.get(offset as usize..).unwrap_or_default();
                let length = rest.len().min(buffer.len());
                buffer[..length].copy_from_slice(&rest[..length]);
                Ok(length)
            }
            Content::Unpacking { decoder, next } => {
                if offset > *next {
                    let skipped = io::copy(&mut decoder.by_ref().take(offset - *next), &mut io::sink())?;
                    count(skipped as usize);
                    *next += skipped;
                }
                if offset != *next {
                    // Beyond its end; it is never read backwards in this form.
                    return Ok(0);
                }
                let mut filled = 0;
                while filled < buffer.len() {
                    match decoder.read(&mut buffer[filled..]) {
                        Ok(0) => break,
                        Ok(n) => filled += n,
                        Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                        Err(e) => return Err(e),
                    }
                }
                *next += filled as u64;
                count(filled);
                Ok(filled)
            }
        }
    }

    /// Whether it is one of that log, closed meanwhile or not.
    pub fn is_of(&self, log: &Path) -> io::Result<bool> {
        let closed = closed_path(log, self.number);
        if let Content::Plain(file) = &self.content {
            for path in [log, &closed] {
                if look(path)?.is_some_and(|there| identity(&there) == file.identity()) {
                    return Ok(true);
                }
            }
        }
        Ok(look(&compressed_path(log, self.number))?.is_some())
    }

    /// What has become of the active segment.
    pub fn standing(&mut self, log: &Path) -> io::Result<Standing> {
        let Content::Plain(file) = &self.content else { return Ok(Standing::Moved) };
        // A path where nothing lies is one where something will.
        let Some(there) = look(log)? else { return Ok(Standing::Active) };
        if identity(&there) != file.identity() {
            return Ok(Standing::Moved);
        }
        let index = look(&index_path(log))?.map(|meta| identity(&meta));
        if index.is_none() || index == self.index.identity() {
            return Ok(Standing::Active);
        }
        match Index::beside(log)? {
            (index, Some(number)) if number == self.number => self.index = index,
            (_, Some(_)) => return Ok(Standing::Emptied),
            (_, None) => {}
        }
        Ok(Standing::Active)
    }
}

/// What has become of a segment that was active.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    /// It still is.
    Active,
    /// Another file is. This one will not change any more.
    Moved,
    /// Its file has another number now: somebody truncated it, and what is in it is not of this segment.
    Emptied,
}

fn unpack(path: &Path, direction: Direction) -> io::Result<Option<Content>> {
    let Some(file) = Handle::open(path)? else { return Ok(None) };
    let unpacked = |e| told("unpack", path, e);
    let mut decoder = zstd::Decoder::new(file.into_file()).map_err(unpacked)?;
    if direction == Direction::Forward {
        return Ok(Some(Content::Unpacking { decoder, next: 0 }));
    }
    let mut bytes = Vec::new();
    decoder.by_ref().take(IN_MEMORY).read_to_end(&mut bytes).map_err(unpacked)?;
    count(bytes.len());
    if (bytes.len() as u64) < IN_MEMORY {
        return Ok(Some(Content::Unpacked(bytes)));
    }
    // A file without a name, in the directory that has room for logs; it goes with its reader.
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut options = File::options();
    options.read(true).write(true).mode(0o600).custom_flags(nix::libc::O_TMPFILE);
    let mut large = options.open(directory).map_err(unpacked)?;
    io::copy(&mut bytes.as_slice().chain(decoder), &mut large).map_err(unpacked)?;
    large.rewind()?;
    Ok(Some(Content::Plain(Handle::of(large)?)))
}

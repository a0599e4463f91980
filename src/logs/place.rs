//! Places in a log.

/// A place between two bytes of a log: exact across rotation, compression and restarts, because
/// numbers of segments are never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Position {
    /// Number of the segment. None has 0.
    pub segment: u64,
    /// So many bytes of it lie before.
    pub offset: u64,
}

impl Position {
    /// Before whatever is the oldest byte.
    pub const BEGINNING: Position = Position { segment: 0, offset: 0 };

    /// So many bytes further in the same segment.
    pub(super) fn plus(self, bytes: usize) -> Position {
        Position { offset: self.offset + bytes as u64, ..self }
    }
}

//! A line as the log has it.

use super::place::Position;

/// The longest text of a [`Line`](super::Line), in bytes. A longer line comes in pieces, cut
/// between characters where it is UTF-8.
pub const MAX_LINE: usize = 1 << 20;

/// A line of one log, or a piece of one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Piece {
    /// Where its first byte is.
    pub start: Position,
    /// Behind its last byte, the newline included.
    pub end: Position,
    /// When its first byte came.
    pub at: Option<u64>,
    /// Without the newline.
    pub text: Vec<u8>,
    /// A newline followed.
    pub complete: bool,
}

/// The last place at or before `cut` that is not inside a UTF-8 character.
pub(super) fn character_border(text: &[u8], cut: usize) -> usize {
    let inside = |at: &usize| text.get(*at).is_some_and(|byte| byte & 0xC0 == 0x80);
    (cut.saturating_sub(3)..=cut).rev().find(|at| !inside(at)).unwrap_or(cut)
}

/// How much of a text can be shown before the rest of its last character has come.
pub(super) fn whole_characters(text: &[u8]) -> usize {
    let from = text.len().saturating_sub(3);
    let cut = (from..text.len()).find(|at| {
        let length = match text[*at] {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => 1,
        };
        text.len() - at < length
    });
    cut.unwrap_or(text.len())
}

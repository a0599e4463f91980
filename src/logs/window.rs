//! Bytes of a log that are being looked at, with the place of each: also where they come from two
//! segments.

use super::place::Position;

#[derive(Debug, Default)]
pub(super) struct Window {
    bytes: Vec<u8>,
    /// What lies before this was consumed.
    start: usize,
    /// Where in `bytes` what begins at which place, growing. The first covers `start`.
    parts: Vec<(usize, Position)>,
}

impl Window {
    /// What is there.
    pub fn rest(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// The place of the byte at `i` of [`rest`](Window::rest).
    pub fn position(&self, i: usize) -> Position {
        let at = self.start + i;
        let after = self.parts.partition_point(|(begin, _)| *begin <= at);
        let (begin, place) = self.parts[after.saturating_sub(1)];
        place.plus(at - begin)
    }

    /// The place behind the byte before `i`, which is in the segment of that byte.
    pub fn end(&self, i: usize) -> Position {
        match i.checked_sub(1) {
            Some(last) => self.position(last).plus(1),
            None => self.position(0),
        }
    }

    /// The first `count` bytes are done with.
    pub fn consume(&mut self, count: usize) {
        self.start += count;
        if self.start == self.bytes.len() {
            self.clear();
        }
    }

    /// Adds bytes at the end.
    pub fn append(&mut self, more: &[u8], place: Position) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            let covering = self.parts.partition_point(|(begin, _)| *begin <= self.start).saturating_sub(1);
            self.parts.drain(..covering);
            for (begin, place) in &mut self.parts {
                if *begin < self.start {
                    *place = place.plus(self.start - *begin);
                }
                *begin = begin.saturating_sub(self.start);
            }
            self.start = 0;
        }
        let follows =
            self.parts.last().is_some_and(|(begin, last)| last.plus(self.bytes.len() - begin) == place);
        if !follows {
            self.parts.push((self.bytes.len(), place));
        }
        self.bytes.extend_from_slice(more);
    }

    /// Puts bytes in front, which end where the others begin.
    pub fn prepend(&mut self, before: &[u8], place: Position) {
        let mut window = Window::default();
        window.append(before, place);
        for (i, (begin, place)) in self.parts.iter().enumerate() {
            let end = self.parts.get(i + 1).map_or(self.bytes.len(), |(next, _)| *next);
            window.append(&self.bytes[*begin..end], *place);
        }
        *self = window;
    }

    /// Keeps the first `count` bytes only. Nothing was consumed so far.
    pub fn truncate(&mut self, count: usize) {
        self.bytes.truncate(self.start + count);
        self.parts.retain(|(begin, _)| *begin < self.bytes.len());
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.parts.clear();
        self.start = 0;
    }
}

//! Whatever is written, and whatever becomes of the segments meanwhile.

use proptest::prelude::*;

use super::*;

/// What somebody does to a log between two looks.
#[derive(Clone, Debug)]
enum Act {
    Chunk(Vec<u8>),
    Poll,
    Flush,
    Rotate,
    Compress,
    /// The reader is gone; another one goes on where it was.
    Resume,
}

fn act() -> impl Strategy<Value = Act> {
    let byte = prop_oneof![3 => any::<u8>(), 2 => Just(b'\n')];
    prop_oneof![
        5 => prop::collection::vec(byte, 0..60).prop_map(Act::Chunk),
        4 => Just(Act::Poll),
        1 => Just(Act::Flush),
        2 => Just(Act::Rotate),
        1 => Just(Act::Compress),
        2 => Just(Act::Resume),
    ]
}

/// Puts lines together to what was written.
#[derive(Default)]
struct Joined(Vec<u8>);

impl Joined {
    fn take(&mut self, lines: Vec<Line>) {
        for line in lines {
            self.0.extend_from_slice(&line.text);
            if line.complete {
                self.0.push(b'\n');
            }
        }
    }
}

proptest! {
    #[test]
    fn what_is_followed_is_what_was_written(acts in prop::collection::vec(act(), 0..60)) {
        let log = Log::new();
        log.chunk(1, "");
        let mut follower = follow(&log);
        let mut written = Vec::new();
        let mut found = Joined::default();
        let mut plain = Vec::new();
        for (time, act) in (2..).zip(acts) {
            match act {
                Act::Chunk(bytes) => {
                    log.chunk(time, &bytes);
                    written.extend(bytes);
                }
                Act::Poll => found.take(poll(&mut follower)),
                Act::Flush => found.take(unfinished(&mut follower)),
                Act::Rotate => plain.push(log.rotate()),
                Act::Compress => plain.drain(..).for_each(|number| log.compress(number)),
                Act::Resume => {
                    let cursor = Cursor::decode(&follower.cursor().encode()).unwrap();
                    follower = open(&[log.source()], Start::After(cursor), Filter::default(), Until::Ever);
                }
            }
        }
        found.take(poll(&mut follower));
        found.take(unfinished(&mut follower));
        // What is left is the beginning of a character.
        found.take(read(&[log.source()], Start::After(follower.cursor())));
        prop_assert_eq!(found.0, written);
    }

    #[test]
    fn the_last_lines_are_those_of_the_whole_log(
        parts in prop::collection::vec((prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\n')], 0..80), 0..3), 1..6),
        lines in 0_usize..40,
    ) {
        let log = Log::new();
        let mut bytes = Vec::new();
        for (time, (part, then)) in (1..).zip(parts) {
            log.chunk(time, &part);
            bytes.extend(part);
            if then > 0 {
                let number = log.rotate();
                if then > 1 {
                    log.compress(number);
                }
            }
        }
        let mut all: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        if all.last().is_some_and(|last| last.is_empty()) {
            all.pop();
        }
        let found = last(&[log.source()], lines);
        let found: Vec<&[u8]> = found.iter().map(|line| line.text.as_slice()).collect();
        prop_assert_eq!(found, &all[all.len().saturating_sub(lines)..]);
    }
}

//! Whatever is written.

use proptest::prelude::*;

use super::*;

/// What somebody does to a log between two looks.
#[derive(Clone, Debug)]
enum Act {
    Chunk(Vec<u8>),
    Poll,
    Flush,
    Rename,
}

fn act() -> impl Strategy<Value = Act> {
    let byte = prop_oneof![3 => any::<u8>(), 2 => Just(b'\n')];
    prop_oneof![
        5 => prop::collection::vec(byte, 0..60).prop_map(Act::Chunk),
        4 => Just(Act::Poll),
        1 => Just(Act::Flush),
        1 => Just(Act::Rename),
    ]
}

proptest! {
    #[test]
    fn what_is_followed_is_what_was_written(acts in prop::collection::vec(act(), 0..60)) {
        let log = Log::new();
        let mut follower = follow(&log);
        let mut written = Vec::new();
        let mut found = Vec::new();
        let mut take = |lines: Vec<Line>| for line in lines {
            found.extend_from_slice(&line.text);
            if line.complete {
                found.push(b'\n');
            }
        };
        let mut time = 0;
        for act in acts {
            time += 1;
            match act {
                Act::Chunk(bytes) => {
                    log.chunk(time, &bytes);
                    written.extend(bytes);
                }
                Act::Poll => take(follower.poll().unwrap()),
                Act::Flush => take(follower.flush_partial()),
                Act::Rename => {
                    // A file that comes and goes between two looks cannot be heard.
                    take(follower.poll().unwrap());
                    let _ = fs::rename(log.path(), log.dir.path().join(format!("{time}")));
                }
            }
        }
        take(follower.poll().unwrap());
        while follower.changed() {
            take(follower.poll().unwrap());
        }
        take(follower.flush_partial());
        take(follower.flush_partial());
        prop_assert_eq!(found, written);
    }

    #[test]
    fn the_last_lines_are_those_of_the_whole_file(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\n')], 0..300),
        lines in 0_usize..40,
        cut in 0_usize..300,
    ) {
        let log = Log::new();
        let cut = cut.min(bytes.len());
        log.chunk(1, &bytes[..cut]);
        log.chunk(2, &bytes[cut..]);
        let mut all: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        if all.last().is_some_and(|last| last.is_empty()) {
            all.pop();
        }
        let (mut found, mut follower) = tail(&[log.source()], lines).unwrap();
        // The first bytes of a character wait for the others, unless one asks.
        if let Some(last) = found.last_mut() {
            last.text.extend(follower.flush_partial().into_iter().flat_map(|line| line.text));
        }
        let found: Vec<&[u8]> = found.iter().map(|line| line.text.as_slice()).collect();
        prop_assert_eq!(found, &all[all.len().saturating_sub(lines)..]);
    }
}

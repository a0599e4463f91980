//! Room on file systems.

use std::path::Path;

use crate::model::ByteSize;

/// What a file system has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Room {
    /// All of it that somebody like us may use, in bytes.
    pub whole: u64,
    /// What is free of that.
    pub free: u64,
}

/// Less than so much is free.
pub fn full(place: &Path, room: Room, below_percent: u32) -> Option<String> {
    let percent = (u128::from(room.free) * 100).checked_div(u128::from(room.whole))?;
    (percent < u128::from(below_percent)).then(|| {
        let (free, whole) = (ByteSize(room.free), ByteSize(room.whole));
        format!("{percent} % of the file system of {} is free, {free} of {whole}", place.display())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_room_is_told_in_percent_and_bytes() {
        let room = |free: u64| Room { whole: 100 << 20, free: free << 20 };
        let told = |free| full(Path::new("/srv"), room(free), 10);
        assert_eq!(told(9).unwrap(), "9 % of the file system of /srv is free, 9 MiB of 100 MiB");
        assert_eq!(told(10), None);
        assert_eq!(full(Path::new("/proc"), Room { whole: 0, free: 0 }, 99), None);
    }
}

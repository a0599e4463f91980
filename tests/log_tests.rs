//! Logs as they are written, cut, compressed and removed: the real binary and real programs.

mod support;

mod logs {
    mod flush;
    mod full_disk;
    mod kills;
    mod places;
    mod segments;

    pub mod disk;
}

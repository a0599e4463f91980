//! Whether conditions hold: pure functions of what is seen. What holds is answered as a sentence.

pub mod certificate;
pub mod disk;
pub mod process;
pub mod restarts;
pub mod usage;

//! What is wanted, apart from what is.

/// What somebody asked for. Only commands change it; facts and time never do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Goal {
    /// It shall run.
    Up,
    /// It shall not run, and stay listed.
    Down,
    /// It shall not run, and then be forgotten.
    Gone,
}

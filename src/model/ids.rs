//! Numbers that name things. Each is a type of its own, so that one cannot be given for another.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($int:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $int);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

id! {
    /// An app: one definition, with as many processes as it has instances. Grows, is never reused.
    AppId(u32)
}

id! {
    /// A process: one instance of an app. What users see as `id` (PM2's `pm_id`). Grows, is never
    /// reused, and stays the same over restarts.
    ProcessId(u32)
}

id! {
    /// One life of a process, from launch to the end of its tree. Never reused within a home, not
    /// even over restarts of the host: every fact carries it, so that late news about an earlier
    /// life falls to one comparison.
    RunId(u64)
}

id! {
    /// A number that the kernel gave to a process. Never an identity by itself: the kernel reuses it.
    Pid(i32)
}

id! {
    /// An operation. Grows, is never reused.
    OperationId(u64)
}

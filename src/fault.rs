//! Named points at which a test can have this process die.
//!
//! A point is a place between two system calls of which the first is known to have happened and
//! the second is not: `fault::point!("launch.after_record")`. In debug builds a file `fault` in
//! the home names one point and how many times it is passed before the process ends there as if
//! by SIGKILL: `launch.after_record 2`. With `daemon.start 1 hang` it stops there and goes no
//! further, as if by SIGSTOP. The file is taken away first, so that the successor lives.
//! In release builds there are no points.

/// A place at which this process may be made to die. Nothing in release builds.
macro_rules! point {
    ($name:literal) => {
        #[cfg(debug_assertions)]
        $crate::fault::pass($name);
    };
}

pub(crate) use point;

#[cfg(debug_assertions)]
pub use armed::{arm, pass};

/// Nothing: there are no points in release builds.
#[cfg(not(debug_assertions))]
pub fn arm(_home: &crate::home::Home) {}

#[cfg(debug_assertions)]
mod armed {
    use std::path::PathBuf;
    use std::sync::{Mutex, OnceLock};

    use nix::sys::signal::Signal;

    use crate::home::Home;

    static PLAN: OnceLock<PathBuf> = OnceLock::new();
    /// Threads of one process count one after the other.
    static COUNTING: Mutex<()> = Mutex::new(());

    /// From now on points look for a plan in that home.
    pub fn arm(home: &Home) {
        // The first home stays: a process has one.
        let _ = PLAN.set(home.path().join("fault"));
    }

    /// Dies, if the plan says so.
    pub fn pass(name: &str) {
        let Some(path) = PLAN.get() else { return };
        if !path.exists() {
            return;
        }
        let _counting = COUNTING.lock();
        let Ok(plan) = std::fs::read_to_string(path) else { return };
        let Some((left, signal)) = parse(&plan, name) else { return };
        if left > 1 {
            let hang = if signal == Signal::SIGSTOP { " hang" } else { "" };
            let _ = std::fs::write(path, format!("{name} {}{hang}", left - 1));
        } else if std::fs::remove_file(path).is_ok() {
            // Only whoever has taken the plan away dies of it.
            let _ = nix::sys::signal::raise(signal);
        }
    }

    /// How many passes are left, and what comes then, if the plan is about that point.
    fn parse(plan: &str, name: &str) -> Option<(u32, Signal)> {
        let mut words = plan.split_whitespace();
        if words.next()? != name {
            return None;
        }
        let left = words.next()?.parse().ok()?;
        match words.next() {
            None => Some((left, Signal::SIGKILL)),
            Some("hang") => Some((left, Signal::SIGSTOP)),
            Some(_) => None,
        }
    }

    #[cfg(test)]
    mod tests {
        use super::{Signal, parse};

        #[test]
        fn a_plan_is_about_one_point_and_a_number_of_passes() {
            let check =
                |plan: &str, expected| assert_eq!(parse(plan, "launch.after_fork"), expected, "{plan}");
            check("launch.after_fork 3\n", Some((3, Signal::SIGKILL)));
            check("launch.after_fork 1 hang", Some((1, Signal::SIGSTOP)));
            check("launch.after_record 3", None);
            check("launch.after_fork", None);
            check("launch.after_fork many", None);
            check("launch.after_fork 1 dance", None);
        }
    }
}

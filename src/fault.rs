//! Named points at which a test can have this process die.
//!
//! A point is a place between two system calls of which the first is known to have happened and
//! the second is not: `fault::point!("launch.after_record")`. In debug builds a file `fault` in
//! the home names one point and how many times it is passed before the process ends there as if
//! by SIGKILL: `launch.after_record 2`. The file is taken away first, so that the successor lives.
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
        let Some(left) = count(&plan, name) else { return };
        if left > 1 {
            let _ = std::fs::write(path, format!("{name} {}", left - 1));
        } else if std::fs::remove_file(path).is_ok() {
            // Only whoever has taken the plan away dies of it.
            let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL);
        }
    }

    /// How many passes are left, if the plan is about that point.
    fn count(plan: &str, name: &str) -> Option<u32> {
        let (point, count) = plan.trim().split_once(' ')?;
        if point != name {
            return None;
        }
        count.parse().ok()
    }

    #[cfg(test)]
    mod tests {
        use super::count;

        #[test]
        fn a_plan_is_about_one_point_and_a_number_of_passes() {
            assert_eq!(count("launch.after_fork 3\n", "launch.after_fork"), Some(3));
            assert_eq!(count("launch.after_fork 3", "launch.after_record"), None);
            assert_eq!(count("launch.after_fork", "launch.after_fork"), None);
            assert_eq!(count("launch.after_fork many", "launch.after_fork"), None);
        }
    }
}

//! Files that were changed.

use super::*;

impl Story {
    fn changes(self) -> Story {
        self.fact(Fact::FilesChanged { app: AppId(0), file: "src/app.js".to_owned() })
    }
}

fn told() -> EventKind {
    EventKind::FilesChanged { file: "src/app.js".to_owned() }
}

#[test]
fn a_changed_file_is_a_graceful_restart_that_counts_and_says_why() {
    let story = running(app("web")).changes().orders("SIGTERM 1").tells(told()).is("stopping");
    // One restart is enough.
    let story = story.changes().orders("").exits(1, 143).orders("forget 1, launch 2").restarts(1);
    story.spawned(2).is("online");
}

#[test]
fn what_was_given_up_is_tried_again_with_the_changed_file() {
    let never = RestartPolicy { max_unstable: 0, ..RestartPolicy::default() };
    let story = running(policy(never)).exits(1, 1).is("errored");
    story.changes().orders("launch 2").tells(told()).restarts(1);
}

#[test]
fn a_wait_for_the_next_start_ends_with_the_changed_file() {
    let slow = RestartPolicy { delay: ms(60_000), ..RestartPolicy::default() };
    running(policy(slow)).exits(1, 1).is("restarting").changes().orders("launch 2");
}

#[test]
fn what_was_stopped_stays_so_whatever_changes() {
    running(app("web")).stop().exits(1, 0).is("stopped").changes().orders("").is("stopped");
    running(app("web")).stop().changes().orders("").exits(1, 0).is("stopped");
}

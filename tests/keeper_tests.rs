//! The keeper as its users see it: a process with a line on descriptor 3.
//!
//! Every test has a keeper of its own, which is told that the test is its daemon.

#[path = "keeper/rig.rs"]
mod rig;

#[path = "keeper/adoption.rs"]
mod adoption;
#[path = "keeper/daemon.rs"]
mod daemon;
#[path = "keeper/ends.rs"]
mod ends;
#[path = "keeper/launch.rs"]
mod launch;
#[path = "keeper/logs.rs"]
mod logs;
#[path = "keeper/sockets.rs"]
mod sockets;
#[path = "keeper/trees.rs"]
mod trees;

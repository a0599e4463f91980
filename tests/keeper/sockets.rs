use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use pmdaemon::keeper::protocol::{Launch, Order, Step};

use crate::rig::Rig;

/// A launch that shares that port.
fn sharing(rig: &mut Rig, port: u16, script: &str) -> Launch {
    Launch { port: Some(port), shared: true, ..rig.script(script) }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("0.0.0.0", port)).is_ok()
}

/// One that nobody has.
fn free_port() -> u16 {
    let first = 12_000 + (std::process::id() % 4_000) as u16;
    (first..).find(|port| is_free(*port)).unwrap()
}

#[test]
fn a_shared_socket_is_open_until_it_is_released_and_its_last_run_is_over() {
    let mut rig = Rig::new();
    let port = free_port();
    let launch =
        sharing(&mut rig, port, "ls -l /proc/self/fd/3 > socket; echo $LISTEN_PID $$ > pids; exec sleep 100");
    let (first, _) = rig.launch(launch);
    let launch = sharing(&mut rig, port, "exec sleep 100");
    let (second, _) = rig.launch(launch);
    crate::rig::until("it has looked", || {
        std::fs::read_to_string(rig.path("pids")).is_ok_and(|t| t.ends_with('\n'))
    });
    let pids = std::fs::read_to_string(rig.path("pids")).unwrap();
    let (said, own) = pids.trim().split_once(' ').unwrap();
    assert_eq!(said, own);
    assert!(std::fs::read_to_string(rig.path("socket")).unwrap().contains("socket:["));
    rig.order(Order::KillTree { run: first });
    rig.ended(first);
    TcpStream::connect(("127.0.0.1", port)).unwrap();
    rig.order(Order::ReleasePort { port });
    // Nobody new is let in any more, though the socket is open.
    let here = SocketAddr::from(([127, 0, 0, 1], port));
    crate::rig::until("nobody is let in", || {
        TcpStream::connect_timeout(&here, Duration::from_millis(200))
            .is_err_and(|error| error.kind() == ErrorKind::TimedOut)
    });
    assert!(!is_free(port));
    rig.order(Order::KillTree { run: second });
    rig.ended(second);
    // Before the end was reported.
    assert!(is_free(port));
}

#[test]
fn a_new_keeper_takes_the_socket_back() {
    let mut rig = Rig::new();
    let port = free_port();
    let launch = sharing(&mut rig, port, "exec sleep 100");
    let (run, _) = rig.launch(launch);
    rig.kill_keeper();
    assert!(rig.next_keeper()[0].shared);
    rig.order(Order::KillTree { run });
    rig.ended(run);
    // No run has it any more.
    TcpStream::connect(("127.0.0.1", port)).unwrap();
    rig.order(Order::ReleasePort { port });
    crate::rig::until("it is let go", || is_free(port));
}

#[test]
fn a_port_that_another_program_has_is_told() {
    let mut rig = Rig::new();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let launch = sharing(&mut rig, port, "exec sleep 100");
    let (step, detail) = rig.spawn_failed(launch);
    assert_eq!(
        (step, detail),
        (Step::Prepare, format!("cannot listen on port {port}: another program does"))
    );
}

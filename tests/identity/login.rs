//! `login` and `context`: commands that go to a server.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::support::home::fed;
use crate::support::{Home, SOON, fixture, wait_until};

fn contexts(home: &Home) -> std::path::PathBuf {
    home.mark().join("user/.config/pmdaemon/contexts.json")
}

#[test]
fn after_a_login_commands_go_to_the_server_until_told_otherwise() {
    let (server, own) = (Home::new(), Home::new());
    server.ok(&["start", &fixture("loop.sh"), "--name", "theirs"]);
    own.ok(&["start", &fixture("loop.sh"), "--name", "ours"]);
    let url = server.api().origin();
    let token = server.ok(&["token", "create", "laptop", "--role", "deployer"]);
    let login = ["login", &url, "--token-stdin", "--name", "prod"];
    let ran = fed(&mut own.command(&login), &token);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("laptop") && ran.out.contains("deployer"), "{ran:?}");
    assert!(!ran.out.contains(token.trim()) && !ran.err.contains(token.trim()));
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&contexts(&own)), mode(contexts(&own).parent().unwrap())), (0o600, 0o700));

    let names = |ran: &str| (ran.contains("theirs"), ran.contains("ours"));
    assert_eq!(names(&own.ok(&["list"])), (true, false));
    assert_eq!(names(&own.ok(&["list", "--context", "local"])), (false, true));
    let mut command = own.command(&["list"]);
    let of_env = fed(command.env("PMDAEMON_CONTEXT", "local"), "");
    assert_eq!(names(&of_env.out), (false, true));
    own.ok(&["stop", "theirs"]);
    assert_eq!(server.process("theirs")["status"], "stopped");
    own.run(&["list", "--context", "nosuch"]).refused(1, &["no context", "prod, local"]);
    for local in [&["kill"][..], &["doctor"], &["upgrade"], &["web", "--detach"], &["startup", "--print"]] {
        own.run(local).refused(1, &[local[0], "--context local"]);
    }
    assert!(!server.living_as("daemon").is_empty(), "nothing was ended");
    let link = own.ok(&["open"]);
    assert!(link.starts_with(&format!("{url}/login/once?code=")), "{link}");

    own.ok(&["context", "use", "local"]);
    assert_eq!(names(&own.ok(&["list"])), (false, true));
    let list = own.json(&["context", "list", "--json"]);
    assert_eq!(
        (&list[0]["used"], &list[1]["name"], &list[1]["used"]),
        (&true.into(), &"prod".into(), &false.into())
    );
    assert!(!own.ok(&["context", "list"]).contains(token.trim()));
    own.ok(&["context", "remove", "prod"]);
    own.run(&["context", "use", "prod"]).refused(1, &["no context"]);
    // It was given, not made by a login, so others may use it.
    let api = server.api();
    assert_eq!(api.send(api.bare("GET", "/api/v1/auth/whoami").bearer_auth(token.trim())).status, 200);
}

#[test]
fn a_login_with_a_password_ends_on_the_server_with_the_context() {
    let (server, own) = (Home::new(), Home::new());
    let args = ["user", "add", "alice", "--role", "operator", "--password-stdin"];
    assert_eq!(fed(&mut server.command(&args), "correct horse battery\n").code, 0);
    let url = server.api().origin();
    let login = ["login", &url, "--user", "alice", "--password-stdin", "--name", "prod"];
    fed(&mut own.command(&login), "a wrong password\n").refused(1, &["name or the password is wrong"]);
    assert!(!contexts(&own).exists(), "nothing is kept of a login that failed");
    let ran = fed(&mut own.command(&login), "correct horse battery\n");
    assert_eq!(ran.code, 0, "{ran:?}");
    own.ok(&["list"]);
    own.run(&["flush"]).refused(1, &["deployer"]);
    let tokens = |name: &str| {
        let list = server.json(&["token", "list", "--json"]);
        list.as_array().unwrap().iter().filter(|row| row["name"] == name).count()
    };
    assert_eq!(tokens("alice"), 1);
    own.ok(&["context", "rm", "prod"]);
    assert_eq!(tokens("alice"), 0);
    // Their own password, from a script: the present one, and the new one.
    assert_eq!(fed(&mut own.command(&login), "correct horse battery\n").code, 0);
    let passwd = ["user", "passwd", "alice", "--password-stdin"];
    fed(&mut own.command(&passwd), "correct horse battery\n").refused(1, &["two lines"]);
    fed(&mut own.command(&passwd), "a wrong password\nanother long one\n").refused(1, &["password"]);
    let changed = fed(&mut own.command(&passwd), "correct horse battery\nanother long one\n");
    assert_eq!(changed.code, 0, "{changed:?}");
    let again = ["login", &url, "--user", "alice", "--password-stdin", "--name", "prod"];
    fed(&mut own.command(&again), "correct horse battery\n").refused(1, &["password is wrong"]);
    assert_eq!(fed(&mut own.command(&again), "another long one\n").code, 0);
}

/// Row 42 of the security checklist.
#[test]
fn a_token_is_not_sent_over_an_open_network_nor_to_somebody_else() {
    let own = Home::new();
    let login = |url: &str, more: &[&str]| {
        fed(&mut own.command(&[&["login", url, "--token-stdin"], more].concat()), "a.b.c\n")
    };
    login("http://192.0.2.1:9615", &[]).refused(1, &["plain HTTP", "--insecure-http"]);
    login("prod.example:9615", &[]).refused(1, &["https://HOST:PORT"]);
    login("https://user:secret@prod.example", &[]).refused(1, &["without path, user or password"]);
    login("https://127.0.0.1:1", &["--ca", "/nosuch"]).refused(1, &["/nosuch"]);
    let no_ca = own.file("ca.pem", "nothing");
    login("https://127.0.0.1:1", &["--ca", &no_ca]).refused(1, &["no certificate"]);
    login("http://127.0.0.1:1", &[]).refused(1, &["http://127.0.0.1:1 cannot be reached"]);

    // Row 42: a server that sends us elsewhere.
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let first = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = first.local_addr().unwrap();
    let target = elsewhere.local_addr().unwrap();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = first.accept().unwrap();
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).unwrap();
        let answer = format!("HTTP/1.1 307 x\r\nLocation: http://{target}/\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8_lossy(&bytes[..count]).to_ascii_lowercase()
    });
    assert_eq!(login(&format!("http://{address}"), &[]).code, 1);
    assert!(answering.join().unwrap().contains("authorization: bearer a.b.c"), "the first one was asked");
    assert!(elsewhere.accept().is_err(), "nobody came to the other one");
    assert!(!contexts(&own).exists());
}

#[test]
fn a_server_gets_no_variables_of_this_machine() {
    let (server, own) = (Home::new(), Home::new());
    let token = server.ok(&["token", "create", "laptop", "--role", "deployer"]);
    let url = server.api().origin();
    assert_eq!(fed(&mut own.command(&["login", &url, "--token-stdin"]), &token).code, 0);
    let script = server.file("show.sh", "#!/bin/sh\nenv\necho all told\nsleep 1000\n");
    let mut start = own.command(&["start", &script, "--name", "web", "--interpreter", "sh"]);
    let ran = fed(start.env("CANARY", "of-the-laptop"), "");
    assert_eq!(ran.code, 0, "{ran:?}");
    server.wait_for_line("web", "all told");
    let told = server.ok(&["logs", "web", "--raw", "--lines", "1000"]);
    assert!(told.contains("PATH=") && !told.contains("CANARY"), "{told}");
    own.run(&["restart", "web", "--update-env"]).refused(1, &["--update-env", "--context local"]);
    // So it is with the apps of a file.
    let file = |cwd: &str| {
        own.file("apps.json", &format!("[{{\"name\": \"filed\", \"script\": \"{script}\"{cwd}}}]"))
    };
    let mut start = own.command(&["start", &file("")]);
    let ran = fed(start.env("CANARY", "of-the-laptop"), "");
    assert_eq!(ran.code, 0, "{ran:?}");
    server.wait_for_line("filed", "all told");
    let told = server.ok(&["logs", "filed", "--raw", "--lines", "1000"]);
    assert!(told.contains("PATH=") && !told.contains("CANARY"), "{told}");
    own.run(&["start", &file(", \"cwd\": \"here\"")]).refused(1, &["cwd", "that of the server"]);
    own.run(&["start", &file(""), "--update-env"]).refused(1, &["--update-env", "--context local"]);
    own.run(&["import", "pm2"]).refused(1, &["pmdaemon import", "--context local"]);
}

#[test]
fn a_password_is_asked_for_twice_on_the_terminal_and_not_shown() {
    let home = Home::new();
    home.ok(&["list"]);
    let pty = nix::pty::openpty(None, None).unwrap();
    let end = || Stdio::from(pty.slave.try_clone().unwrap());
    let run = |first: &str, second: &str| {
        let mut command = home.command(&["user", "add", "alice", "--role", "viewer"]);
        command.env("TERM", "xterm").stdin(end()).stdout(end()).stderr(end());
        let mut child = command.spawn().unwrap();
        let mut master = std::fs::File::from(pty.master.try_clone().unwrap());
        let mut shown = String::new();
        let mut wait = |master: &mut std::fs::File, what: &str| {
            let mut bytes = [0; 4096];
            while !shown.contains(what) {
                let count = master.read(&mut bytes).unwrap();
                shown.push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
            std::mem::take(&mut shown)
        };
        let mut all = wait(&mut master, "New password for alice: ");
        // Typed once the terminal does not show it any more.
        let raw = || {
            let flags = nix::sys::termios::tcgetattr(&pty.slave).unwrap().local_flags;
            !flags.contains(nix::sys::termios::LocalFlags::ECHO)
        };
        wait_until("a silent terminal", SOON, raw);
        master.write_all(format!("{first}\r").as_bytes()).unwrap();
        all += &wait(&mut master, "Once more: ");
        wait_until("a silent terminal", SOON, raw);
        master.write_all(format!("{second}\r").as_bytes()).unwrap();
        all += &wait(&mut master, "alice");
        let code = child.wait().unwrap().code();
        (code, all)
    };
    let (code, shown) = run("correct horsx\x7fe battery", "correct horse battery");
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains("horse") && !shown.contains("correct"), "{shown}");
    let flags = nix::sys::termios::tcgetattr(&pty.slave).unwrap().local_flags;
    assert!(flags.contains(nix::sys::termios::LocalFlags::ECHO), "the terminal is as before");
    let api = home.api();
    let body = serde_json::json!({"user": "alice", "password": "correct horse battery"});
    assert_eq!(api.send(api.bare("POST", "/api/v1/auth/login").json(&body)).status, 200);
}

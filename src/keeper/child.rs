//! Between fork and exec: how a child becomes the program.
//!
//! Everything that needs memory is prepared before the fork; after it there are only system
//! calls. The keeper has one thread, so nothing can be locked or half done at the fork. What
//! fails is told over a pipe that closes by itself when the program is executed: five bytes, the
//! step and the kernel's error number. End of the pipe without a word means success.
//!
//! The child does not become the program before it is let go: first the keeper writes down who it
//! is. If the keeper dies before that, the child ends too, so no program runs that the next keeper
//! could not find.

use std::ffi::CString;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::fork::{self, Side};
use super::protocol::{LINE_FD, Step};
use super::resources::{Limits, Part};
use super::talk::Ends;

/// What is meant to stay ours in a child is above the numbers that the child puts in place.
pub const FIRST_OWN: RawFd = 10;

/// Everything that a child needs to know.
pub struct Plan<'a> {
    /// Absolute path of the program, and its first argument.
    pub program: CString,
    /// All arguments, the program's name first.
    pub args: Vec<CString>,
    /// The environment, as `NAME=value`.
    pub env: Vec<CString>,
    /// Where it works; absent: where the keeper does.
    pub cwd: Option<CString>,
    /// Standard input.
    pub input: BorrowedFd<'a>,
    /// Standard output.
    pub output: BorrowedFd<'a>,
    /// Standard error.
    pub error: BorrowedFd<'a>,
    /// One end of a line, which the program finds as [`LINE_FD`].
    pub line: Option<BorrowedFd<'a>>,
    /// A listening socket, which the program finds in the same place and by `LISTEN_PID`, `LISTEN_FDS`
    /// and `LISTEN_FDNAMES`. Never together with a line.
    pub socket: Option<BorrowedFd<'a>>,
    /// Both ends of its IPC channel, on their way to their numbers.
    pub channel: Option<&'a Ends>,
    /// The directory of its cgroup.
    pub leaf: Option<BorrowedFd<'a>>,
    /// A session of its own, out of reach of the keeper's terminal.
    pub session: bool,
    /// The mask for new files; absent: the keeper's.
    pub umask: Option<libc::mode_t>,
    /// Limits, and as whom it runs.
    pub limits: Limits,
}

/// Why there is no program running.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Where it failed.
    pub step: Step,
    /// The kernel's number.
    pub errno: Errno,
    /// What of [`Step::Prepare`], if it can be said.
    pub part: Option<Part>,
}

/// A child that waits to be let go.
pub struct Forked {
    /// Its number.
    pub pid: i32,
    /// The (non-blocking) pipe for [`outcome`].
    pub pipe: OwnedFd,
    gate: OwnedFd,
}

impl Forked {
    /// Lets it become the program. Dropped without that, it ends.
    pub fn let_go(self) -> (i32, OwnedFd) {
        // Fails only if the child is gone already, which the pipe tells.
        let _ = nix::unistd::write(&self.gate, &[1]);
        (self.pid, self.pipe)
    }
}

/// Forks a child that becomes the program once it is let go.
pub fn spawn(plan: &Plan<'_>) -> nix::Result<Forked> {
    let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    let writer = out_of_the_way(writer)?;
    let (waiting, gate) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    let (waiting, gate) = (out_of_the_way(waiting)?, out_of_the_way(gate)?);
    let pointers = |texts: &[CString]| {
        let ends = std::iter::once(std::ptr::null());
        texts.iter().map(|text| text.as_ptr()).chain(ends).collect::<Vec<_>>()
    };
    let (args, mut env) = (pointers(&plan.args), pointers(&plan.env));
    // Room for what only the child knows.
    env.push(std::ptr::null());
    // SAFETY: this process has one thread, so the child may do whatever the parent may.
    match unsafe { fork::fork(plan.leaf) }? {
        Side::Parent(pid) => Ok(Forked { pid, pipe: reader, gate }),
        Side::Child { outside } => {
            drop(gate);
            wait_for_gate(&waiting);
            let leaf = plan.leaf.filter(|_| outside);
            let mine = listen_pid();
            if plan.socket.is_some() {
                let place = env.len() - 2;
                env[place] = mine.as_ptr().cast();
            }
            let failed = become_program(plan, leaf, &args, &env);
            let mut word = [0; 5];
            word[0] = code_of(failed.step, failed.part);
            word[1..].copy_from_slice(&(failed.errno as i32).to_le_bytes());
            let _ = nix::unistd::write(&writer, &word);
            // SAFETY: ends this child at once; nothing of the parent's may run in it.
            unsafe { libc::_exit(127) }
        }
    }
}

/// The same descriptor where the child puts none in place.
fn out_of_the_way(fd: OwnedFd) -> nix::Result<OwnedFd> {
    let high = fcntl(&fd, FcntlArg::F_DUPFD_CLOEXEC(FIRST_OWN))?;
    // SAFETY: the kernel has just made this descriptor; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(high) })
}

/// In the child: waits until the keeper has written down who it is, or ends with the keeper.
fn wait_for_gate(waiting: &OwnedFd) {
    loop {
        match nix::unistd::read(waiting, &mut [0]) {
            Ok(1) => return,
            Err(Errno::EINTR) => {}
            // SAFETY: ends this child at once; nothing of the parent's may run in it.
            Ok(_) | Err(_) => unsafe { libc::_exit(127) },
        }
    }
}

/// In the child: the variable that says for whom the listening socket is, NUL-terminated. Written
/// without asking for memory.
fn listen_pid() -> [u8; 32] {
    let mut text = [0; 32];
    // The longest number has ten digits.
    let _ = write!(&mut text[..31], "LISTEN_PID={}", std::process::id());
    text
}

/// What became of a child.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Not known yet.
    Open,
    /// The program was executed, or the child was killed before it could say anything.
    Executed,
    /// It was not.
    Failed(Failure),
}

/// Asks the pipe of a child.
pub fn outcome(pipe: &OwnedFd) -> Outcome {
    let mut word = [0; 5];
    match nix::unistd::read(pipe, &mut word) {
        Ok(5) => {
            let number = i32::from_le_bytes([word[1], word[2], word[3], word[4]]);
            let (step, part) = step_of(word[0]);
            Outcome::Failed(Failure { step, errno: Errno::from_raw(number), part })
        }
        Err(Errno::EAGAIN | Errno::EINTR) => Outcome::Open,
        Ok(_) | Err(_) => Outcome::Executed,
    }
}

/// The code of the first part.
const PARTS: u8 = 16;

/// Steps have the first codes, then come the parts of a preparation.
fn code_of(step: Step, part: Option<Part>) -> u8 {
    if let Some(part) = part {
        return PARTS + part as u8;
    }
    match step {
        Step::Logs => 0,
        Step::Fork => 1,
        Step::Chdir => 2,
        Step::Prepare => 3,
        Step::Exec => 4,
    }
}

fn step_of(code: u8) -> (Step, Option<Part>) {
    if let Some(part) = Part::ALL.into_iter().find(|part| PARTS + *part as u8 == code) {
        return (Step::Prepare, Some(part));
    }
    let steps = [Step::Logs, Step::Fork, Step::Chdir, Step::Prepare, Step::Exec];
    (steps.into_iter().find(|step| code_of(*step, None) == code).unwrap_or(Step::Prepare), None)
}

/// Returns only when it fails.
fn become_program(
    plan: &Plan<'_>,
    leaf: Option<BorrowedFd<'_>>,
    args: &[*const libc::c_char],
    env: &[*const libc::c_char],
) -> Failure {
    if let Err(errno) = prepare(plan, leaf) {
        return Failure { step: Step::Prepare, errno, part: None };
    }
    if let Err((part, errno)) = plan.limits.apply() {
        return Failure { step: Step::Prepare, errno, part: Some(part) };
    }
    if let Some(cwd) = &plan.cwd
        && let Err(errno) = nix::unistd::chdir(cwd.as_c_str())
    {
        return Failure { step: Step::Chdir, errno, part: None };
    }
    // SAFETY: all three are NUL-terminated, the lists end with a null pointer, and all of it lives.
    unsafe { libc::execve(plan.program.as_ptr(), args.as_ptr(), env.as_ptr()) };
    Failure { step: Step::Exec, errno: Errno::last(), part: None }
}

/// `leaf`: the cgroup that it is not in yet.
fn prepare(plan: &Plan<'_>, leaf: Option<BorrowedFd<'_>>) -> nix::Result<()> {
    if plan.session {
        nix::unistd::setsid()?;
    }
    if let Some(leaf) = leaf {
        fork::join(leaf)?;
    }
    for (target, source) in [(0, plan.input), (1, plan.output), (2, plan.error)] {
        put(source.as_raw_fd(), target)?;
    }
    let handed = plan.line.iter().chain(&plan.socket);
    let mut first_free = LINE_FD;
    for (target, source) in (LINE_FD..).zip(handed) {
        put(source.as_raw_fd(), target)?;
        first_free = target + 1;
    }
    close_on_exec_from(first_free);
    for (source, target) in plan.channel.iter().flat_map(|ends| ends.numbers()) {
        put(source, target)?;
    }
    default_signals()?;
    if let Some(mask) = plan.umask {
        // SAFETY: umask cannot fail and touches no memory.
        unsafe { libc::umask(mask) };
    }
    Ok(())
}

/// Makes `target` the same as `source`, and open after exec. `dup2` does nothing when both are the
/// same number, and would leave the descriptor to close at exec.
fn put(source: RawFd, target: RawFd) -> nix::Result<()> {
    // SAFETY: both calls take numbers only; in this child nobody else uses `target`.
    let done = unsafe {
        if source == target { libc::fcntl(source, libc::F_SETFD, 0) } else { libc::dup2(source, target) }
    };
    Errno::result(done).map(drop)
}

/// Marks everything from there on to be closed at exec. Returns whether the kernel can do that
/// (Linux 5.11 and later).
pub fn close_on_exec_from(first: RawFd) -> bool {
    // SAFETY: changes a flag of descriptors only.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    done == 0
}

/// The same, one by one, for what the keeper has inherited. Everything that it opens itself is
/// marked from the beginning.
pub fn close_inherited_on_exec(first: RawFd) {
    if close_on_exec_from(first) {
        return;
    }
    for entry in std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok());
        if let Some(fd) = number.filter(|fd| *fd >= first) {
            // SAFETY: changes a flag of a descriptor only.
            unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
}

/// A program expects every signal to do what it does by default, and none to be held back.
fn default_signals() -> nix::Result<()> {
    /// What the kernel takes as its `struct sigaction`: all zero is "default".
    const DEFAULT: [u64; 4] = [0; 4];
    let nothing = std::ptr::null_mut::<u64>();
    for signal in 1..=64 {
        // The kernel's own call: the C library keeps 32 and 33 from us, but a starter can have left
        // them ignored. KILL and STOP are refused.
        // SAFETY: it reads 32 bytes at most, writes nothing, and installs no code.
        unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, DEFAULT.as_ptr(), nothing, 8) };
    }
    let none = nix::sys::signal::SigSet::empty();
    nix::sys::signal::sigprocmask(nix::sys::signal::SigmaskHow::SIG_SETMASK, Some(&none), None)
}

impl Failure {
    /// The sentence for people.
    pub fn sentence(&self, program: &std::path::Path, cwd: &std::path::Path) -> String {
        let (program, why) = (program.display(), super::process::words(self.errno));
        match self.step {
            Step::Chdir => format!("cannot change to directory {}: {why}", cwd.display()),
            Step::Exec => match self.errno {
                Errno::ENOEXEC => format!(
                    "cannot execute {program}: it is neither a program nor a script that names its \
                     interpreter; begin it with a line like #!/bin/sh, or give an interpreter"
                ),
                Errno::ENOENT if std::path::Path::new(&program.to_string()).exists() => {
                    match interpreter_of(&program.to_string()) {
                        Ok(Some(name)) => {
                            format!("cannot execute {program}: its interpreter {name} does not exist")
                        }
                        Ok(None) | Err(_) => {
                            format!(
                                "cannot execute {program}: the loader or a library it needs does not exist"
                            )
                        }
                    }
                }
                _ => format!("cannot execute {program}: {why}"),
            },
            Step::Prepare => match self.part {
                Some(part) => format!("cannot {} for {program}: {why}", part.doing()),
                None => format!("cannot prepare to execute {program}: {why}"),
            },
            Step::Logs | Step::Fork => format!("cannot start {program}: {why}"),
        }
    }
}

/// What the `#!` line of a script names.
fn interpreter_of(program: &str) -> io::Result<Option<String>> {
    let mut start = [0; 256];
    let count = std::fs::File::open(program)?.read(&mut start)?;
    let text = String::from_utf8_lossy(&start[..count]);
    let line = text.strip_prefix("#!").and_then(|rest| rest.lines().next());
    Ok(line.and_then(|line| line.split_ascii_whitespace().next()).map(str::to_owned))
}

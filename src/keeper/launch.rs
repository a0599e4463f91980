//! From an order to a program that runs, or to a sentence that says why not.

use std::ffi::{CString, OsString};
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use nix::sys::epoll::EpollFlags;

use super::child::{self, Failure, Forked, Outcome, Plan};
use super::event_loop::Keeper;
use super::flow::ARMED;
use super::poll::{Source, Which};
use super::process::{self, io_words};
use super::protocol::{Launch, Report, RunAs, Step};
use super::record::{MainRecord, Record};
use super::resources::{self, Limits, User};
use super::run::{Failing, Launching, Life, Run};
use super::sets::FileSet;
use super::sockets::Place;
use super::talk::{CHANNEL_FD, Channel, Contact, Ends, Input, Notifies, NotifySocket};
use super::{fifo, say, sockets, tree};
use crate::fault;

/// What the program may expect of new files: what a login gives. The keeper's own mask is 077, and
/// that of whoever started it may be anything, so inheriting would give the same app other file
/// modes after a restart from another terminal or at boot.
const UMASK: libc::mode_t = 0o022;

/// The variable with the inode of the shared socket: descriptor 3 of a process is that socket, or
/// it is something else and the socket is for another one.
const SOCKET: &str = "PMDAEMON_SOCKET";

/// The first three descriptors of a run.
struct Files<'a> {
    /// Absent: there is nothing to read.
    input: Option<&'a Input>,
    output: &'a File,
    error: &'a File,
}

/// Why there is no run.
struct Refusal {
    step: Step,
    errno: i32,
    detail: String,
}

impl Refusal {
    fn io(step: Step, doing: &str, path: &Path, error: &std::io::Error) -> Refusal {
        let detail = format!("cannot {doing} {}: {}", path.display(), io_words(error));
        Refusal { step, errno: error.raw_os_error().unwrap_or(0), detail }
    }
}

impl Keeper {
    /// Starts a run. Answered at once if it cannot even be tried, otherwise when the child has
    /// said so.
    pub fn launch(&mut self, order: Launch) {
        let id = order.run;
        if self.runs.contains_key(&id) {
            return say::warning!("run {id} was ordered twice; it is not started again");
        }
        if let Err(refusal) = self.try_launch(order) {
            self.launch_failed(id, refusal.step, refusal.errno, refusal.detail);
        }
    }

    fn try_launch(&mut self, order: Launch) -> Result<(), Refusal> {
        let id = order.run;
        let leaf = self.cgroups.as_ref().map(|cgroups| cgroups.leaf(id));
        let socket = self.socket_of(&order)?;
        let spread = order.port.zip(order.slot).and_then(|(port, slot)| self.sockets.spread(port, slot));
        let record = Record {
            run: id,
            set: self.sets.take(),
            process: order.process,
            restarts: order.restarts,
            port: order.port,
            socket,
            spread,
            boot: self.boot.clone(),
            out_file: order.out_file.clone(),
            err_file: order.err_file.clone(),
            logs: order.logs.clone(),
            leaf: leaf.as_ref().map(|leaf| leaf.0.clone()),
            main: None,
            ended: None,
            forgotten: false,
            contact: Contact { awaits: order.awaits.clone(), ..Contact::default() },
        };
        let set = record.set;
        // From here on `launch_failed` finds the run, and cleans up what was made. Until the fork
        // there is nothing alive of it.
        let record = &self.runs.entry(id).or_insert(Run::new(record, Life::Ended)).record;
        let refusal =
            |error: std::io::Error| Refusal::io(Step::Logs, "write", &set.record(&self.run_dir), &error);
        fault::point!("launch.before_record");
        record.create(&self.run_dir, &order.keepsake).map_err(refusal)?;
        fault::point!("launch.after_record");
        let output = self.open_output(&order, set, Which::Out, &order.out_file)?;
        let error = self.open_output(&order, set, Which::Err, &order.err_file)?;
        let input = self.open_input(&order)?;
        let ends = self.open_channel(&order)?;
        self.open_notify(&order)?;
        fault::point!("launch.after_fifos");
        let door = match &leaf {
            None => None,
            Some(leaf) => {
                let door = leaf.create().and_then(|()| leaf.door());
                Some(door.map_err(|e| Refusal::io(Step::Prepare, "use the cgroup", &leaf.0, &e))?)
            }
        };
        if let Some(bytes) = order.resources.memory_max {
            resources::limit_memory(leaf.as_ref(), id, bytes);
        }
        fault::point!("launch.after_cgroup");
        let files = Files { input: input.as_ref(), output: &output, error: &error };
        let child = self.fork(&order, &files, ends.as_ref(), door.as_ref())?;
        fault::point!("launch.after_fork");
        self.follow_child(id, child, order);
        Ok(())
    }

    /// The listening socket that it is to share, if it is: what tells it from others.
    fn socket_of(&mut self, order: &Launch) -> Result<Option<u64>, Refusal> {
        let Some(port) = order.port.filter(|_| order.shared) else { return Ok(None) };
        let refusal = |error: std::io::Error| Refusal {
            step: Step::Prepare,
            errno: error.raw_os_error().unwrap_or(0),
            detail: sockets::refusal(port, &error),
        };
        let place = Place { port, slot: order.slot };
        let inode = self.hold_socket(place).map_err(refusal)?;
        if order.local {
            self.sockets.keep_to_this_host(place).map_err(|errno| refusal(errno.into()))?;
        }
        Ok(Some(inode))
    }

    /// Makes the FIFO of one output and joins it with its log. Returns the run's end.
    fn open_output(
        &mut self,
        order: &Launch,
        set: FileSet,
        which: Which,
        log: &Path,
    ) -> Result<File, Refusal> {
        let id = order.run;
        let path = set.fifo(&self.run_dir, which);
        let (ours, theirs) =
            fifo::make(&path).map_err(|e| Refusal::io(Step::Logs, "make the pipe", &path, &e))?;
        let given = resources::give_to_user(&theirs, &order.resources);
        given.map_err(|e| Refusal::io(Step::Logs, "give to its user the pipe", &path, &e))?;
        let stream = self.capture.open(ours, log, &order.logs);
        let stream = stream.map_err(|e| Refusal::io(Step::Logs, "open the log file", &e.path, &e.error))?;
        let added = self.poller.add(&stream, Source::fifo(id, which), ARMED);
        added.map_err(|e| Refusal::io(Step::Logs, "watch the pipe", &path, &e.into()))?;
        if let Some(run) = self.runs.get_mut(&id) {
            *run.stream(which) = Some(stream);
        }
        Ok(theirs)
    }

    /// Makes the pipe that is its standard input, if it is to have one.
    fn open_input(&mut self, order: &Launch) -> Result<Option<Input>, Refusal> {
        if !order.input {
            return Ok(None);
        }
        let refusal = |error: std::io::Error| Refusal {
            step: Step::Prepare,
            errno: error.raw_os_error().unwrap_or(0),
            detail: format!("cannot make the pipe for standard input: {}", io_words(&error)),
        };
        let input = Input::make().map_err(refusal)?;
        resources::give_to_user(&input.0, &order.resources).map_err(refusal)?;
        if let Some(run) = self.runs.get_mut(&order.run) {
            run.record.contact.input = Some(input.inode().map_err(refusal)?);
        }
        Ok(Some(input))
    }

    /// Makes its IPC channel, if it is to have one. Returns what the run gets of it.
    fn open_channel(&mut self, order: &Launch) -> Result<Option<Ends>, Refusal> {
        if !order.channel {
            return Ok(None);
        }
        let refusal = |error: std::io::Error| Refusal {
            step: Step::Prepare,
            errno: error.raw_os_error().unwrap_or(0),
            detail: format!("cannot make the IPC channel: {}", io_words(&error)),
        };
        let (channel, ends) = Channel::make().map_err(refusal)?;
        let added = self.poller.add(&channel, Source::Channel(order.run), ARMED);
        added.map_err(|errno| refusal(errno.into()))?;
        if let Some(run) = self.runs.get_mut(&order.run) {
            run.record.contact.channel = Some(channel.inode().map_err(refusal)?);
            run.talk.channel = Some(channel);
        }
        Ok(Some(ends))
    }

    /// Makes its notify socket, if it is to have one.
    fn open_notify(&mut self, order: &Launch) -> Result<(), Refusal> {
        if !order.notify {
            return Ok(());
        }
        let ours = nix::unistd::geteuid().as_raw();
        let other = order.resources.run_as.as_ref().map(|user| user.uid).filter(|uid| *uid != ours);
        // Of most runs nothing is awaited: a name then, not a file to make at each launch.
        let other = other.or(order.awaits.is_none().then_some(ours));
        let path = NotifySocket::path(&self.run_dir, order.run);
        let refusal =
            |error: std::io::Error| Refusal::io(Step::Prepare, "make the notify socket", &path, &error);
        let socket = NotifySocket::make(&self.run_dir, &self.mark, order.run, other).map_err(refusal)?;
        let added = self.poller.add(&socket, Source::Notify(order.run), ARMED);
        added.map_err(|errno| refusal(errno.into()))?;
        if let Some(run) = self.runs.get_mut(&order.run) {
            run.record.contact.notify = Some(Notifies { other });
            run.talk.notify = Some(socket);
        }
        Ok(())
    }

    /// The variables by which a run finds what it speaks to us with.
    fn variables(&self, id: u64, has_channel: bool) -> Vec<(&'static str, String)> {
        let mut all = Vec::new();
        if has_channel {
            all.push(("NODE_CHANNEL_FD", CHANNEL_FD.to_string()));
            all.push(("NODE_CHANNEL_SERIALIZATION_MODE", "json".to_owned()));
        }
        let notify = self.runs.get(&id).and_then(|run| run.talk.notify.as_ref());
        all.extend(notify.map(|socket| ("NOTIFY_SOCKET", socket.address.clone())));
        all
    }

    fn fork(
        &self,
        order: &Launch,
        files: &Files<'_>,
        ends: Option<&Ends>,
        door: Option<&File>,
    ) -> Result<Forked, Refusal> {
        let program = text(order.program.clone().into())?;
        let mut args = vec![program.clone()];
        for arg in &order.args {
            args.push(text(arg.into())?);
        }
        let mark = tree::mark(&self.mark, order.run);
        let mut env = vec![text(format!("{}={mark}", tree::MARK).into())?];
        let ours = self.variables(order.run, ends.is_some());
        let is_ours = |name: &str| name == tree::MARK || ours.iter().any(|(own, _)| *own == name);
        for (name, value) in &ours {
            env.push(text(format!("{name}={value}").into())?);
        }
        for (name, value) in order.env.iter().filter(|(name, _)| !is_ours(name)) {
            env.push(text(format!("{name}={value}").into())?);
        }
        let place = order.port.filter(|_| order.shared).map(|port| Place { port, slot: order.slot });
        let socket = place.and_then(|place| self.sockets.get(place));
        if let Some(inode) = self.runs.get(&order.run).and_then(|run| run.record.socket) {
            // LISTEN_PID is the child's own to say.
            env.push(c"LISTEN_FDS=1".to_owned());
            env.push(c"LISTEN_FDNAMES=http".to_owned());
            env.push(text(format!("{SOCKET}={inode}").into())?);
        }
        let wanted = &order.resources;
        let user = wanted.run_as.as_ref().map(|user| {
            let RunAs { user: name, uid, gid } = user.clone();
            text(name.into()).map(|name| User { name, uid, gid })
        });
        let limits = Limits {
            descriptors: wanted.max_open_files.map_or(self.descriptors, |files| (files, files)),
            core_size: wanted.core_size,
            nice: wanted.nice,
            user: user.transpose()?,
            no_new_privileges: wanted.no_new_privileges,
        };
        let plan = Plan {
            program,
            args,
            env,
            cwd: Some(text(order.cwd.clone().into())?),
            input: files.input.map_or(self.null.as_fd(), AsFd::as_fd),
            output: files.output.as_fd(),
            error: files.error.as_fd(),
            line: None,
            socket,
            channel: ends,
            leaf: door.map(AsFd::as_fd),
            session: true,
            umask: Some(order.resources.umask.unwrap_or(UMASK)),
            limits,
        };
        child::spawn(&plan).map_err(|errno| {
            let failure = Failure { step: Step::Fork, errno, part: None };
            let detail = failure.sentence(&order.program, &order.cwd);
            Refusal { step: Step::Fork, errno: errno as i32, detail }
        })
    }

    /// Writes down who the child is, lets it go, and waits for what it says.
    fn follow_child(&mut self, id: u64, child: Forked, order: Launch) {
        let pid = child.pid;
        // Our child and not waited for: it is there, if only as a zombie.
        let start = process::stat(pid).map_or(0, |stat| stat.start);
        // It says one thing, once.
        let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
        let watched = self.poller.add(&child.pipe, Source::Launching(id), flags);
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.record.main = Some(MainRecord { pid, start, at: process::boot_micros() });
        match run.record.write(&self.run_dir).and(watched.map_err(Into::into)) {
            Ok(()) => {
                fault::point!("launch.after_pid_record");
                let (_, pipe) = child.let_go();
                fault::point!("launch.after_let_go");
                let launching = Launching { pipe, program: order.program, cwd: order.cwd };
                run.life = Life::Launching(Box::new(launching));
            }
            Err(error) => {
                // A run that the next keeper could not find must not be: it is not let go.
                let path = run.record.set.record(&self.run_dir);
                let Refusal { step, errno, detail } = Refusal::io(Step::Fork, "write", &path, &error);
                run.life = Life::Failing(Box::new(Failing { step, errno, detail }));
            }
        }
    }

    /// The child said something, or was executed.
    pub fn launch_settled(&mut self, id: u64) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        let Life::Launching(child) = &run.life else { return };
        match child::outcome(&child.pipe) {
            Outcome::Open => {}
            Outcome::Executed => {
                run.life = Life::Running;
                if let Some(main) = run.record.main {
                    say::info!("run {id} of process {} is pid {}", run.record.process, main.pid);
                    fault::point!("launch.before_spawned");
                    self.tell(Report::Spawned { run: id, pid: main.pid, at: main.at });
                    self.steer_around(id);
                }
            }
            Outcome::Failed(failure) => {
                let detail = failure.sentence(&child.program, &child.cwd);
                let (step, errno) = (failure.step, failure.errno as i32);
                run.life = Life::Failing(Box::new(Failing { step, errno, detail }));
            }
        }
    }

    /// The child that could not be the program has ended. Returns whether this run was one.
    pub fn failing_ended(&mut self, id: u64) -> bool {
        let Some(run) = self.runs.get_mut(&id) else { return false };
        let life = std::mem::replace(&mut run.life, Life::Ended);
        let Life::Failing(failing) = life else {
            run.life = life;
            return false;
        };
        self.launch_failed(id, failing.step, failing.errno, failing.detail);
        true
    }

    /// Nothing is left of it, and the daemon knows why.
    fn launch_failed(&mut self, id: u64, step: Step, errno: i32, detail: String) {
        say::warning!("run {id} could not be started: {detail}");
        self.drop_run(id);
        self.tell(Report::SpawnFailed { run: id, step, errno, detail });
    }
}

fn text(value: OsString) -> Result<CString, Refusal> {
    CString::new(value.into_vec()).map_err(|broken| {
        let shown = String::from_utf8_lossy(&broken.into_vec()).replace('\0', "\\0");
        // The value of a variable is nobody's business.
        let shown = shown.split_once('=').map_or(shown.as_str(), |(name, _)| name).to_owned();
        let detail = format!("cannot pass {shown:?} to a program: it contains a NUL byte");
        Refusal { step: Step::Exec, errno: libc::EINVAL, detail }
    })
}

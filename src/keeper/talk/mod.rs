//! What runs say to us: signs of being ready, remarks about themselves, and messages.
//!
//! ```text
//!   run: "ready"\n, {"any":"json"}\n ──▶ channel ──┐
//!   run: READY=1, STATUS=…           ──▶ notify ───┴─▶ hear ──▶ reports, as many as the rate allows
//! ```
//!
//! Both are noted when they have something and read together a moment later, so that a run that
//! never stops talking costs a bounded share of the loop. What one run may say in a second is
//! limited as well: the rest is dropped, counted and told in the log. Signs are never dropped.
//!
//! What the next keeper needs is in the run's record, as [`Contact`].

mod channel;
mod input;
mod notify;

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::alarms::Alarm;
use super::capture::COALESCE;
use super::event_loop::Keeper;
use super::flow::ARMED;
use super::poll::Source;
use super::process::{Pidfd, boot_micros};
use super::protocol::{Awaits, Inlet, Report, Sign};
use super::say;

pub use channel::{CHANNEL_FD, Channel, Ends};
pub use input::Input;
pub use notify::NotifySocket;

/// So many words of a run are passed on in one second, signs apart.
const RATE: u32 = 100;
/// At most so many reports may wait for the daemon before words are dropped.
const WAITING: usize = 4096;
/// How often it is told at most that words of a run are dropped.
const TELL: Duration = Duration::from_secs(10);
/// A message that begins so says what a program can be asked to do. It is said once, so it is kept for
/// the next daemon and the next keeper.
const OFFER: &str = "{\"type\":\"axm:action\"";
/// So many of them are kept, of at most so many bytes.
const OFFERS: usize = 64;
const LONGEST_OFFER: usize = 2048;
/// Of a status so many bytes are kept.
const LONGEST_STATUS: usize = 256;

/// How a run speaks to us, and what it has said that must not be lost: a part of its record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contact {
    /// As in its launch.
    pub awaits: Option<Awaits>,
    /// When it became ready, if the daemon has said that.
    pub ready: Option<u64>,
    /// The signs that it has shown, and when each came first.
    pub signs: Vec<(Sign, u64)>,
    /// The inode of our end of its channel, of which it has a spare: by this the next keeper knows
    /// that it has the right one.
    pub channel: Option<u64>,
    /// It has a notify socket.
    pub notify: Option<Notifies>,
    /// The inode of the pipe that is its standard input, if that is one.
    pub input: Option<u64>,
    /// The messages by which it said what it can be asked to do.
    pub offers: Vec<String>,
}

/// Who may speak to a notify socket, beside root and us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notifies {
    /// The user of the run, if that is not ours.
    pub other: Option<u32>,
}

/// What is open between a run and us.
#[derive(Default)]
pub struct Talk {
    /// Its IPC channel.
    pub channel: Option<Channel>,
    /// Its notify socket.
    pub notify: Option<NotifySocket>,
    /// What it said last that it is doing.
    pub status: Option<String>,
    /// Why its channel is lost.
    pub channel_lost: Option<String>,
    rate: Rate,
}

/// What a run has said since it was heard last: no more than can be passed on, however much it was.
#[derive(Default, Debug, PartialEq, Eq)]
struct Heard {
    signs: Vec<Sign>,
    /// The latest.
    status: Option<String>,
    messages: Vec<String>,
    /// Too many, too long, or no text.
    dropped: u64,
}

impl Heard {
    fn sign(&mut self, sign: Sign) {
        if !self.signs.contains(&sign) {
            self.signs.push(sign);
        }
    }

    fn message(&mut self, text: &str) {
        if self.messages.len() < RATE as usize {
            self.messages.push(text.to_owned());
        } else {
            self.dropped += 1;
        }
    }
}

/// How much a run has said in the present second.
#[derive(Default)]
struct Rate {
    second: Option<Instant>,
    passed: u32,
    dropped: u64,
    told: Option<Instant>,
}

impl Rate {
    /// Whether one more word may pass.
    fn allows(&mut self, now: Instant) -> bool {
        if self.second.is_none_or(|begun| now.duration_since(begun) >= Duration::from_secs(1)) {
            (self.second, self.passed) = (Some(now), 0);
        }
        self.passed += 1;
        self.passed <= RATE
    }

    /// How many were dropped, if it is time to tell that.
    fn worth_telling(&mut self, now: Instant) -> Option<u64> {
        let is_time = self.told.is_none_or(|told| now.duration_since(told) >= TELL);
        if self.dropped == 0 || !is_time {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.dropped))
    }
}

impl Keeper {
    /// A run said something, or hung up.
    pub fn speaks(&mut self, id: u64) {
        if !self.speaking.contains(&id) {
            self.speaking.push(id);
        }
        self.alarms.set(Alarm::Hear, Instant::now() + COALESCE);
    }

    /// Hears everybody who was noted, once.
    pub fn hear_speaking(&mut self) {
        for id in std::mem::take(&mut self.speaking) {
            self.hear(id);
        }
    }

    /// Takes what a run has said, up to a limit, and waits for more.
    pub fn hear(&mut self, id: u64) {
        // It may speak before we have heard that it was executed.
        self.launch_settled(id);
        let mut heard = Heard::default();
        let mut hung_up = false;
        let Some(run) = self.runs.get_mut(&id) else { return };
        if let Some(channel) = &mut run.talk.channel {
            hung_up = !channel.read(&mut heard);
            if !hung_up {
                let _ = self.poller.change(&*channel, Source::Channel(id), ARMED);
            }
        }
        if let Some(notify) = &run.talk.notify {
            notify.read(&mut heard);
            let _ = self.poller.change(notify, Source::Notify(id), ARMED);
        }
        if hung_up {
            self.close_channel(id);
        }
        self.pass_on(id, heard);
        if let Some(dropped) =
            self.runs.get_mut(&id).and_then(|run| run.talk.rate.worth_telling(Instant::now()))
        {
            say::warning!("run {id} says too much: {dropped} of its messages were dropped");
        }
    }

    fn pass_on(&mut self, id: u64, heard: Heard) {
        for sign in heard.signs {
            self.pass_on_sign(id, sign);
        }
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.talk.rate.dropped += heard.dropped;
        // Also if it is not passed on: it is in the picture that the next daemon gets.
        run.talk.status = heard.status.clone().or(run.talk.status.take());
        let offers = &mut run.record.contact.offers;
        let known = offers.len();
        for offer in heard.messages.iter().filter(|text| text.starts_with(OFFER)) {
            if !offers.contains(offer) && offer.len() <= LONGEST_OFFER && offers.len() < OFFERS {
                offers.push(offer.clone());
            }
        }
        if offers.len() > known
            && let Err(error) = run.record.write(&self.run_dir)
        {
            say::warning!("cannot write down what run {id} can be asked to do: {error}");
        }
        let status = heard.status.map(|text| Report::Status { run: id, text });
        let messages = heard.messages.into_iter().map(|text| Report::Message { run: id, text });
        for report in status.into_iter().chain(messages) {
            let is_full = self.outbox.len() >= WAITING;
            let Some(run) = self.runs.get_mut(&id) else { return };
            if is_full || !run.talk.rate.allows(Instant::now()) {
                run.talk.rate.dropped += 1;
            } else {
                self.tell(report);
            }
        }
    }

    fn pass_on_sign(&mut self, id: u64, sign: Sign) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        if run.record.contact.signs.iter().any(|(known, _)| *known == sign) {
            return;
        }
        let at = boot_micros();
        run.record.contact.signs.push((sign, at));
        if let Err(error) = run.record.write(&self.run_dir) {
            // The daemon is told all the same; only the next keeper would not know it.
            say::warning!("cannot write down that run {id} said that it is ready: {error}");
        }
        self.tell(Report::Signed { run: id, sign, at });
    }

    /// The daemon says that it is ready: for the next one.
    pub fn keep_ready(&mut self, id: u64, at: u64) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.record.contact.ready = Some(at);
        if let Err(error) = run.record.write(&self.run_dir) {
            say::warning!("cannot write down that run {id} is ready: {error}");
        }
    }

    /// Asks a main process by message to end; if it cannot be asked, the whole tree by that signal.
    pub fn ask_to_end(&mut self, id: u64, signal: i32) {
        let run = self.runs.get(&id).filter(|run| !run.is_ended());
        let channel = run.and_then(|run| run.talk.channel.as_ref());
        if !channel.is_some_and(|channel| channel.send("\"shutdown\"")) {
            self.signal(id, signal, true);
        }
    }

    /// Gives text to a main process, whole or not at all, and tells what became of it.
    pub fn give(&mut self, request: u64, id: u64, to: Inlet, text: &str) {
        let run = self.runs.get(&id).filter(|run| !run.is_ended());
        let given = match (run, to) {
            (None, _) => Err("it has ended".to_owned()),
            (Some(run), Inlet::Channel) => match &run.talk.channel {
                None => Err("it has no IPC channel".to_owned()),
                Some(channel) if channel.send(text) => Ok(()),
                Some(_) => Err("it does not read its IPC channel, which is full".to_owned()),
            },
            (Some(run), Inlet::Input) => match (run.main(), run.record.contact.input) {
                (Some((pid, _)), Some(inode)) => input::write_line(pid, inode, text),
                (_, None) | (None, _) => Err("its standard input is no pipe".to_owned()),
            },
        };
        self.tell(Report::Given { request, problem: given.err() });
    }

    /// Takes back what an earlier keeper had open to a run that lives on.
    pub fn talk_again(&mut self, id: u64, main: &Pidfd) {
        let Some(run) = self.runs.get(&id) else { return };
        let contact = run.record.contact.clone();
        let mut talk = Talk::default();
        if let Some(inode) = contact.channel {
            let taken = Channel::take_back(main, inode).and_then(|channel| {
                self.poller.add(&channel, Source::Channel(id), ARMED)?;
                Ok(channel)
            });
            match taken {
                Ok(channel) => talk.channel = Some(channel),
                Err(why) => {
                    let why = super::process::io_words(&why);
                    say::warning!("the IPC channel of run {id} cannot be taken back: {why}");
                    talk.channel_lost =
                        Some(format!("it cannot be taken back after a change of keepers: {why}"));
                }
            }
        }
        if let Some(Notifies { other }) = contact.notify {
            let made = NotifySocket::make(&self.run_dir, &self.mark, id, other).and_then(|socket| {
                self.poller.add(&socket, Source::Notify(id), ARMED)?;
                Ok(socket)
            });
            match made {
                Ok(socket) => talk.notify = Some(socket),
                Err(why) => say::warning!("the notify socket of run {id} cannot be made again: {why}"),
            }
        }
        if let Some(run) = self.runs.get_mut(&id) {
            run.talk = talk;
        }
    }

    /// Hears the last words of a run and hangs up. The file of its notify socket goes with its others.
    pub fn end_talk(&mut self, id: u64) {
        self.hear(id);
        self.close_channel(id);
        if let Some(socket) = self.runs.get_mut(&id).and_then(|run| run.talk.notify.take()) {
            self.poller.remove(socket.into());
        }
        self.speaking.retain(|run| *run != id);
    }

    /// Expressly out of the epoll set: the run has a spare of our end, so closing it is not enough.
    fn close_channel(&mut self, id: u64) {
        if let Some(channel) = self.runs.get_mut(&id).and_then(|run| run.talk.channel.take()) {
            self.poller.remove(channel.into());
        }
    }
}

/// Moves a descriptor out of the way of those that a child puts in place.
fn out_of_the_way(fd: BorrowedFd<'_>) -> nix::Result<std::os::fd::OwnedFd> {
    use std::os::fd::FromRawFd;
    let high = nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_DUPFD_CLOEXEC(super::child::FIRST_OWN))?;
    // SAFETY: the kernel has just made this descriptor; nobody else owns it.
    Ok(unsafe { std::os::fd::OwnedFd::from_raw_fd(high) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_words_a_second_pass_and_the_rest_is_counted() {
        let (mut rate, now) = (Rate::default(), Instant::now());
        let passed = (0..250).filter(|_| rate.allows(now)).count();
        assert_eq!(passed, 100);
        rate.dropped = 150;
        assert_eq!(rate.worth_telling(now), Some(150));
        rate.dropped = 1;
        assert_eq!(rate.worth_telling(now), None);
        assert!(rate.allows(now + Duration::from_secs(1)));
        assert_eq!(rate.worth_telling(now + TELL), Some(1));
    }
}

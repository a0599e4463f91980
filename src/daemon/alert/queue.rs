//! What one channel is still to be told, in order. No I/O and no clock.

use std::collections::VecDeque;
use std::time::Duration;

use super::notification::Notification;

/// More than so many do not wait.
pub const MOST: usize = 100;
/// What could not be told for so long is given up.
const LONGEST_MS: u64 = 3_600_000;
/// The first pause after a refusal, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(300)];

/// What waits, and what became of the rest since the daemon began.
#[derive(Default)]
pub struct Queue {
    waiting: VecDeque<(u64, Notification)>,
    next: u64,
    /// Taken by the receiver.
    pub sent: u64,
    /// Given up.
    pub lost: u64,
    /// When the receiver last took something, in milliseconds since 1970.
    pub last_sent_ms: Option<u64>,
    /// Why it takes nothing.
    pub error: Option<String>,
}

impl Queue {
    /// With what was kept.
    pub fn of(waiting: Vec<(u64, Notification)>) -> Queue {
        let next = waiting.last().map_or(0, |(number, _)| number + 1);
        Queue { waiting: waiting.into(), next, ..Queue::default() }
    }

    /// The number that the next one gets.
    pub fn next_number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// Puts one at the end. The answer are the numbers of those that are given up for it.
    pub fn put(&mut self, number: u64, notification: Notification) -> Vec<u64> {
        self.waiting.push_back((number, notification));
        let mut lost = Vec::new();
        while self.waiting.len() > MOST {
            lost.extend(self.waiting.pop_front().map(|(number, _)| number));
        }
        self.lost += lost.len() as u64;
        lost
    }

    /// The one to be told now.
    pub fn first(&self) -> Option<(u64, Notification)> {
        self.waiting.front().cloned()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The receiver has taken that one.
    pub fn taken(&mut self, number: u64, now_ms: u64) {
        self.waiting.retain(|(other, _)| *other != number);
        self.sent += 1;
        (self.last_sent_ms, self.error) = (Some(now_ms), None);
    }

    /// The receiver has not taken anything: why. The answer are the numbers of those that have waited too
    /// long.
    pub fn refused(&mut self, why: String, now_ms: u64) -> Vec<u64> {
        self.error = Some(why);
        let is_old = |(_, it): &(u64, Notification)| now_ms.saturating_sub(it.at_ms) >= LONGEST_MS;
        let lost: Vec<u64> = self.waiting.iter().filter(|it| is_old(it)).map(|(number, _)| *number).collect();
        self.waiting.retain(|it| !is_old(it));
        self.lost += lost.len() as u64;
        lost
    }

    /// Everything that waits, which is forgotten.
    pub fn clear(&mut self) -> Vec<u64> {
        self.waiting.drain(..).map(|(number, _)| number).collect()
    }
}

/// How long to wait after so many refusals in a row: twice as long each time, a quarter more or less by
/// chance; or as long as the receiver says.
pub fn pause_after(failures: u32, retry_after: Option<Duration>, chance: u32) -> Duration {
    let [first, longest] = PAUSES;
    let pause = first.saturating_mul(1 << failures.min(10)).min(longest);
    let pause = pause.mul_f64(0.75 + f64::from(chance) / f64::from(u32::MAX) / 2.0);
    // A receiver that wants to be left alone for longer than what waits may wait is asked before that.
    retry_after
        .map_or(pause, |after| after.min(Duration::from_millis(LONGEST_MS / 2)).max(first))
        .min(Duration::from_millis(LONGEST_MS / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(at_ms: u64) -> Notification {
        Notification::test("ops", at_ms)
    }

    fn put(queue: &mut Queue, at_ms: u64) -> Vec<u64> {
        let number = queue.next_number();
        queue.put(number, at(at_ms))
    }

    #[test]
    fn the_order_is_kept_and_the_oldest_is_given_up_when_too_many_wait() {
        let mut queue = Queue::default();
        for n in 0..MOST as u64 {
            assert!(put(&mut queue, n).is_empty());
        }
        assert_eq!(put(&mut queue, 1000), [0]);
        assert_eq!((queue.len(), queue.lost), (MOST, 1));
        assert_eq!(queue.first().unwrap().0, 1);
        queue.taken(1, 2000);
        assert_eq!((queue.first().unwrap().0, queue.sent, queue.last_sent_ms), (2, 1, Some(2000)));
        // One that was given up while it was on its way has arrived all the same.
        queue.taken(0, 2001);
        assert_eq!((queue.first().unwrap().0, queue.sent), (2, 2));
    }

    #[test]
    fn what_has_waited_for_an_hour_is_given_up() {
        let mut queue = Queue::default();
        put(&mut queue, 0);
        put(&mut queue, 10);
        assert!(queue.refused("no".into(), LONGEST_MS - 1).is_empty());
        assert_eq!(queue.refused("no".into(), LONGEST_MS), [0]);
        assert_eq!((queue.len(), queue.lost, queue.error.as_deref()), (1, 1, Some("no")));
        assert_eq!(Queue::of(vec![(7, at(0))]).next_number(), 8);
    }

    #[test]
    fn pauses_grow_from_a_second_to_five_minutes_or_are_as_the_receiver_says() {
        let middle = u32::MAX / 2;
        let s = |failures, after: Option<u64>| {
            pause_after(failures, after.map(Duration::from_secs), middle).as_secs_f64().round()
        };
        assert_eq!([s(0, None), s(1, None), s(4, None), s(20, None)], [1.0, 2.0, 16.0, 300.0]);
        assert_eq!(
            [s(0, Some(30)), s(9, Some(2)), s(0, Some(0)), s(0, Some(86_400))],
            [30.0, 2.0, 1.0, 1800.0]
        );
        assert!(pause_after(0, None, 0).as_millis() >= 750);
    }
}

//! A timer that is set for each request and almost never rings. Setting it costs nothing: what the
//! runtime was asked for stays until it is due, and is then asked for anew if the time is another.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

use super::prospect::LONG;

/// Of one connection of a client, which waits for one thing at a time.
#[derive(Clone, Default)]
pub struct Alarm(Arc<Mutex<Option<Pin<Box<tokio::time::Sleep>>>>>);

impl Alarm {
    /// Ready when that moment has come; whoever polls it is woken then, or before. Who polls the first
    /// time is woken after [`LONG`], so that it looks whether the client is still there.
    pub fn poll(&self, context: &mut Context<'_>, at: Instant) -> Poll<()> {
        let mut armed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sleep = armed.get_or_insert_with(|| {
            let first = at.min(Instant::now() + LONG);
            Box::pin(tokio::time::sleep_until(first.into()))
        });
        if sleep.deadline().into_std() > at {
            sleep.as_mut().reset(at.into());
        }
        while sleep.as_mut().poll(context).is_ready() {
            if Instant::now() >= at {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(at.into());
        }
        Poll::Pending
    }
}

/// The wait of hyper for that moment.
struct Until(Alarm, Instant);

impl Future for Until {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll(context, self.1)
    }
}

impl Sleep for Until {}

impl Timer for Alarm {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Until(self.clone(), deadline))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test]
    async fn it_rings_when_the_last_moment_it_was_set_to_has_come() {
        let (alarm, begun) = (Alarm::default(), Instant::now());
        let after = |milliseconds| begun + Duration::from_millis(milliseconds);
        let rings = async |at| poll_fn(|context| Poll::Ready(alarm.poll(context, at).is_ready())).await;
        // Each is given up for the next one: later, sooner, later than what it was armed for.
        for given_up in [60_000, 90_000, 30] {
            assert!(!rings(after(given_up)).await);
        }
        let waits = poll_fn(|context| alarm.poll(context, after(120)));
        tokio::time::timeout(Duration::from_secs(20), waits).await.expect("it rings");
        assert!(begun.elapsed() >= Duration::from_millis(120), "{:?}", begun.elapsed());
        // What has passed rings at once, and it can be set anew.
        assert!(rings(after(120)).await);
        assert!(!rings(after(60_000)).await);
    }
}

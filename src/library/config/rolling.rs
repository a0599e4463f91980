//! How a reload replaces the processes of an app.

use std::fmt;
use std::time::Duration;

use super::builder::DAY;
use super::{Mistake, ProcessConfigBuilder};
use crate::wire;

/// Some of the processes of an app.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Share {
    /// So many; 1000 at most.
    Count(u32),
    /// So many of a hundred.
    Percent(u32),
}

impl Share {
    fn is_none(self) -> bool {
        matches!(self, Share::Count(0) | Share::Percent(0))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Share::Count(count) => write!(f, "{count}"),
            Share::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// What was said about reloads.
#[derive(Clone, Default)]
pub(super) struct Rolling {
    soak: Option<Duration>,
    max_surge: Option<Share>,
    max_unavailable: Option<Share>,
}

impl ProcessConfigBuilder {
    /// So long a new run has to stay well, from when it is ready, before a reload goes on. One that
    /// does not ends the reload, and the old ones go on. Default 1 s, or
    /// [`min_uptime`](ProcessConfigBuilder::min_uptime) if that is less.
    pub fn soak(mut self, soak: Duration) -> Self {
        self.rolling.soak = Some(soak);
        self
    }

    /// So many new runs may be beside the old ones at a time in a reload. Default 1.
    pub fn max_surge(mut self, share: Share) -> Self {
        self.rolling.max_surge = Some(share);
        self
    }

    /// So many fewer processes than are wanted may be ready during a reload. Default 0.
    pub fn max_unavailable(mut self, share: Share) -> Self {
        self.rolling.max_unavailable = Some(share);
        self
    }
}

impl Rolling {
    /// What can be seen to be wrong without the daemon.
    pub(super) fn mistakes(&self, mistakes: &mut Vec<Mistake>) {
        if self.soak.is_some_and(|soak| soak > DAY) {
            mistakes.push(Mistake::BadTime { member: "soak()" });
        }
        for share in [self.max_surge, self.max_unavailable].into_iter().flatten() {
            let fits = match share {
                Share::Count(count) => count <= 1000,
                Share::Percent(percent) => percent <= 100,
            };
            if !fits {
                mistakes.push(Mistake::BadShare(share.to_string()));
            }
        }
        let surges = self.max_surge.is_none_or(|share| !share.is_none());
        let pauses = self.max_unavailable.is_some_and(|share| !share.is_none());
        if !surges && !pauses {
            mistakes.push(Mistake::NothingReplaced);
        }
    }

    pub(super) fn into_wire(self) -> Option<wire::Rolling> {
        let rolling = wire::Rolling {
            soak_ms: self.soak.map(|soak| soak.as_millis() as i64),
            max_surge: self.max_surge.map(|share| share.to_string()),
            max_unavailable: self.max_unavailable.map(|share| share.to_string()),
        };
        (rolling != wire::Rolling::default()).then_some(rolling)
    }
}

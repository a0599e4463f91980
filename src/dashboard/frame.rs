//! What is around every page: who reads it, where it is, and what its reader may do.

use super::assets;
use crate::wire::{Role, Whoami};

/// A part of the dashboard, as the main navigation names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Here {
    Processes,
    Logs,
    Events,
    Ports,
    Operations,
    Alerts,
    System,
    Settings,
    Api,
    /// Not a part of its own: log in, errors, questions.
    Nowhere,
}

/// Who reads a page, and what is told to them on each.
#[derive(Clone, Debug)]
pub struct Reader {
    /// Who it is.
    pub who: Whoami,
    /// So many alerts fire, of those that they see.
    pub firing: usize,
}

/// The surroundings of a page.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub who: Option<&'a Whoami>,
    pub here: Here,
    /// So many alerts fire.
    pub firing: usize,
}

/// An entry of the main navigation.
pub(super) struct Link {
    pub href: &'static str,
    pub label: &'static str,
    /// The key that follows `g`.
    pub key: char,
    pub here: bool,
}

impl<'a> Frame<'a> {
    pub fn new(reader: &'a Reader, here: Here) -> Frame<'a> {
        Frame { who: Some(&reader.who), here, firing: reader.firing }
    }

    /// For whoever is not logged in, or when that is not known.
    pub fn of(who: Option<&'a Whoami>) -> Frame<'a> {
        Frame { who, here: Here::Nowhere, firing: 0 }
    }

    pub fn nav(&self) -> [Link; 9] {
        [
            (Here::Processes, "/", "Processes", 'p'),
            (Here::Logs, "/logs", "Logs", 'l'),
            (Here::Events, "/events", "Events", 'e'),
            (Here::Operations, "/operations", "Operations", 'w'),
            (Here::Alerts, "/alerts", "Alerts", 'b'),
            (Here::Ports, "/ports", "Ports", 'o'),
            (Here::System, "/system", "System", 's'),
            (Here::Settings, "/settings", "Settings", 't'),
            (Here::Api, "/docs", "API", 'a'),
        ]
        .map(|(place, href, label, key)| Link { href, label, key, here: place == self.here })
    }

    /// Where an asset is served.
    pub fn asset(&self, name: &str) -> String {
        format!("/assets/{}/{name}", assets::version())
    }

    /// Start, stop, restart, reload, scale, signal.
    pub fn may_operate(&self) -> bool {
        self.may(Role::Operator)
    }

    /// Define, change and delete apps.
    pub fn may_write(&self) -> bool {
        self.may(Role::Deployer)
    }

    fn may(&self, role: Role) -> bool {
        self.who.is_some_and(|who| who.role >= role)
    }
}

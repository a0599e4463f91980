//! Which ports an app asks for, and who may have them already (acceptance rows A10, C1 to C4).

use std::fmt;

use super::{Pid, ProcessId};

/// What a definition, or a restart for one run, says about ports. Ends are included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PortPlan {
    /// `3000`: this port, for the only process.
    Single(u16),
    /// `3000`, for all processes: they accept from one listening socket that is held for them.
    Shared(u16),
    /// `3000-3005`: instance i gets the first plus i.
    Range(u16, u16),
    /// `auto:4000-4100`: each process gets the first one that is free.
    Auto(u16, u16),
}

/// A port as one process has it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Port {
    /// It alone is to listen there.
    Own(u16),
    /// It accepts from the socket that all processes of its app share.
    Shared(u16),
}

/// A text that is no [`PortPlan`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{given:?} is not a port: use a port such as 3000, a range such as 3000-3005, or auto:4000-4100 for any free \
     one of a range; ports are 1 to 65535, and an auto range has at most {max}",
    max = PortPlan::MAX_AUTO
)]
pub struct BadPort {
    /// The text as it was given.
    pub given: String,
}

/// Not every process gets a port. The sentence says what would help.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TooFewPorts {
    /// One port, several processes.
    #[error(
        "port {port} is one port and there are {processes} processes: give each its own with a range such as {range}, \
         or define the app anew with --listen-mode shared"
    )]
    Single {
        /// The port.
        port: u16,
        /// How many processes.
        processes: u32,
        /// A range that would do.
        range: PortPlan,
    },
    /// A range, more processes.
    #[error("{plan} has {} and there are {processes} processes: give a range of {processes} or more", ports(*.plan))]
    Range {
        /// The range.
        plan: PortPlan,
        /// How many processes.
        processes: u32,
    },
}

/// What one process may have by a plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Want {
    /// Only this port.
    One(u16),
    /// This port, together with the other processes of the app.
    Shared(u16),
    /// Any of these, the lower the better. Ends are included.
    AnyOf(u16, u16),
    /// The range ends before its turn.
    Nothing,
}

/// Who has a port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PortOwner {
    /// A process of ours: it has the port assigned, or listens on it.
    Ours {
        /// As it is shown.
        name: String,
        /// Its id.
        id: ProcessId,
    },
    /// A program that we did not start.
    Foreign {
        /// Its name.
        program: String,
        /// One of its processes.
        pid: Pid,
    },
    /// Somebody whom we may not see.
    Unknown,
}

impl Port {
    /// Its number.
    pub fn number(self) -> u16 {
        match self {
            Port::Own(number) | Port::Shared(number) => number,
        }
    }

    /// Others of the app have it too.
    pub fn is_shared(self) -> bool {
        match self {
            Port::Own(_) => false,
            Port::Shared(_) => true,
        }
    }
}

impl PortPlan {
    /// The longest `auto:` range: each port of it may have to be tried.
    pub const MAX_AUTO: u32 = 1000;

    /// Reads `3000`, `3000-3005` or `auto:4000-4100`.
    ///
    /// # Errors
    /// One sentence with the three forms.
    pub fn parse(text: &str) -> Result<PortPlan, BadPort> {
        let bad = || BadPort { given: text.to_owned() };
        let port = |digits: &str| match digits.parse::<u16>() {
            Ok(port @ 1..) if digits.bytes().all(|b| b.is_ascii_digit()) => Ok(port),
            Ok(_) | Err(_) => Err(bad()),
        };
        let range = |text: &str| {
            let (first, last) = text.split_once('-').ok_or_else(bad)?;
            let (first, last) = (port(first)?, port(last)?);
            if first <= last { Ok((first, last)) } else { Err(bad()) }
        };
        match text.strip_prefix("auto:") {
            Some(text) => match range(text)? {
                (first, last) if u32::from(last - first) < Self::MAX_AUTO => Ok(PortPlan::Auto(first, last)),
                _ => Err(bad()),
            },
            None if text.contains('-') => range(text).map(|(first, last)| PortPlan::Range(first, last)),
            None => port(text).map(PortPlan::Single),
        }
    }

    /// How many ports there are to have.
    pub fn size(self) -> u32 {
        match self {
            PortPlan::Single(_) | PortPlan::Shared(_) => 1,
            PortPlan::Range(first, last) | PortPlan::Auto(first, last) => u32::from(last - first) + 1,
        }
    }

    /// What the process with that number among the instances may have.
    pub fn wants(self, instance: u32) -> Want {
        match self {
            PortPlan::Single(port) if instance == 0 => Want::One(port),
            PortPlan::Single(_) => Want::Nothing,
            PortPlan::Shared(port) => Want::Shared(port),
            PortPlan::Range(first, last) => match u32::from(last - first) {
                room if instance <= room => Want::One(first + instance as u16),
                _ => Want::Nothing,
            },
            PortPlan::Auto(first, last) => Want::AnyOf(first, last),
        }
    }

    /// Does it have a port for each of so many processes?
    ///
    /// # Errors
    /// What would help.
    pub fn suffices_for(self, processes: u32) -> Result<(), TooFewPorts> {
        match self {
            PortPlan::Single(port) if processes > 1 => {
                let last = (u32::from(port) + processes - 1).min(u32::from(u16::MAX)) as u16;
                let first = (u32::from(last) + 1).saturating_sub(processes).max(1) as u16;
                Err(TooFewPorts::Single { port, processes, range: PortPlan::Range(first, last) })
            }
            PortPlan::Range(..) | PortPlan::Auto(..) if self.size() < processes => {
                Err(TooFewPorts::Range { plan: self, processes })
            }
            PortPlan::Single(_) | PortPlan::Shared(_) | PortPlan::Range(..) | PortPlan::Auto(..) => Ok(()),
        }
    }

    /// Spreads it over so many processes: what each is to be given.
    ///
    /// # Errors
    /// When there are fewer ports than processes.
    pub fn spread(self, processes: u32) -> Result<Vec<PortPlan>, TooFewPorts> {
        self.suffices_for(processes)?;
        Ok((0..processes)
            .map(|place| match self.wants(place) {
                Want::One(port) => PortPlan::Single(port),
                Want::AnyOf(..) | Want::Shared(_) | Want::Nothing => self,
            })
            .collect())
    }
}

fn ports(plan: PortPlan) -> String {
    match plan.size() {
        1 => "1 port".to_owned(),
        size => format!("{size} ports"),
    }
}

impl fmt::Display for PortPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PortPlan::Single(port) | PortPlan::Shared(port) => write!(f, "{port}"),
            PortPlan::Range(first, last) => write!(f, "{first}-{last}"),
            PortPlan::Auto(first, last) => write!(f, "auto:{first}-{last}"),
        }
    }
}

/// `api (id 3)`, `another program (nginx, pid 812)`.
impl fmt::Display for PortOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PortOwner::Ours { name, id } => write!(f, "{name} (id {id})"),
            PortOwner::Foreign { program, pid } => write!(f, "another program ({program}, pid {pid})"),
            PortOwner::Unknown => f.write_str("another program"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_printed_as_it_is_read() {
        let check = |text: &str, plan: PortPlan| {
            assert_eq!(PortPlan::parse(text), Ok(plan));
            assert_eq!(plan.to_string(), text);
        };
        check("3000", PortPlan::Single(3000));
        check("1", PortPlan::Single(1));
        check("65535", PortPlan::Single(65535));
        check("3000-3005", PortPlan::Range(3000, 3005));
        check("3000-3000", PortPlan::Range(3000, 3000));
        check("auto:4000-4100", PortPlan::Auto(4000, 4100));
        check("auto:4001-5000", PortPlan::Auto(4001, 5000));
    }

    #[test]
    fn what_is_no_port_is_refused_with_the_three_forms() {
        let bad = [
            "",
            "0",
            "70000",
            "-1",
            "+80",
            "3005-3000",
            "0-5",
            "http",
            "3000-",
            "-3000",
            "3000-3005-3010",
            "3000 ",
            "auto:",
            "auto:4000",
            "auto:4100-4000",
            "auto:0-5",
            "auto:4000-5000",
            "1.5",
            "３０００",
            "3000,3001",
        ];
        for text in bad {
            let sentence = PortPlan::parse(text).expect_err(text).to_string();
            for form in ["3000,", "3000-3005", "auto:4000-4100"] {
                assert!(sentence.contains(form), "{sentence}");
            }
            assert!(!sentence.contains('\n'));
        }
    }

    #[test]
    fn instances_get_their_ports_in_order() {
        let check = |text: &str, instance, want| {
            assert_eq!(PortPlan::parse(text).unwrap().wants(instance), want, "{text} {instance}");
        };
        check("3000", 0, Want::One(3000));
        check("3000", 1, Want::Nothing);
        assert_eq!(PortPlan::Shared(3000).wants(1), Want::Shared(3000));
        check("3000-3002", 2, Want::One(3002));
        check("3000-3002", 3, Want::Nothing);
        check("65535-65535", 70_000, Want::Nothing);
        check("auto:4000-4001", 9, Want::AnyOf(4000, 4001));
    }

    #[test]
    fn too_few_ports_are_refused_with_what_would_help() {
        let check = |text: &str, processes, sentence: &str| {
            let refused = PortPlan::parse(text).unwrap().suffices_for(processes).unwrap_err();
            assert_eq!(refused.to_string(), sentence);
        };
        check(
            "3000",
            4,
            "port 3000 is one port and there are 4 processes: give each its own with a range such as 3000-3003, or \
             define the app anew with --listen-mode shared",
        );
        check(
            "65535",
            2,
            "port 65535 is one port and there are 2 processes: give each its own with a range such as 65534-65535, or \
             define the app anew with --listen-mode shared",
        );
        check("3000-3001", 3, "3000-3001 has 2 ports and there are 3 processes: give a range of 3 or more");
        check("auto:1-1", 2, "auto:1-1 has 1 port and there are 2 processes: give a range of 2 or more");
        assert_eq!(PortPlan::Range(3000, 3005).suffices_for(1), Ok(()));
        let spread = PortPlan::Range(3000, 3005).spread(2);
        assert_eq!(spread, Ok(vec![PortPlan::Single(3000), PortPlan::Single(3001)]));
        assert_eq!(PortPlan::Shared(3000).suffices_for(1000), Ok(()));
        assert_eq!(PortPlan::Auto(1, 9).spread(2), Ok(vec![PortPlan::Auto(1, 9); 2]));
    }
}

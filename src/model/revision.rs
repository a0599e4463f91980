//! The versions that a definition has had.

use std::fmt;

/// What made a definition another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RevisionCause {
    /// The app was defined.
    Created,
    /// It was defined anew.
    Updated,
    /// It got another number of processes.
    Scaled,
    /// It inherits another environment.
    Environment,
    /// It is as it was in that revision.
    RolledBack(u64),
    /// It came back from a restore point.
    Restored,
    /// A new definition could not be executed, and the one before is back.
    PutBack,
    /// A reload that brought a new definition failed, and the one of the run that goes on is back.
    TakenBack,
    /// It was there before revisions were kept, or was taken over from a run.
    Found,
}

impl RevisionCause {
    /// The word for it; [`RolledBack`](Self::RolledBack) is followed by its number.
    pub fn word(self) -> &'static str {
        match self {
            RevisionCause::Created => "created",
            RevisionCause::Updated => "updated",
            RevisionCause::Scaled => "scaled",
            RevisionCause::Environment => "environment",
            RevisionCause::RolledBack(_) => "rolled_back",
            RevisionCause::Restored => "restored",
            RevisionCause::PutBack => "put_back",
            RevisionCause::TakenBack => "taken_back",
            RevisionCause::Found => "found",
        }
    }

    /// Reads what `Display` wrote.
    pub fn parse(text: &str) -> Option<RevisionCause> {
        Some(match text {
            "created" => RevisionCause::Created,
            "updated" => RevisionCause::Updated,
            "scaled" => RevisionCause::Scaled,
            "environment" => RevisionCause::Environment,
            "restored" => RevisionCause::Restored,
            "put_back" => RevisionCause::PutBack,
            "taken_back" => RevisionCause::TakenBack,
            "found" => RevisionCause::Found,
            other => RevisionCause::RolledBack(other.strip_prefix("rolled_back ")?.parse().ok()?),
        })
    }
}

impl fmt::Display for RevisionCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RevisionCause::RolledBack(to) => write!(f, "{} {to}", self.word()),
            RevisionCause::Created
            | RevisionCause::Updated
            | RevisionCause::Scaled
            | RevisionCause::Environment
            | RevisionCause::Restored
            | RevisionCause::PutBack
            | RevisionCause::TakenBack
            | RevisionCause::Found => f.write_str(self.word()),
        }
    }
}

/// One version of a definition, without the definition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Revision {
    /// From 1, by app.
    pub number: u64,
    /// When: milliseconds of Unix time.
    pub at_ms: u64,
    /// Who made it.
    pub author: String,
    /// How it came about.
    pub cause: RevisionCause,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_read_as_it_was_written() {
        use RevisionCause::*;
        for cause in
            [Created, Updated, Scaled, Environment, RolledBack(3), Restored, PutBack, TakenBack, Found]
        {
            assert_eq!(RevisionCause::parse(&cause.to_string()), Some(cause));
        }
        assert_eq!(RevisionCause::parse("rolled_back x"), None);
        assert_eq!(RevisionCause::parse("else"), None);
    }
}

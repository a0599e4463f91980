//! How much somebody may do.

use std::fmt;

/// A role. Each may do what the ones before it may, so they are ordered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// Sees everything but values of environments; reads logs.
    Viewer,
    /// Starts, stops, restarts.
    Operator,
    /// Defines and deletes apps. That is a shell as the user that the apps run as.
    Deployer,
    /// Everything.
    Admin,
}

impl Role {
    /// All of them, the smallest first.
    pub const ALL: [Role; 4] = [Role::Viewer, Role::Operator, Role::Deployer, Role::Admin];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Deployer => "deployer",
            Role::Admin => "admin",
        }
    }

    /// The role of that word, exactly as [`as_str`](Self::as_str) writes it.
    pub fn parse(text: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_ordered_and_read_back_from_their_words_only() {
        assert!(Role::ALL.is_sorted());
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        for text in ["", "Admin", "root", "admin "] {
            assert_eq!(Role::parse(text), None, "{text}");
        }
    }
}

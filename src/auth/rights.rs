//! Which role may do what: one table.

use crate::model::Role;

/// Something that a route needs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Right {
    /// See apps, processes, events and metrics; environments masked.
    View,
    /// Read logs.
    LogsRead,
    /// Start, stop, restart, send signals.
    AppOperate,
    /// Define and change apps.
    AppWrite,
    /// Delete apps.
    AppDelete,
    /// Empty logs.
    LogsWrite,
    /// See the values of environments.
    EnvRead,
    /// The installation itself: configuration, tokens, shutdown.
    Admin,
}

impl Right {
    /// All of them.
    pub const ALL: [Right; 8] = [
        Right::View,
        Right::LogsRead,
        Right::AppOperate,
        Right::AppWrite,
        Right::AppDelete,
        Right::LogsWrite,
        Right::EnvRead,
        Right::Admin,
    ];

    /// The word that the API uses for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Right::View => "view",
            Right::LogsRead => "logs:read",
            Right::AppOperate => "app:operate",
            Right::AppWrite => "app:write",
            Right::AppDelete => "app:delete",
            Right::LogsWrite => "logs:write",
            Right::EnvRead => "env:read",
            Right::Admin => "admin",
        }
    }

    /// The smallest role that has it.
    pub fn least_role(self) -> Role {
        match self {
            Right::View | Right::LogsRead => Role::Viewer,
            Right::AppOperate => Role::Operator,
            Right::AppWrite | Right::AppDelete | Right::LogsWrite => Role::Deployer,
            Right::EnvRead | Right::Admin => Role::Admin,
        }
    }
}

impl Role {
    /// Whether this role has that right.
    pub fn may(self, right: Right) -> bool {
        self >= right.least_role()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_has_the_rights_of_this_table_and_no_other() {
        let table = [
            (Role::Viewer, "view logs:read"),
            (Role::Operator, "view logs:read app:operate"),
            (Role::Deployer, "view logs:read app:operate app:write app:delete logs:write"),
            (Role::Admin, "view logs:read app:operate app:write app:delete logs:write env:read admin"),
        ];
        assert_eq!(table.map(|(role, _)| role), Role::ALL);
        for (role, rights) in table {
            let has: Vec<_> =
                Right::ALL.into_iter().filter(|right| role.may(*right)).map(Right::as_str).collect();
            assert_eq!(has.join(" "), rights, "{role}");
        }
    }
}

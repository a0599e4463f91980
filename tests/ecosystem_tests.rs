//! Files that declare apps: every style and field of PM2, plans, and what follows from them.

mod support;

#[path = "ecosystem/apply.rs"]
mod apply;
#[path = "ecosystem/commands.rs"]
mod commands;
#[path = "ecosystem/corpus.rs"]
mod corpus;
#[path = "ecosystem/files.rs"]
mod files;
#[path = "ecosystem/habits.rs"]
mod habits;
#[path = "ecosystem/import.rs"]
mod import;
#[path = "ecosystem/property.rs"]
mod property;

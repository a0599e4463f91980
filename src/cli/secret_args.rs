//! Arguments of `secret`.

use clap::Subcommand;

/// Help of `secret`.
pub(super) const SECRET: &str = "Examples:\n  pmdaemon secret set DB_PASSWORD              asks for the value\n  \
                      pmdaemon secret set TLS_KEY < key.pem        takes it from a file\n  \
                      pmdaemon start app.js --env 'DB=${secret:DB_PASSWORD}'\n  \
                      pmdaemon start app.js --env 'KEY_FILE=${secret-file:TLS_KEY}'\n\n\
                      Values are kept encrypted, never shown, and given to programs when they start: restart an app \
                      to give it a new value. They are never arguments, which everybody on the host can see.";

/// `secret`.
#[derive(Subcommand, Debug)]
pub enum SecretCommand {
    /// Set a secret: the value is asked for, or read from standard input to its end
    Set {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// Apps of this namespace may refer to it
        #[arg(long, value_name = "NAMESPACE", default_value = "default")]
        namespace: String,
    },
    /// Show which secrets there are, and who uses them
    #[command(visible_alias = "ls")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Forget a secret that no app refers to
    #[command(visible_alias = "delete")]
    Rm {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// Of this namespace
        #[arg(long, value_name = "NAMESPACE", default_value = "default")]
        namespace: String,
    },
}

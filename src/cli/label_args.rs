//! Options of `start` about the labels of an app.

use clap::Args;

use crate::wire::NewApp;

/// To choose apps by.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub struct LabelArgs {
    /// Give it a label to choose it by, such as tier=web; may be given several times
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = pair)]
    pub labels: Vec<(String, String)>,
}

impl LabelArgs {
    /// Puts them into a definition.
    pub fn define(&self, app: NewApp) -> NewApp {
        NewApp { labels: self.labels.iter().cloned().collect(), ..app }
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, for example tier=web")?;
    Ok((name.to_owned(), value.to_owned()))
}

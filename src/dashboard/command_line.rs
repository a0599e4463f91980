//! Words of a command line, as one types them into a shell.

/// The words with blanks between them, each quoted if a shell would not take it as it is.
pub fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    // A word with a NUL character is no word of any command line; it is shown all the same.
    shlex::Quoter::new().allow_nul(true).join(words).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_takes_the_words_as_they_were() {
        let all =
            ["a", "", "two words", "it's", "$(x)", "`x`", "a;b", "*", "ünïcode", "--x=1", "\"q\"", "a\nb"];
        let line = format!("printf '%s\\0' {}", words(all));
        let told = Command::new("sh").args(["-c", &line]).output().unwrap().stdout;
        let told = String::from_utf8(told).unwrap();
        assert_eq!(told.split_terminator('\0').collect::<Vec<_>>(), all);
    }
}

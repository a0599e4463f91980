//! Secrets that a variable refers to: `${secret:NAME}` stands for the value, `${secret-file:NAME}` for
//! the path of a file with the value (acceptance row K17).

use super::Name;

const VALUE: &str = "${secret:";
const FILE: &str = "${secret-file:";

/// What stands in the place of a secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Given {
    /// Its value.
    AsValue,
    /// The path of a file that has its value.
    AsFile,
}

/// One reference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SecretRef {
    /// Which secret, of the namespace of the app.
    pub name: Name,
    /// What of it.
    pub given: Given,
}

/// A piece of the value of a variable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece<'a> {
    /// As it is.
    Text(&'a str),
    /// To be filled in.
    Secret(SecretRef),
}

/// The pieces of a value.
///
/// # Errors
/// A sentence about a reference that names no secret.
pub fn pieces(value: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut left = value;
    loop {
        let found = [(VALUE, Given::AsValue), (FILE, Given::AsFile)]
            .into_iter()
            .filter_map(|(mark, given)| Some((left.find(mark)?, mark, given)))
            .min_by_key(|(at, _, _)| *at);
        let Some((at, mark, given)) = found else {
            if !left.is_empty() {
                pieces.push(Piece::Text(left));
            }
            return Ok(pieces);
        };
        if at > 0 {
            pieces.push(Piece::Text(&left[..at]));
        }
        let rest = &left[at + mark.len()..];
        // What the value says otherwise is not repeated: it may be secret as well.
        let (name, after) = rest.split_once('}').ok_or_else(|| format!("{mark}…}} is not closed"))?;
        let name =
            Name::parse(name).map_err(|_| format!("{mark}…}} names no secret: write it as {mark}NAME}}"))?;
        pieces.push(Piece::Secret(SecretRef { name, given }));
        left = after;
    }
}

/// Whether a value refers to any.
pub fn refers(value: &str) -> bool {
    value.contains(VALUE) || value.contains(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(name: &str, given: Given) -> Piece<'static> {
        Piece::Secret(SecretRef { name: Name::parse(name).unwrap(), given })
    }

    #[test]
    fn references_are_found_within_text() {
        assert_eq!(pieces("plain ${HOME} $x"), Ok(vec![Piece::Text("plain ${HOME} $x")]));
        assert_eq!(pieces(""), Ok(Vec::new()));
        assert_eq!(pieces("${secret:DB}"), Ok(vec![secret("DB", Given::AsValue)]));
        let both = pieces("u:${secret:A}@h?key=${secret-file:b.pem}!");
        let expected = vec![
            Piece::Text("u:"),
            secret("A", Given::AsValue),
            Piece::Text("@h?key="),
            secret("b.pem", Given::AsFile),
            Piece::Text("!"),
        ];
        assert_eq!(both, Ok(expected));
        assert!(refers("x${secret:A}") && refers("${secret-file:A}") && !refers("${A}"));
    }

    #[test]
    fn a_mistake_is_told_without_the_value() {
        for value in
            ["hidden ${secret:DB", "hidden ${secret:}", "hidden ${secret:a b}", "hidden ${secret-file:../x}"]
        {
            let why = pieces(value).unwrap_err();
            assert!(why.contains("${secret") && !why.contains("hidden"), "{why}");
        }
    }
}

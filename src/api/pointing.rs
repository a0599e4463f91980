//! Where in the body a problem is, as a JSON pointer (RFC 6901). A definition is checked as a whole also
//! when a part of it was sent: then what is wrong is told of the part.

use serde_json::Value;

use super::ApiError;

/// One step of a pointer: into a member of that name.
pub fn into(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

impl ApiError {
    /// About a body that has as member `to` what a definition has as member `from`.
    pub fn moved(mut self, from: &str, to: &str) -> ApiError {
        for error in &mut self.errors {
            let rest = error.pointer.strip_prefix(from);
            if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with('/')) {
                error.pointer = format!("{to}{rest}");
            }
        }
        self
    }

    /// About `body`: what it does not have is told of what is around that, in the end of all of it.
    pub fn within(mut self, body: &Value) -> ApiError {
        for error in &mut self.errors {
            while body.pointer(&error.pointer).is_none() {
                let around = error.pointer.rfind('/').unwrap_or(0);
                error.pointer.truncate(around);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_not_sent_is_told_of_what_is_around_it() {
        let body = json!({"set": {"A/B": "1", "~": "2"}, "args": ["x"], "none": null});
        let check = |pointer: &str, expected: &str| {
            let told = ApiError::member(pointer, "wrong").moved("/env", "/set").within(&body);
            assert_eq!(told.errors[0].pointer, expected, "{pointer}");
        };
        check(&format!("/env{}", into("A/B")), "/set/A~1B");
        check(&format!("/env{}", into("~")), "/set/~0");
        check("/env/C", "/set");
        check("/env", "/set");
        check("/env_file", "");
        check("/environment/A", "");
        check("/args/0", "/args/0");
        check("/args/1", "/args");
        check("/none", "/none");
        check("", "");
        check("no pointer", "");
    }
}

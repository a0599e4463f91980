//! Fields of the two forms of `/alerts`.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::wire::FieldError;

/// A field, as it is written down.
pub(super) struct Field {
    /// The member that it fills in, as the API names it: `when.memory.for_ms`. The name of the field is
    /// the same.
    pub member: &'static str,
    pub kind: Kind,
    pub label: &'static str,
    pub placeholder: &'static str,
    pub hint: &'static str,
}

/// How something is typed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    /// What was typed is not shown again.
    Secret,
    Lines,
    /// Lines that are not shown again.
    SecretLines,
    /// One of these values; what is shown stands beside it.
    Choice(&'static [(&'static str, &'static str)]),
}

impl Kind {
    fn is_secret(self) -> bool {
        matches!(self, Kind::Secret | Kind::SecretLines)
    }
}

/// Fields that belong to one choice of the form's select.
pub(super) struct Choice {
    /// The value of the select.
    pub value: &'static str,
    /// How the select says it.
    pub label: &'static str,
    pub fields: &'static [Field],
}

/// What was typed into a form, and what is wrong with it.
#[derive(Clone, Copy, Default)]
pub struct Typed<'a> {
    /// Names of fields and what they say.
    pub values: &'a [(String, String)],
    /// By members of what the form makes.
    pub errors: &'a [FieldError],
}

impl<'a> Typed<'a> {
    /// What the field of that name says, without blanks around it; empty if there is none.
    pub(super) fn get(&self, name: &str) -> &'a str {
        let of_name = self.values.iter().find(|(known, _)| known == name);
        of_name.map_or("", |(_, value)| value.trim())
    }

    pub(super) fn has(&self, name: &str, value: &str) -> bool {
        self.values.iter().any(|(known, said)| known == name && said == value)
    }

    /// What is wrong with that member, or with a part of it.
    pub(super) fn error(&self, member: &str) -> &'a str {
        let pointer = pointer(member);
        let of_member = |error: &&FieldError| {
            error.pointer.strip_prefix(&pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.errors.iter().find(of_member).map_or("", |error| error.detail.as_str())
    }

    /// What is wrong and belongs to none of these members.
    pub(super) fn without_field(&self, members: &[&str]) -> Vec<&'a str> {
        let has_field = |error: &FieldError| {
            let alone = Typed { values: &[], errors: std::slice::from_ref(error) };
            members.iter().any(|member| !alone.error(member).is_empty())
        };
        self.errors.iter().filter(|error| !has_field(error)).map(|error| error.detail.as_str()).collect()
    }
}

/// The member as a JSON pointer.
pub(super) fn pointer(member: &str) -> String {
    format!("/{}", member.replace('.', "/"))
}

/// A field with what it says and what is wrong with that.
#[derive(Template)]
#[template(path = "alerts/field.html")]
pub(super) struct Shown<'a> {
    field: &'static Field,
    id: String,
    value: &'a str,
    error: &'a str,
}

impl HtmlSafe for Shown<'_> {}

impl<'a> Shown<'a> {
    /// `form` keeps the ids of two forms of a page apart.
    pub fn new(form: &str, field: &'static Field, typed: Typed<'a>) -> Shown<'a> {
        Shown {
            field,
            id: format!("{form}-{}", field.member.replace('.', "-")),
            value: if field.kind.is_secret() { "" } else { typed.get(field.member) },
            error: typed.error(field.member),
        }
    }
}

/// The fields of a choice, which are seen while it is chosen.
pub(super) struct ShownChoice<'a> {
    pub value: &'static str,
    pub label: &'static str,
    pub is_chosen: bool,
    pub fields: Vec<Shown<'a>>,
}

impl<'a> ShownChoice<'a> {
    pub fn new(form: &str, choice: &'static Choice, chosen: &str, typed: Typed<'a>) -> ShownChoice<'a> {
        ShownChoice {
            value: choice.value,
            label: choice.label,
            is_chosen: choice.value == chosen,
            fields: choice.fields.iter().map(|field| Shown::new(form, field, typed)).collect(),
        }
    }
}

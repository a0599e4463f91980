//! Fields as HTML.

use askama::Template;
use askama::filters::HtmlSafe;

use super::super::render;
use super::fields::{Field, all};
use super::value::Kind;
use crate::wire::FieldError;

/// A field with what it says and what is wrong with that.
#[derive(Template)]
#[template(path = "form_field.html")]
pub struct Shown {
    field: &'static Field,
    id: String,
    value: String,
    error: String,
    /// It cannot be changed here.
    fixed: bool,
}

impl HtmlSafe for Shown {}

impl Shown {
    pub fn new(
        field: &'static Field,
        values: &[(String, String)],
        errors: &[FieldError],
        fixed: bool,
    ) -> Shown {
        let value = values.iter().rev().find(|(name, _)| name == field.member);
        Shown {
            field,
            id: field.id(),
            value: value.map(|(_, value)| value.clone()).unwrap_or_default(),
            error: error_of(field, errors),
            fixed,
        }
    }

    /// Lines of the box, with one to write on.
    fn rows(&self) -> usize {
        (self.value.lines().count() + 1).clamp(2, 12)
    }
}

/// What is wrong at each field, for a form that is shown already.
pub fn errors_as_partials(errors: &[FieldError]) -> String {
    let partial = |field: &Field| {
        let told = render(&Told { error: error_of(field, errors) });
        let id = field.id();
        format!("<hx-partial hx-target=\"#e-{id}\" hx-swap=\"innerHTML\">{told}</hx-partial>")
    };
    all().map(partial).collect()
}

/// What is wrong and belongs to none of these fields.
pub fn without_field(errors: &[FieldError], fields: &[&'static Field]) -> Vec<String> {
    let has_field = |error: &&FieldError| {
        let one = std::slice::from_ref(*error);
        fields.iter().any(|field| !error_of(field, one).is_empty())
    };
    errors.iter().filter(|error| !has_field(error)).map(|error| error.detail.clone()).collect()
}

fn error_of(field: &Field, errors: &[FieldError]) -> String {
    let pointer = field.pointer();
    let of_field = |error: &&FieldError| {
        error.pointer.strip_prefix(&pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    errors.iter().find(of_field).map(|error| error.detail.clone()).unwrap_or_default()
}

#[derive(Template)]
#[template(source = "{{ error }}", ext = "html")]
struct Told {
    error: String,
}

//! `/audit`: who did what, the newest first.

use askama::Template;

use super::event::moment;
use super::frame::{Frame, Here, Reader};
use super::render;
use crate::wire::{AuditList, AuditRecord};

/// The page.
pub fn audit_page(list: &AuditList, reader: &Reader) -> String {
    render(&View {
        frame: Frame::new(reader, Here::Settings),
        records: list.items.iter().rev().collect(),
        older: list.next_before,
    })
}

#[derive(Template)]
#[template(path = "audit.html")]
struct View<'a> {
    frame: Frame<'a>,
    records: Vec<&'a AuditRecord>,
    /// Where those before these begin, if there are any.
    older: Option<i64>,
}

impl View<'_> {
    fn when(&self, record: &AuditRecord) -> String {
        moment(&record.ts)
    }

    /// It was done.
    fn is_done(&self, record: &AuditRecord) -> bool {
        (200..400).contains(&record.status)
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::reader;
    use super::*;
    use crate::wire::Role;

    fn record(seq: i64, status: i64) -> AuditRecord {
        AuditRecord {
            seq,
            ts: "2026-01-02T03:04:05.678Z".to_owned(),
            principal: "<ann>".to_owned(),
            via: "session".to_owned(),
            source: "127.0.0.1".to_owned(),
            action: format!("apps.stop{seq}"),
            target: "web".to_owned(),
            status,
            request_id: "r1".to_owned(),
            hash: String::new(),
        }
    }

    #[test]
    fn the_newest_is_first_and_a_refusal_says_so() {
        let list = AuditList {
            items: vec![record(1, 403), record(2, 200)],
            next_cursor: None,
            next_before: Some(1),
            total: None,
        };
        let html = audit_page(&list, &reader(Role::Admin));
        let at = |part: &str| html.find(part).unwrap_or_else(|| panic!("{part} is missing in {html}"));
        assert!(at("apps.stop2") < at("apps.stop1"), "{html}");
        assert_eq!(html.matches("refused, 403").count(), 1, "{html}");
        assert!(html.contains("&#60;ann&#62;") && html.contains("/audit?before=1"), "{html}");
        assert!(
            audit_page(
                &AuditList { items: vec![], next_cursor: None, next_before: None, total: None },
                &reader(Role::Admin)
            )
            .contains("Nothing")
        );
    }
}

//! `/ports`: who has which port, who listens there, and what does not fit together.

use askama::Template;
use askama::filters::HtmlSafe;

use super::frame::{Frame, Here, Reader};
use super::render;
use crate::wire::Port;

/// The page.
pub fn ports_page(ports: &[Port], reader: &Reader) -> String {
    render(&View { frame: Frame::new(reader, Here::Ports), list: List { ports } })
}

/// The list alone.
pub fn ports_fragment(ports: &[Port]) -> String {
    render(&List { ports })
}

#[derive(Template)]
#[template(path = "ports.html")]
struct View<'a> {
    frame: Frame<'a>,
    list: List<'a>,
}

#[derive(Template)]
#[template(path = "ports_list.html")]
struct List<'a> {
    ports: &'a [Port],
}

impl HtmlSafe for List<'_> {}

#[cfg(test)]
mod tests {
    use super::super::row::tests::reader;
    use super::*;
    use crate::wire::{PortListener, PortReservation, Role};

    #[test]
    fn a_port_tells_whose_it_is_who_listens_and_what_is_wrong() {
        let evil = "<b hx-get='/x'>";
        let port = Port {
            port: 3000,
            reserved_by: vec![PortReservation {
                id: 3,
                name: evil.to_owned(),
                held: false,
                overridden: true,
            }],
            listeners: vec![PortListener {
                address: "::".to_owned(),
                id: None,
                program: Some(evil.to_owned()),
                pid: Some(812),
            }],
            conflict: Some(format!("port 3000 is for web and is used by {evil}")),
        };
        let html = ports_page(&[port], &reader(Role::Viewer));
        for part in ["3000", "when it starts", "this run only", "pid 812", "is used by"] {
            assert!(html.contains(part), "{part} is missing in {html}");
        }
        assert!(!html.contains("<b hx-get"), "{html}");
        assert!(ports_fragment(&[]).contains("No process has or wants a port."));
    }
}

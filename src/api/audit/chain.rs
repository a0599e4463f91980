//! Where the chain of records ends, and its next link.

use crate::store::{AuditHead, AuditRow, Change};

/// The end of the chain.
pub struct Chain(AuditHead);

impl Chain {
    /// Goes on from there.
    pub fn new(head: AuditHead) -> Chain {
        Chain(head)
    }

    /// Gives the record its number and hash, and hands it to `write` before there is another.
    pub fn append(&mut self, mut row: AuditRow, write: impl FnOnce(Change)) {
        row.seq = self.0.next;
        row.hash = row.hash_after(&self.0.hash);
        self.0 = AuditHead { next: row.seq + 1, hash: row.hash.clone() };
        write(Change::AddAudit(row));
    }
}

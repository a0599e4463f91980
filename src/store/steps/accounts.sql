-- Tokens for some namespaces, people with passwords, and who did what.
ALTER TABLE token ADD COLUMN namespaces TEXT NOT NULL DEFAULT '*';
ALTER TABLE token ADD COLUMN made_by TEXT;
ALTER TABLE token ADD COLUMN last_used_ms INTEGER;
ALTER TABLE session ADD COLUMN namespaces TEXT NOT NULL DEFAULT '*';
CREATE TABLE user (
  name TEXT PRIMARY KEY, password TEXT NOT NULL, role TEXT NOT NULL, namespaces TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, principal TEXT NOT NULL, via TEXT NOT NULL,
  source TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL, status INTEGER NOT NULL,
  request_id TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
-- The newest record that was removed because of its age: the oldest that is left goes on from it.
INSERT INTO meta VALUES ('audit removed seq', '0'), ('audit removed hash', '');
INSERT INTO counter VALUES ('audit', 1);

-- Answers to requests that may be repeated, by who asked and the key that they gave. Without a status:
-- it is being answered.
CREATE TABLE answer (
  scope TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, at_ms INTEGER NOT NULL,
  status INTEGER, headers TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_age ON answer (at_ms);

-- The versions of every definition, and which of them a run was launched with.
CREATE TABLE revision (
  app INTEGER NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL, author TEXT NOT NULL,
  cause TEXT NOT NULL, spec TEXT NOT NULL, PRIMARY KEY (app, number)
) STRICT, WITHOUT ROWID;
INSERT INTO revision
  SELECT id, 1, CAST(strftime('%s', 'now') AS INTEGER) * 1000, 'pmdaemon', 'found', spec FROM app;
ALTER TABLE event ADD COLUMN revision INTEGER;

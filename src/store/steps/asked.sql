ALTER TABLE event ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;
-- Until now only the sentence told it.
UPDATE event SET asked = 1 WHERE kind = 'process.exited' AND instr(detail, ', as asked: ') > 0;

-- What takes time: the newest operations, with how far each of their targets is.
CREATE TABLE operation (id INTEGER PRIMARY KEY, record TEXT NOT NULL) STRICT;
INSERT INTO counter VALUES ('operation', 1);

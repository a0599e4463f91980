//! The file of the history.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, params};

use super::{Bucket, Place, Range, Series, Spread};

/// Of what is oldest, so much goes at once when the file is full: one part in so many.
const PART: u64 = 4;

/// Rows are in the order of time, so that what is old lies together.
const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS bucket (
       range INTEGER NOT NULL, at INTEGER NOT NULL, series INTEGER NOT NULL, count INTEGER NOT NULL,
       cpu_min REAL NOT NULL, cpu_sum REAL NOT NULL, cpu_max REAL NOT NULL,
       mem_min REAL NOT NULL, mem_sum REAL NOT NULL, mem_max REAL NOT NULL,
       PRIMARY KEY (range, at, series)
     ) STRICT, WITHOUT ROWID";

/// Two parts of a bucket are one: the daemon may have ended in between.
const PUT: &str = "INSERT INTO bucket VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
     ON CONFLICT DO UPDATE SET count = count + excluded.count,
       cpu_min = min(cpu_min, excluded.cpu_min), cpu_sum = cpu_sum + excluded.cpu_sum,
       cpu_max = max(cpu_max, excluded.cpu_max), mem_min = min(mem_min, excluded.mem_min),
       mem_sum = mem_sum + excluded.mem_sum, mem_max = max(mem_max, excluded.mem_max)";

pub(super) struct File {
    connection: Connection,
    path: PathBuf,
    /// It has at most so many bytes.
    most: u64,
}

impl File {
    /// Opens it; one that is no history is thrown away.
    pub fn open(path: &Path, most: u64) -> rusqlite::Result<File> {
        match File::try_open(path, most) {
            Err(e) if is_damaged(&e) => {
                remove(path, &e);
                File::try_open(path, most)
            }
            opened => opened,
        }
    }

    /// Damage may show only when a page is read that was not needed before.
    fn begin_anew(&mut self, damage: &rusqlite::Error) -> rusqlite::Result<()> {
        // Closed before its files go: closing removes files by their names.
        self.connection = Connection::open_in_memory()?;
        remove(&self.path, damage);
        *self = File::try_open(&self.path, self.most)?;
        Ok(())
    }

    fn try_open(path: &Path, most: u64) -> rusqlite::Result<File> {
        // For the owner alone before anything is in it. If it cannot be made, opening says why.
        let _ = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let connection = Connection::open(path)?;
        // As in the store: no mapped file that a read-only file system makes deadly.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.pragma_update(None, "trusted_schema", false)?;
        let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        // A pragma that answers cannot be set by the one that does not.
        connection.query_row(
            &format!("PRAGMA max_page_count = {}", most / page.max(1) as u64),
            [],
            |_| Ok(()),
        )?;
        connection.execute_batch(SCHEMA)?;
        Ok(File { connection, path: path.to_owned(), most })
    }

    /// Adds these buckets and drops what is too old. When the file is full, more than that goes; when
    /// it is damaged, all of it.
    pub fn write(&mut self, fresh: &BTreeMap<Place, Bucket>, now_ms: u64) -> rusqlite::Result<()> {
        match self.make_room_and_put(fresh, now_ms) {
            Err(e) if is_damaged(&e) => {
                self.begin_anew(&e)?;
                self.put(fresh, now_ms)
            }
            written => written,
        }
    }

    fn make_room_and_put(&mut self, fresh: &BTreeMap<Place, Bucket>, now_ms: u64) -> rusqlite::Result<()> {
        let mut written = self.put(fresh, now_ms);
        for _ in 0..PART {
            match &written {
                Err(e) if e.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                    self.drop_oldest()?;
                    written = self.put(fresh, now_ms);
                }
                Ok(()) | Err(_) => break,
            }
        }
        written
    }

    /// Of each range one part of the time that is there.
    fn drop_oldest(&mut self) -> rusqlite::Result<()> {
        let sql = "DELETE FROM bucket WHERE range = ?1 AND at <= (
                     SELECT min(at) + (max(at) - min(at)) / ?2 FROM bucket WHERE range = ?1)";
        for range in Range::ALL {
            self.connection.prepare_cached(sql)?.execute(params![range.number(), PART as i64])?;
        }
        Ok(())
    }

    fn put(&mut self, fresh: &BTreeMap<Place, Bucket>, now_ms: u64) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        for range in Range::ALL {
            let oldest = now_ms.saturating_sub(range.span_ms() + range.step_ms());
            transaction
                .prepare_cached("DELETE FROM bucket WHERE range = ?1 AND at < ?2")?
                .execute(params![range.number(), oldest as i64])?;
        }
        let mut put = transaction.prepare_cached(PUT)?;
        for ((range, at, series), bucket) in fresh {
            put.execute(params![
                range.number(),
                *at as i64,
                series.number(),
                bucket.count,
                bucket.cpu.min,
                bucket.cpu.sum,
                bucket.cpu.max,
                bucket.memory.min,
                bucket.memory.sum,
                bucket.memory.max,
            ])?;
        }
        drop(put);
        transaction.commit()
    }

    /// How many buckets there are.
    #[cfg(test)]
    pub fn count(&self) -> i64 {
        self.connection.query_row("SELECT count(*) FROM bucket", [], |row| row.get(0)).unwrap()
    }

    /// The buckets of a series that begin at `first`, which is the begin of one, up to `last`.
    pub fn read(
        &self,
        series: Series,
        range: Range,
        first: u64,
        last: u64,
    ) -> rusqlite::Result<Vec<(u64, Bucket)>> {
        let sql = "WITH RECURSIVE begin(at) AS (
                     SELECT ?2 UNION ALL SELECT at + ?4 FROM begin WHERE at + ?4 <= ?5)
                   SELECT at, count, cpu_min, cpu_sum, cpu_max, mem_min, mem_sum, mem_max
                   FROM begin CROSS JOIN bucket USING (at) WHERE range = ?1 AND series = ?3 ORDER BY at";
        let mut statement = self.connection.prepare_cached(sql)?;
        let (first, step, last) = (first as i64, range.step_ms() as i64, last as i64);
        let which = params![range.number(), first, series.number(), step, last];
        let rows = statement.query_map(which, |row| {
            let bucket = Bucket {
                count: row.get(1)?,
                cpu: Spread { min: row.get(2)?, sum: row.get(3)?, max: row.get(4)? },
                memory: Spread { min: row.get(5)?, sum: row.get(6)?, max: row.get(7)? },
            };
            Ok((row.get::<_, i64>(0)? as u64, bucket))
        })?;
        rows.collect()
    }
}

fn remove(path: &Path, damage: &rusqlite::Error) {
    tracing::warn!("the history of CPU and memory is damaged and begins anew: {damage}");
    for end in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        let _ = std::fs::remove_file(name);
    }
}

fn is_damaged(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt | ErrorCode::SystemIoFailure)
    )
}

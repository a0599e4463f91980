//! Several files, one order.

use super::Line;

/// The lines of one file in its order, and the time to assume where nothing is known.
pub(super) struct Row {
    pub lines: Vec<Line>,
    pub assumed: u64,
}

/// Merges by time. Each row keeps its order, even where the clock was set back; at equal times
/// the earlier row comes first.
///
/// A line without a time goes with the one before it in its file, or with the first that has
/// one; in a file without any time, all of them go where the file was last changed.
pub(super) fn by_time(rows: Vec<Row>) -> Vec<Line> {
    let mut keyed = Vec::with_capacity(rows.iter().map(|row| row.lines.len()).sum());
    for row in rows {
        let mut key = row.lines.iter().find_map(|line| line.at).unwrap_or(row.assumed);
        for line in row.lines {
            key = key.max(line.at.unwrap_or(key));
            keyed.push((key, line));
        }
    }
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, line)| line).collect()
}

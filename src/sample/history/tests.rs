//! Stories of the history.

use super::*;

const T: u64 = 1_800_000_000_000;
const WEB: Series = Series::Process(ProcessId(3));

fn place() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.db");
    (dir, path)
}

fn mean(spread: Spread, bucket: Bucket) -> f64 {
    spread.sum / f64::from(bucket.count)
}

#[test]
fn a_peak_survives_in_every_range() {
    let mut history = History::default();
    for second in 0..60 {
        let cpu = if second == 30 { 90.0 } else { 10.0 };
        history.add(T + second * 1000, [(WEB, cpu, 100 + second), (Series::Host, 1.0, 7)]);
    }
    for (range, count) in [(Range::Hour, 4), (Range::Day, 1), (Range::Week, 1), (Range::Month, 1)] {
        let buckets = history.read(WEB, range, T + 60_000);
        assert_eq!(buckets.len(), count, "{range:?}");
        let highest = buckets.iter().map(|(_, bucket)| bucket.cpu.max).fold(0.0, f64::max);
        assert_eq!(highest, 90.0, "{range:?}");
        assert_eq!(buckets.iter().map(|(_, bucket)| bucket.count).sum::<u32>(), 60, "{range:?}");
    }
    let (_, day) = history.read(WEB, Range::Day, T + 60_000)[0];
    assert_eq!((day.memory.min, day.memory.max), (100.0, 159.0));
    assert!((mean(day.cpu, day) - (59.0 * 10.0 + 90.0) / 60.0).abs() < 1e-9);
}

#[test]
fn what_was_written_is_there_after_a_restart_and_goes_on_in_the_same_bucket() {
    let (_dir, path) = place();
    let mut history = History::open(&path);
    history.add(T, [(WEB, 10.0, 100)]);
    history.flush(T);
    drop(history);
    let mut history = History::open(&path);
    history.add(T + 1000, [(WEB, 30.0, 300)]);
    let check = |history: &History| {
        let buckets = history.read(WEB, Range::Hour, T + 2000);
        let [(at, bucket)] = buckets[..] else { panic!("{buckets:?}") };
        assert_eq!((at, bucket.count), (T, 2));
        assert_eq!((bucket.cpu.min, mean(bucket.cpu, bucket), bucket.cpu.max), (10.0, 20.0, 30.0));
    };
    check(&history);
    history.flush(T + 2000);
    check(&history);
    assert_eq!(history.read(Series::Host, Range::Hour, T + 2000), []);
}

#[test]
fn what_is_too_old_is_forgotten() {
    let (_dir, path) = place();
    let mut history = History::open(&path);
    history.add(T, [(WEB, 1.0, 1)]);
    history.flush(T);
    let later = T + 2 * Range::Day.span_ms();
    history.add(later, [(WEB, 1.0, 1)]);
    history.flush(later);
    let all: i64 = history.file.as_ref().unwrap().count();
    // The hour and the day of the first are gone; its week and its month are not.
    assert_eq!(all, 4 + 2);
    assert_eq!(history.read(WEB, Range::Week, later).len(), 2);
    assert_eq!(history.read(WEB, Range::Day, later).len(), 1);
}

#[test]
fn it_is_written_every_five_minutes_without_being_asked() {
    let (_dir, path) = place();
    let mut history = History::open(&path);
    for second in 0..=300 {
        history.add(T + second * 1000, [(WEB, 1.0, 1)]);
    }
    assert!(history.file.as_ref().unwrap().count() >= 20);
    assert!(history.fresh.len() < 8, "what is written is not kept in memory");
}

#[test]
fn a_full_file_loses_what_is_oldest_and_takes_what_is_new() {
    let (_dir, path) = place();
    let mut history = History { file: Some(File::open(&path, 256 << 10).unwrap()), ..History::default() };
    // An hour of so many processes is more than there is room for.
    for minute in 0..60 {
        for quarter in 0..4 {
            let at = T + minute * 60_000 + quarter * 15_000;
            history.add(at, (0..100).map(|id| (Series::Process(ProcessId(id)), 1.5, 12_345_678)));
        }
    }
    let end = T + 60 * 60_000;
    history.flush(end);
    let size = std::fs::metadata(&path).unwrap().len();
    assert!(size <= 256 << 10, "{size} bytes");
    let kept = history.read(WEB, Range::Hour, end);
    assert!(kept.last().is_some_and(|(at, _)| *at >= end - 6 * 60_000), "the newest is there");
    assert!(kept.first().is_some_and(|(at, _)| *at > T), "the oldest is gone");
}

#[test]
fn a_damaged_file_begins_anew() {
    let (_dir, path) = place();
    std::fs::write(&path, "this is no database, and it is longer than a header of one would be").unwrap();
    let mut history = History::open(&path);
    history.add(T, [(WEB, 1.0, 1)]);
    history.flush(T);
    assert_eq!(history.read(WEB, Range::Hour, T).len(), 1);
    assert!(history.file.is_some());
}

#[test]
fn a_file_that_is_damaged_deeper_inside_begins_anew_when_that_shows() {
    let (_dir, path) = place();
    let mut history = History::open(&path);
    history.add(T, (0..200).map(|id| (Series::Process(ProcessId(id)), 1.0, 1)));
    history.flush(T);
    drop(history);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096..].fill(b'x');
    std::fs::write(&path, bytes).unwrap();
    let mut history = History::open(&path);
    for minute in [6, 12] {
        let at = T + minute * 60_000;
        history.add(at, [(WEB, 1.0, 1)]);
        history.flush(at);
    }
    assert!(history.fresh.is_empty());
    assert_eq!(history.read(WEB, Range::Hour, T + 12 * 60_000).len(), 2);
}

#[test]
fn a_process_that_runs_for_a_month_takes_no_more_than_is_said() {
    const PROCESSES: u32 = 20;
    let (_dir, path) = place();
    let mut history = History::open(&path);
    let end = T + Range::Month.span_ms();
    let mut at = T;
    while at < end {
        // As often as the finest range needs that is still there in the end.
        let finest = Range::ALL.into_iter().find(|range| end - at <= range.span_ms()).unwrap();
        at += finest.step_ms();
        let figures = |id| (Series::Process(ProcessId(id)), (at % 977) as f64 / 7.0, at % 1_000_003 * 300);
        history.add(at, (0..PROCESSES).map(figures));
    }
    history.flush(end);
    drop(history);
    let each = std::fs::metadata(&path).unwrap().len() / u64::from(PROCESSES);
    assert!((60 << 10..=95 << 10).contains(&each), "{each} bytes");
}

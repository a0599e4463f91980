//! Stories of single alerts, and promises that every story keeps.

use proptest::prelude::*;

use super::*;
use crate::daemon::alert::rule::Condition;

fn rule(when: Condition, cool_down_ms: u64, repeat_ms: Option<u64>) -> Rule {
    Rule {
        name: "r".into(),
        when,
        apps: Vec::new(),
        channels: vec!["ops".into()],
        severity: Severity::Warning,
        cool_down_ms,
        repeat_ms,
        paused: false,
        created_at_ms: 0,
    }
}

fn subject(key: &str) -> Subject {
    Subject { key: key.into(), process: None }
}

fn web() -> Subject {
    subject("web")
}

/// What is over when nothing holds.
fn calm(book: &mut Book, now: u64) -> Vec<Step> {
    book.calm(now, "r", &BTreeSet::new())
}

#[test]
fn it_is_told_once_when_it_begins_and_once_when_it_is_over() {
    let (mut book, rule) = (Book::default(), rule(Condition::Errored, 1000, None));
    assert_eq!(book.holds(10, &rule, &web(), "bad"), Some(Step::Fires(1)));
    assert_eq!(book.holds(5000, &rule, &web(), "bad"), None);
    assert_eq!(calm(&mut book, 6000), [Step::Resolves(1)]);
    assert_eq!(calm(&mut book, 6001), []);
    assert_eq!(book.holds(7000, &rule, &web(), "bad"), Some(Step::Fires(2)), "a new one");
    assert_eq!(book.holds(7000, &rule, &subject("db"), "bad"), Some(Step::Fires(3)), "another one");
    let ids: Vec<u64> = book.list().iter().map(|alert| alert.id).collect();
    assert_eq!(ids, [3, 2, 1], "those that fire first");
}

#[test]
fn what_comes_back_within_the_cool_down_is_counted_and_told_if_it_stays() {
    let (mut book, rule) = (Book::default(), rule(Condition::Errored, 1000, None));
    assert_eq!(book.holds(0, &rule, &web(), "bad"), Some(Step::Fires(1)));
    assert_eq!(calm(&mut book, 100), [Step::Resolves(1)]);
    assert_eq!(book.holds(200, &rule, &web(), "bad"), Some(Step::Again(1)));
    assert_eq!(calm(&mut book, 300), [Step::Fades(1)]);
    assert_eq!(book.holds(400, &rule, &web(), "bad"), Some(Step::Again(1)));
    assert_eq!(book.get(1).unwrap().again, 2);
    assert_eq!(book.holds(999, &rule, &web(), "bad"), None);
    assert_eq!(book.holds(1000, &rule, &web(), "still bad"), Some(Step::Fires(1)));
    assert_eq!(calm(&mut book, 1100), [Step::Resolves(1)]);
}

#[test]
fn what_has_to_last_is_told_when_it_has_lasted() {
    let (mut book, rule) = (Book::default(), rule(Condition::Unhealthy { for_ms: 500 }, 0, None));
    assert_eq!(book.holds(0, &rule, &web(), "bad"), None);
    assert_eq!(calm(&mut book, 400), []);
    assert_eq!(book.holds(450, &rule, &web(), "bad"), None, "it begins anew");
    assert_eq!(book.holds(949, &rule, &web(), "bad"), None);
    assert_eq!(book.holds(950, &rule, &web(), "bad"), Some(Step::Fires(1)));
    assert_eq!(book.get(1).unwrap().since_ms, 450);
}

#[test]
fn what_goes_on_is_told_again_if_that_is_wanted() {
    let (mut book, rule) = (Book::default(), rule(Condition::Errored, 1000, Some(60_000)));
    assert_eq!(book.holds(0, &rule, &web(), "bad"), Some(Step::Fires(1)));
    assert_eq!(book.holds(59_999, &rule, &web(), "bad"), None);
    assert_eq!(book.holds(60_000, &rule, &web(), "bad"), Some(Step::Repeats(1)));
    assert_eq!(book.holds(60_001, &rule, &web(), "bad"), None);
    assert_eq!(calm(&mut book, 60_002), [Step::Resolves(1)]);
}

#[test]
fn what_only_happens_is_over_when_it_has_not_happened_for_the_cool_down() {
    let (mut book, rule) = (Book::default(), rule(Condition::OperationFailed, 1000, None));
    let happened = |book: &mut Book, now, times| book.happened(now, &rule, &web(), "failed", times);
    assert_eq!(happened(&mut book, 0, 3), Some(Step::Fires(1)));
    assert_eq!(happened(&mut book, 900, 1), Some(Step::Again(1)));
    assert_eq!(book.get(1).unwrap().again, 3);
    assert_eq!(book.quiet(1899, &rule), []);
    assert_eq!(book.quiet(1900, &rule), [Step::Resolves(1)]);
    assert_eq!(happened(&mut book, 1901, 1), Some(Step::Fires(2)));
}

#[test]
fn a_clock_that_is_set_back_silences_nothing_for_long() {
    let (mut book, rule) = (Book::default(), rule(Condition::Errored, 1000, None));
    assert_eq!(book.holds(1_000_000, &rule, &web(), "bad"), Some(Step::Fires(1)));
    assert_eq!(calm(&mut book, 1_000_001), [Step::Resolves(1)]);
    assert_eq!(book.holds(10, &rule, &web(), "bad"), Some(Step::Again(1)));
    assert_eq!(book.holds(1010, &rule, &web(), "bad"), Some(Step::Fires(1)));
}

#[test]
fn what_is_over_is_forgotten_after_a_day_or_when_it_is_too_much_but_not_in_its_cool_down() {
    let (mut book, rule) = (Book::default(), rule(Condition::Errored, 2 * KEPT_MS, None));
    for n in 0..MOST_OVER as u64 + 50 {
        assert_eq!(book.holds(n, &rule, &subject(&n.to_string()), "bad"), Some(Step::Fires(n + 1)));
    }
    assert_eq!(book.forget(KEPT_MS * 9, |_| Some(0)), [0_u64; 0], "what fires stays");
    calm(&mut book, 1000);
    assert_eq!(book.forget(1000, |_| Some(2 * KEPT_MS)), [0_u64; 0], "it may come again");
    assert_eq!(book.list().len(), MOST_OVER);
    assert_eq!(book.forget(1000, |_| None).len(), 50, "its rule is gone");
    assert_eq!(book.forget(1001 + KEPT_MS, |_| None).len(), MOST_OVER);
    assert_eq!(book.next(), MOST_OVER as u64 + 51);
    let again = Book::of([], book.next());
    assert_eq!(again.next(), book.next(), "a number is not used again");
}

/// The book after a daemon has died and another one has read what was kept.
fn reborn(book: &Book) -> Book {
    let kept: Vec<String> = book.list().iter().map(|alert| serde_json::to_string(alert).unwrap()).collect();
    Book::of(kept.iter().map(|text| serde_json::from_str(text).unwrap()), book.next())
}

proptest! {
    #[test]
    fn every_story_keeps_the_promises(
        cool_down in 0_u64..3000,
        moves in prop::collection::vec((1_u64..1500, 0_u8..4, any::<bool>()), 1..80),
    ) {
        let rule = rule(Condition::Errored, cool_down, None);
        let (mut book, mut now) = (Book::default(), 0);
        let (mut told, mut open): (Option<u64>, Option<u64>) = (None, None);
        for (wait, what, dies) in moves {
            now += wait;
            if dies {
                book = reborn(&book);
            }
            let steps = match what {
                0..=2 => book.holds(now, &rule, &web(), "bad").into_iter().collect(),
                _ => calm(&mut book, now),
            };
            for step in steps {
                match step {
                    Step::Fires(id) => {
                        prop_assert!(told.is_none_or(|told| now - told >= cool_down), "twice in a cool-down");
                        prop_assert_eq!(open, None, "told again before it was over");
                        (told, open) = (Some(now), Some(id));
                    }
                    Step::Resolves(id) => prop_assert_eq!(open.take(), Some(id), "its end, once"),
                    Step::Again(id) => prop_assert!(book.get(id).unwrap().again > 0),
                    Step::Fades(_) => prop_assert_eq!(open, None),
                    Step::Repeats(_) => prop_assert!(false, "nobody wanted that"),
                }
            }
            let firing = book.firing_of("r");
            prop_assert_eq!(firing, usize::from(what < 3), "what holds fires, and nothing else");
        }
        calm(&mut book, now + 1);
        prop_assert_eq!(calm(&mut reborn(&book), now + 2), [], "after calm nothing is over");
        let owed = book.list().iter().filter(|alert| alert.owed).count();
        prop_assert_eq!((owed, book.firing_of("r")), (0, 0));
    }
}

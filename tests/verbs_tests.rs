//! Verbs and selectors as their users know them: the real binary and real apps.

mod support;

mod slices {
    mod selectors;
    mod verbs;
}

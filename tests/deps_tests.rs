//! Apps that depend on others, and causes of ends: the real binary and real apps.

mod support;

mod slices {
    mod causes;
    mod deps;
}

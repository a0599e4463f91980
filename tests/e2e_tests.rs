//! The program as its users know it: the real binary, real apps, commands and what they print.

mod support;

mod e2e {
    mod kill;
    mod list;
    mod logs;
    mod start;
    mod stop;
    mod survive;
}

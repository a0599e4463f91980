//! The program as its users know it: the real binary, real apps, commands and what they print.

mod support;

mod e2e {
    mod alert;
    mod delete;
    mod events;
    mod exit;
    mod faults;
    mod first;
    mod kill;
    mod list;
    mod logs;
    mod pids;
    mod port_clash;
    mod presence;
    mod readme;
    mod refused;
    mod restart;
    mod start;
    mod status;
    mod stop;
    mod survive;
    mod token;
    mod upgrade;
    mod web;
}

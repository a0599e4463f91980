//! What is saved survives damage, full disks and reboots (acceptance rows A14, A15, J26).

mod support;

mod slices {
    mod boot;
    mod disk;
    mod points;
    mod startup;
    mod store;
}

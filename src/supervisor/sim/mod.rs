pub(super) mod planted;

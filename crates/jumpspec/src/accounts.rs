//! In work by the leaves helper (selector, network rendering, accounts): comes within minutes.

//! Tests that drive the built binaries from outside; see `tests/`.

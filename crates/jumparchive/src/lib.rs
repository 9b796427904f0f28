//! Placeholder while jumparchive is being written.

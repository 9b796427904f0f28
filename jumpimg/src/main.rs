//! jumpimg.

fn main() {}

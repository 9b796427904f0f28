//! jumpinit.

fn main() {}

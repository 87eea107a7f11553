//! The `xenclock` command.

fn main() {}

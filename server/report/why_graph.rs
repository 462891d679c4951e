//! The graph above packages as people see it, in reports and in editors: a drawing, a list of dependencies, and a tree as plain
//! text. All names of packages are escaped.

mod drawing;
mod fragment;
mod layout;
mod list;
mod tree;

pub(super) use drawing::{ARROW, Frame, drawing};
pub(crate) use fragment::fragment;
pub(super) use fragment::{left_out_note, list_of_dependencies, scrollable};
pub(super) use list::conditions;
pub(crate) use tree::tree;

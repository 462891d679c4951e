//! The graph above packages as people see it: a drawing, and a list of dependencies. All names of packages are escaped.

mod drawing;
mod fragment;
mod layout;
mod list;

pub(super) use drawing::{ARROW, Frame, drawing};
pub(super) use fragment::{left_out_note, list_of_dependencies, scrollable};
pub(super) use list::conditions;

//! The rows of the table: a figure beside cargo-deny's, and the budget.

use std::fmt::Write as _;

/// What a figure has to be.
#[derive(Clone, Copy)]
pub(crate) enum Budget {
    /// So many times faster than the other program.
    TimesFaster(f64),
    /// At most so many milliseconds.
    Milliseconds(f64),
    /// At most so many milliseconds more than the other program.
    Over(f64),
    /// At most this part of the other program's memory.
    PartOfMemory(f64),
    /// For information.
    None,
}

/// What is compared, with the figure of the other program.
#[derive(Clone, Copy)]
pub(crate) enum Other {
    /// `cargo deny check`, in milliseconds.
    CargoDeny(f64),
    /// `cargo metadata`, in milliseconds.
    CargoMetadata(f64),
    /// cargo-deny's peak memory, in megabytes.
    Memory(f64),
    /// Nothing.
    None,
}

/// One row.
pub(crate) struct Row {
    pub(crate) what: &'static str,
    /// In milliseconds, or megabytes where [`Other::Memory`] is compared.
    pub(crate) ours: f64,
    pub(crate) other: Other,
    pub(crate) budget: Budget,
}

impl Row {
    /// Whether the budget is met; `None` without one.
    pub(crate) fn is_met(&self) -> Option<bool> {
        let other = match self.other {
            Other::CargoDeny(other) | Other::CargoMetadata(other) | Other::Memory(other) => other,
            Other::None => f64::NAN,
        };
        match self.budget {
            Budget::TimesFaster(times) => Some(other / self.ours >= times),
            Budget::Milliseconds(limit) => Some(self.ours <= limit),
            Budget::Over(limit) => Some(self.ours - other <= limit),
            Budget::PartOfMemory(part) => Some(self.ours <= other * part),
            Budget::None => None,
        }
    }

    /// The row in Markdown.
    pub(crate) fn markdown(&self, workspace: &str, packages: usize) -> String {
        let mut row = format!("| {workspace} | {packages} | {} | ", self.what);
        let unit = if matches!(self.other, Other::Memory(_)) { "MB" } else { "ms" };
        let digits = usize::from(self.ours < 100.0 && unit == "ms");
        let _ = write!(row, "{:.digits$} {unit} | ", self.ours);
        let _ = match self.other {
            Other::CargoDeny(other) => {
                write!(row, "{other:.0} ms | {:.1} times faster | ", other / self.ours)
            }
            Other::CargoMetadata(other) => {
                write!(row, "`cargo metadata` {other:.0} ms | {:+.0} ms | ", self.ours - other)
            }
            Other::Memory(other) => {
                write!(row, "{other:.0} MB | {:.0} % | ", self.ours / other * 100.0)
            }
            Other::None => write!(row, "– | – | "),
        };
        let _ = match self.budget {
            Budget::TimesFaster(times) => write!(row, "{times} times"),
            Budget::Milliseconds(limit) => write!(row, "{limit:.0} ms"),
            Budget::Over(limit) => write!(row, "+{limit:.0} ms"),
            Budget::PartOfMemory(part) => write!(row, "{:.0} %", part * 100.0),
            Budget::None => write!(row, "–"),
        };
        row.push_str(match self.is_met() {
            Some(true) => ", met |",
            Some(false) => ", **missed** |",
            None => " |",
        });
        row
    }
}

//! The steps of a sequence. Each has a kind and its own seed, and adapts to the present state: it is
//! valid without the steps before it.

use crate::dice::Dice;

#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) kind: Kind,
    pub(super) seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Open,
    Close,
    /// One edit of an open document.
    Edit,
    /// Several edits without waiting.
    Burst,
    /// The whole text is replaced.
    Replace,
    /// Two manifests are edited and checked, and one of them is closed.
    Pair,
    Save,
    /// Back to the text on disk.
    Undo,
    /// Another program writes a file; the client may report it.
    Outside,
    /// A policy or a lockfile is deleted or restored.
    Toggle,
    /// Cargo writes a lockfile in a terminal.
    Lock,
    /// An advisory is added, changed or withdrawn.
    Advise,
    /// A version is yanked or restored.
    Yank,
    Folder,
    Trust,
    /// A request waits for its response.
    Ask,
    /// Waits for a final status.
    Settle,
    /// The server is started again.
    Restart,
    Compare,
    /// An edit that may be invalid.
    OddEdit,
    /// A request with random parameters.
    OddRequest,
    /// A notification with random parameters.
    OddNotification,
    /// A whole text with unusual line ends and characters.
    OddText,
    /// Other settings.
    Settings,
}

/// Each step as often as its weight.
const KINDS: [(Kind, usize); 18] = [
    (Kind::Open, 10),
    (Kind::Close, 5),
    (Kind::Edit, 22),
    (Kind::Burst, 6),
    (Kind::Replace, 4),
    (Kind::Pair, 4),
    (Kind::Save, 5),
    (Kind::Undo, 5),
    (Kind::Outside, 8),
    (Kind::Toggle, 5),
    (Kind::Lock, 3),
    (Kind::Advise, 3),
    (Kind::Yank, 2),
    (Kind::Folder, 3),
    (Kind::Trust, 2),
    (Kind::Ask, 6),
    (Kind::Settle, 8),
    (Kind::Restart, 1),
];

/// The additional steps of the fuzzer.
const ODD: [(Kind, usize); 5] = [
    (Kind::OddEdit, 40),
    (Kind::OddRequest, 30),
    (Kind::OddNotification, 12),
    (Kind::OddText, 8),
    (Kind::Settings, 6),
];

impl Step {
    /// The same with messages that no editor sends.
    pub(super) fn fuzz_sequence(dice: &mut Dice) -> Vec<Self> {
        let kinds = KINDS.iter().chain(&ODD).flat_map(|(kind, times)| vec![*kind; *times]);
        let kinds: Vec<_> = kinds.collect();
        let length = 4 + dice.roll(16);
        let mut steps: Vec<_> = (0..length).map(|_| Self::of(*dice.pick(&kinds), dice)).collect();
        steps.push(Self::of(Kind::Compare, dice));
        steps
    }

    /// Some steps and a comparison.
    pub(super) fn sequence(dice: &mut Dice) -> Vec<Self> {
        let length = 1 + dice.roll(9);
        let mut steps: Vec<_> = (0..length).map(|_| Self::of(Self::kind(dice), dice)).collect();
        steps.push(Self::of(Kind::Compare, dice));
        steps
    }

    fn of(kind: Kind, dice: &mut Dice) -> Self {
        Self { kind, seed: dice.number() }
    }

    fn kind(dice: &mut Dice) -> Kind {
        let all: Vec<_> = KINDS.iter().flat_map(|(kind, times)| vec![*kind; *times]).collect();
        *dice.pick(&all)
    }
}

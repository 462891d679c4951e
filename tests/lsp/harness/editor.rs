//! The editors of the harness, and their properties that matter to the server.

use serde_json::{Value, json};

use super::text::Encoding;

/// Which editor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Editor {
    VsCode,
    Neovim,
    Helix,
}

impl Editor {
    pub(crate) const ALL: [Self; 3] = [Self::VsCode, Self::Neovim, Self::Helix];

    /// The encoding of its positions.
    pub(crate) fn encoding(self) -> Encoding {
        match self {
            Self::VsCode => Encoding::Utf16,
            Self::Neovim | Self::Helix => Encoding::Utf8,
        }
    }

    /// The id of its first request.
    pub(crate) fn first_id(self) -> i64 {
        match self {
            Self::VsCode | Self::Helix => 0,
            Self::Neovim => 1,
        }
    }

    /// The version of a document that it opens.
    pub(crate) fn first_version(self) -> i32 {
        match self {
            Self::VsCode => 1,
            Self::Neovim | Self::Helix => 0,
        }
    }

    /// The version after a change. Neovim sends the ticks of its buffer, which are not consecutive.
    pub(crate) fn next_version(self, version: i32) -> i32 {
        match self {
            Self::VsCode | Self::Helix => version + 1,
            Self::Neovim => version + 3,
        }
    }

    /// The `initialize` parameters of the editor for these folders.
    pub(crate) fn initialize(self, folders: &[(String, String)]) -> Value {
        let mut params: Value = serde_json::from_str(self.profile()).expect("a profile is JSON");
        let uri = folders.first().map(|(_, uri)| uri.clone());
        let path = folders.first().map(|(path, _)| path.clone());
        let listed = folders.iter().map(|(path, uri)| json!({"uri": uri, "name": path}));
        params["processId"] = json!(std::process::id());
        params["rootUri"] = json!(uri);
        params["rootPath"] = json!(path);
        params["workspaceFolders"] = listed.collect();
        params
    }

    /// The parameters of `initialize`, recorded with the editors of `tests/editors`.
    fn profile(self) -> &'static str {
        match self {
            Self::VsCode => include_str!("profiles/vscode.json"),
            Self::Neovim => include_str!("profiles/neovim.json"),
            Self::Helix => include_str!("profiles/helix.json"),
        }
    }

    /// How the editor sends the replacement of `old` by `new`: each change with the bytes that it replaces
    /// (in the text before the notification) and their new text, in order.
    pub(crate) fn changes(self, old: &str, new: &str) -> Vec<(std::ops::Range<usize>, String)> {
        let is_plain = |text: &str| text.is_ascii() && !text.contains('\r');
        let alike = old.len() == new.len() && is_plain(old) && is_plain(new);
        match self {
            Self::Helix => vec![(0..old.len(), new.to_owned())],
            // One change per differing character, the last first.
            Self::VsCode if alike => {
                let differs = |at: &usize| old.as_bytes()[*at] != new.as_bytes()[*at];
                let single = |at: usize| (at..at + 1, new[at..=at].to_owned());
                (0..old.len()).rev().filter(differs).map(single).collect()
            }
            Self::VsCode | Self::Neovim => vec![difference(old, new)],
        }
    }
}

/// The change without the common start and end. No editor has a position inside `\r\n`.
fn difference(old: &str, new: &str) -> (std::ops::Range<usize>, String) {
    let length = |pairs: &mut dyn Iterator<Item = (char, char)>| -> usize {
        pairs.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
    };
    let mut start = length(&mut old.chars().zip(new.chars()));
    start -= usize::from(old[..start].ends_with('\r'));
    let (old, new) = (&old[start..], &new[start..]);
    let mut end = length(&mut old.chars().rev().zip(new.chars().rev()));
    let splits = |text: &str| text[..text.len() - end].ends_with('\r');
    end -= usize::from(old[old.len() - end..].starts_with('\n') && (splits(old) || splits(new)));
    (start..start + old.len() - end, new[..new.len() - end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn line_end_of_two_characters_is_replaced_whole() {
        assert_eq!(difference("a\r\nb", "c\nb"), (0..3, "c\n".to_owned()));
        assert_eq!(difference("a\r\n", "a\rb"), (1..3, "\rb".to_owned()));
        assert_eq!(difference("a b\r\n", "a c\r\n"), (2..3, "c".to_owned()));
    }
}

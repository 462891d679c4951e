//! Commands among the words of other commands: in another environment, and with words that a program adds.

use camino::Utf8Path;

use super::{UnresolvedReason, variables::ExpandedWord};

/// Programs that run a command somewhere among their words, in another environment: a shell with `-c`, a tool that calls
/// others, or what is behind `--`.
pub(super) const ENVIRONMENTS: [&str; 32] = [
    "nix",
    "nix-shell",
    "docker",
    "podman",
    "nerdctl",
    "docker-compose",
    "mise",
    "rtx",
    "asdf",
    "devbox",
    "devenv",
    "flox",
    "direnv",
    "pixi",
    "poetry",
    "pdm",
    "uv",
    "uvx",
    "hatch",
    "pipenv",
    "conda",
    "mamba",
    "micromamba",
    "xvfb-run",
    "op",
    "doppler",
    "distrobox",
    "toolbox",
    "su",
    "runuser",
    "gosu",
    "npx",
];

/// Tools that these call and that may run cargo-deny.
const CALLED: [&str; 9] =
    ["bash", "sh", "zsh", "dash", "make", "gmake", "just", "cargo", "cargo-make"];

/// What is behind `--`.
pub(super) fn behind_separator(words: &[ExpandedWord]) -> Option<&[ExpandedWord]> {
    let at = words.iter().position(|word| word.known() == Some("--"))?;
    words.get(at + 1..).filter(|rest| !rest.is_empty())
}

/// The command that runs in another environment: `nix develop -c just deny`, `docker run image sh -c ".."`.
pub(super) fn called_in_environment(words: &[ExpandedWord]) -> Option<&[ExpandedWord]> {
    if let Some(command) = behind_separator(words) {
        return Some(command);
    }
    let at = words.iter().position(|word| {
        let text = word.shown();
        CALLED.contains(&Utf8Path::new(text).file_name().unwrap_or(text))
    })?;
    // `sh` with a script; the name of a tool alone is rather a package.
    words.get(at..).filter(|command| command.len() > 1)
}

/// The command of `xargs` and `parallel`, with a word that is not known in the place of what they read.
pub(super) fn with_added_words(program: &str, words: &[ExpandedWord]) -> Vec<ExpandedWord> {
    let mut placeholder = (program == "parallel").then(|| "{}".to_owned());
    let mut at = 0;
    while let Some(text) =
        words.get(at).map(ExpandedWord::shown).filter(|text| text.starts_with('-'))
    {
        let next = || words.get(at + 1).map_or("{}", ExpandedWord::shown).to_owned();
        at += match text {
            "-I" | "--replace" => {
                placeholder = Some(next());
                2
            }
            "-n" | "-P" | "-L" | "-d" | "-a" | "-s" | "-E" | "-j" | "--jobs" | "--max-args"
            | "--max-procs" | "--delimiter" | "--arg-file" => 2,
            _ => {
                let joined = text.strip_prefix("-I").or_else(|| text.strip_prefix("--replace="));
                placeholder = joined.map(str::to_owned).or(placeholder);
                1
            }
        };
    }
    let command = words.get(at..).unwrap_or_default();
    let command = command.split(|word| word.shown().starts_with(":::")).next().unwrap_or_default();
    let mut command = with_placeholder(command, placeholder.as_deref());
    if !command.is_empty() && command.iter().all(|word| word.known().is_some()) {
        let reason = UnresolvedReason::AddedWords(program.to_owned());
        command.push(ExpandedWord::Unknown { written: "..".to_owned(), reason });
    }
    command
}

/// The command behind `-exec`.
pub(super) fn executed_by_find(words: &[ExpandedWord]) -> Vec<ExpandedWord> {
    let is_option = |word: &ExpandedWord| {
        word.known().is_some_and(|word| ["-exec", "-execdir", "-ok"].contains(&word))
    };
    let Some(at) = words.iter().position(is_option) else { return Vec::new() };
    let command = words[at + 1..].split(|word| [";", "\\;", "+"].contains(&word.shown())).next();
    with_placeholder(command.unwrap_or_default(), Some("{}"))
}

fn with_placeholder(words: &[ExpandedWord], placeholder: Option<&str>) -> Vec<ExpandedWord> {
    let replaced = |word: &ExpandedWord| match placeholder {
        Some(placeholder) if word.shown().contains(placeholder) => ExpandedWord::Unknown {
            written: word.shown().to_owned(),
            reason: UnresolvedReason::Value(placeholder.to_owned()),
        },
        _ => word.clone(),
    };
    words.iter().map(replaced).collect()
}

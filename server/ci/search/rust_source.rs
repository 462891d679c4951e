//! Commands in the Rust source of an xtask: texts such as `"cargo deny check"`, and words in calls such as
//! `.args(["deny", "check"])`. A word that is no literal is not known.

use super::{
    GateSource, Search, UnresolvedReason,
    interpreter::{Call, ShellState},
    repository::CiFiles,
    script_text::ScriptText,
    variables::ExpandedWord,
};

/// The command of cargo-deny that is a gate.
const CHECK: &str = "check";

pub(super) fn run(search: &mut Search<'_>, files: &CiFiles) {
    let called_from = search.xtask_from.clone();
    for path in &files.xtask {
        let Some(text) = search.text(path) else { continue };
        if !text.as_str().contains("deny") {
            continue;
        }
        let mut origin = search.origin(path, GateSource::Rust);
        origin.called_from.clone_from(&called_from);
        let lines = ScriptText::whole(1, text.as_str());
        let tokens = tokens(text.as_str());
        let mut shell = ShellState::at(&search.root, search.root.clone());
        for found in commands(&tokens).iter().filter(|found| found.checks()) {
            let mut shell = shell.clone();
            if let Some(folder) = &found.folder {
                shell.enter_below(folder);
            }
            let line = lines.line(found.at);
            search.call(&Call { words: &found.words, line, origin: &origin }, &mut shell);
        }
        for token in &tokens {
            let RustToken::Text(literal, at) = token else { continue };
            if is_command(literal) {
                let script = ScriptText::at(lines.line(*at), &with_placeholders(literal));
                search.run_script(&script, &mut shell, &origin);
            }
        }
    }
}

/// `{name}` of a format is a value that is not known.
fn with_placeholders(literal: &str) -> String {
    let script = ScriptText::at(1, literal);
    script.replaced(["{", "}"], |inside| Some(format!("${{{{ {} }}}}", inside.trim()))).text
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum RustToken<'t> {
    Text(String, usize),
    Name(&'t str, usize),
    Sign(char),
}

/// A command with its words, which begin with `cargo`.
struct RustCommand {
    words: Vec<ExpandedWord>,
    folder: Option<ExpandedWord>,
    at: usize,
}

impl RustCommand {
    /// Whether it is a check, as far as its words are known.
    fn checks(&self) -> bool {
        let is_check =
            |word: &ExpandedWord| matches!(word, ExpandedWord::Known(word) if word == CHECK);
        let is_deny = |word: &ExpandedWord| matches!(word, ExpandedWord::Known(word) if word == "deny" || word == "cargo-deny");
        let after = self.words.iter().position(is_deny).and_then(|at| self.words.get(at + 1));
        self.words.iter().any(is_check) || matches!(after, Some(ExpandedWord::Unknown { .. }))
    }
}

/// Whether a text is a command that checks, and not a message about cargo-deny.
fn is_command(literal: &str) -> bool {
    let after = literal.split_once("cargo deny ").or_else(|| literal.split_once("cargo-deny "));
    after.is_some_and(|(_, words)| {
        let words: Vec<&str> = words.split_whitespace().collect();
        let is_placeholder = |word: &str| word.starts_with('{') && word.ends_with('}');
        let are_arguments = words.iter().all(|word| is_placeholder(word) || word.starts_with('-'));
        words.contains(&CHECK) || are_arguments && words.iter().any(|word| is_placeholder(word))
    })
}

/// Literals, names and signs, without comments.
fn tokens(text: &str) -> Vec<RustToken<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            at += rest.find("*/").map_or(rest.len(), |end| end + 2);
        } else if let Some((value, length)) = raw_string(rest) {
            tokens.push(RustToken::Text(value, at));
            at += length;
        } else if c == '"' {
            let (value, length) = string(rest);
            tokens.push(RustToken::Text(value, at));
            at += length;
        } else if c == '\'' {
            at += character(rest);
        } else if c.is_alphanumeric() || c == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            // The prefix of a literal: `b"..`, `c"..`.
            if !(end == 1 && rest[end..].starts_with('"')) {
                tokens.push(RustToken::Name(&rest[..end], at));
            }
            at += end;
        } else {
            if !c.is_whitespace() {
                tokens.push(RustToken::Sign(c));
            }
            at += c.len_utf8();
        }
    }
    tokens
}

/// `r"x"`, `r#"x"#`: its value and length.
fn raw_string(text: &str) -> Option<(String, usize)> {
    let rest = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let inside = rest[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = inside.find(&close)?;
    let before = text.len() - inside.len();
    Some((inside[..end].to_owned(), before + end + close.len()))
}

/// The value and length of a literal at its quote.
fn string(text: &str) -> (String, usize) {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, at + 1),
            '\\' => match chars.next() {
                // A line that goes on: the spaces of the next one do not count.
                Some((_, '\n')) => while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {},
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, other)) => value.push(other),
                None => {}
            },
            _ => value.push(c),
        }
    }
    (value, text.len())
}

/// The length of a character literal, or of the quote of a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => text[2..].find('\'').map_or(1, |end| 2 + end + 1),
        Some((at, c)) => {
            let after = at + c.len_utf8();
            if text[after..].starts_with('\'') { after + 1 } else { 1 }
        }
        None => 1,
    }
}

/// The commands whose words are in several literals.
fn commands(tokens: &[RustToken<'_>]) -> Vec<RustCommand> {
    let mut found = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let RustToken::Text(text, at) = token else { continue };
        let words = match text.as_str() {
            "deny" => ["cargo", "deny"].as_slice(),
            "cargo-deny" => &["cargo-deny"],
            _ => continue,
        };
        let mut command = RustCommand {
            words: words.iter().map(|word| ExpandedWord::Known((*word).to_owned())).collect(),
            folder: None,
            at: *at,
        };
        let mut reader = RustReader { tokens, at: index + 1 };
        // The other elements of its list.
        reader.list(&mut command.words);
        let receiver = receiver(tokens, index);
        reader.chain(&mut command, receiver);
        found.push(command);
    }
    found
}

/// The variable that a call chain begins with: `command` in `command.arg("deny")`.
fn receiver<'t>(tokens: &[RustToken<'t>], index: usize) -> Option<&'t str> {
    let begin =
        tokens[..index].iter().rposition(|token| matches!(token, RustToken::Sign(';' | '{' | '}')));
    let mut statement = tokens.get(begin.map_or(0, |begin| begin + 1)..index)?.iter();
    match statement.next()? {
        RustToken::Name("let", _) => statement.find_map(|token| match token {
            RustToken::Name("mut", _) => None,
            RustToken::Name(name, _) => Some(*name),
            _ => None,
        }),
        RustToken::Name(name, _) => {
            matches!(statement.next(), Some(RustToken::Sign('.'))).then_some(*name)
        }
        _ => None,
    }
}

/// Whether an element is a field of a struct (`title: "text"`) or an optional value, neither of which is in a list of words.
fn is_no_word(written: &[RustToken<'_>]) -> bool {
    match written {
        [RustToken::Name("Some", _), ..] => true,
        [RustToken::Name(..), RustToken::Sign(':'), next, ..] => *next != RustToken::Sign(':'),
        _ => false,
    }
}

struct RustReader<'r, 't> {
    tokens: &'r [RustToken<'t>],
    at: usize,
}

impl RustReader<'_, '_> {
    fn peek(&self) -> Option<&RustToken<'_>> {
        self.tokens.get(self.at)
    }

    fn takes(&mut self, sign: char) -> bool {
        let found = matches!(self.peek(), Some(RustToken::Sign(one)) if *one == sign);
        self.at += usize::from(found);
        found
    }

    fn name(&mut self) -> Option<String> {
        let RustToken::Name(name, _) = self.peek()? else { return None };
        let name = (*name).to_owned();
        self.at += 1;
        Some(name)
    }

    /// The elements up to the end of a list or call: one literal each, or not known.
    fn list(&mut self, words: &mut Vec<ExpandedWord>) {
        self.skip_conversions();
        while self.takes(',') {
            if !self.element(words) {
                break;
            }
        }
        while self.takes(']') || self.takes(')') {
            self.skip_conversions();
        }
    }

    /// `.to_owned()`, `.into()` behind a literal.
    fn skip_conversions(&mut self) {
        loop {
            let before = self.at;
            if self.takes('.') {
                let name = self.name();
                let converts = ["to_owned", "to_string", "into", "as_ref", "as_str"];
                if name.is_some_and(|name| converts.contains(&name.as_str())) && self.takes('(') {
                    self.takes(')');
                    continue;
                }
            }
            self.at = before;
            return;
        }
    }

    /// One element; `false` if there is none.
    fn element(&mut self, words: &mut Vec<ExpandedWord>) -> bool {
        while self.takes('&') {}
        match self.peek() {
            Some(RustToken::Text(text, _)) => {
                words.push(ExpandedWord::Known(text.clone()));
                self.at += 1;
                self.skip_conversions();
                true
            }
            None | Some(RustToken::Sign(']' | ')')) => false,
            Some(_) => {
                let written = self.expression();
                if is_no_word(&written) {
                    return false;
                }
                if let Some(word) = literal_in_call(&written) {
                    words.push(ExpandedWord::Known(word));
                } else {
                    let shown: String = written.iter().map(shown).collect();
                    let reason = UnresolvedReason::Value(shown.clone());
                    words.push(ExpandedWord::Unknown { written: format!("{{{shown}}}"), reason });
                }
                true
            }
        }
    }

    /// The tokens up to the next comma or closing sign at this level.
    fn expression(&mut self) -> Vec<RustToken<'_>> {
        let begin = self.at;
        let mut depth = 0_usize;
        while let Some(token) = self.peek() {
            match token {
                RustToken::Sign('(' | '[' | '{') => depth += 1,
                RustToken::Sign(')' | ']' | '}' | ',' | ';') if depth == 0 => break,
                RustToken::Sign(')' | ']' | '}') => depth -= 1,
                _ => {}
            }
            self.at += 1;
        }
        self.tokens[begin..self.at].to_vec()
    }

    /// The calls behind the words: `.arg(..)`, `.args([..])`, `.current_dir(..)`.
    fn chain(&mut self, command: &mut RustCommand, receiver: Option<&str>) {
        while matches!(self.peek(), Some(RustToken::Sign(')' | ']'))) {
            self.at += 1;
        }
        loop {
            if self.takes('?') {
                continue;
            }
            if self.takes(';') {
                // `command.arg(..)` in the next statement.
                let Some(receiver) = receiver else { return };
                if self.name().as_deref() != Some(receiver) {
                    return;
                }
                continue;
            }
            if !self.takes('.') {
                return;
            }
            let Some(method) = self.name() else { return };
            if !self.takes('(') {
                continue;
            }
            match method.as_str() {
                "arg" => {
                    self.element(&mut command.words);
                }
                "args" => self.arguments(&mut command.words),
                "current_dir" => {
                    let mut folder = Vec::new();
                    self.element(&mut folder);
                    command.folder = folder.pop();
                }
                _ => {
                    self.expression();
                    while self.takes(',') {
                        self.expression();
                    }
                }
            }
            self.takes(')');
        }
    }

    /// A list of words, or something else, which is not known.
    fn arguments(&mut self, words: &mut Vec<ExpandedWord>) {
        let before = self.at;
        while self.takes('&') {}
        if matches!(self.peek(), Some(RustToken::Name("vec", _))) {
            self.at += 1;
            self.takes('!');
        }
        if !self.takes('[') {
            self.at = before;
            self.element(words);
            return;
        }
        if self.element(words) {
            while self.takes(',') {
                if !self.element(words) {
                    break;
                }
            }
        }
        self.takes(']');
    }
}

/// `String::from("x")`, `OsStr::new("x")`
fn literal_in_call(tokens: &[RustToken<'_>]) -> Option<String> {
    let [
        RustToken::Name(kind, _),
        ..,
        RustToken::Sign('('),
        RustToken::Text(text, _),
        RustToken::Sign(')'),
    ] = tokens
    else {
        return None;
    };
    ["String", "OsStr", "OsString", "Path", "PathBuf"].contains(kind).then(|| text.clone())
}

fn shown(token: &RustToken<'_>) -> String {
    match token {
        RustToken::Text(text, _) => format!("\"{text}\""),
        RustToken::Name(name, _) => (*name).to_owned(),
        RustToken::Sign(sign) => sign.to_string(),
    }
}

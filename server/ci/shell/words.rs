//! Words and operators of a shell script.

/// A word, which may become several or none when its variables have their values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::ci) struct Word {
    pub(in crate::ci) parts: Vec<WordPart>,
    /// Where it begins in the script.
    pub(in crate::ci) at: usize,
    /// A part of it has quotes: it is a word even if it is empty.
    pub(in crate::ci) quoted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ci) enum WordPart {
    Text(String),
    /// `$name`, `${name:-default}`
    Variable {
        name: String,
        default: Option<String>,
        quoted: bool,
    },
    /// `$( .. )`: the commands in it
    Substitution {
        script: String,
        at: usize,
    },
    /// Any other expansion, as it is written
    Unknown(String),
}

/// `name=value` before a command or alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ci) struct Assignment {
    pub(in crate::ci) name: String,
    pub(in crate::ci) value: AssignedValue,
    /// `+=`
    pub(in crate::ci) append: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ci) enum AssignedValue {
    Word(Word),
    List(Vec<Word>),
}

impl AssignedValue {
    pub(super) fn is_empty_text(&self) -> bool {
        matches!(self, Self::Word(word) if word.parts.is_empty() && !word.quoted)
    }
}

impl Word {
    /// Its text, if it is nothing but text without quotes.
    pub(in crate::ci) fn plain(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [WordPart::Text(text)] if !self.quoted => Some(text),
            _ => None,
        }
    }

    /// For `name=value`: name, value, and whether it is `+=`.
    pub(super) fn assignment(&self) -> Option<(String, AssignedValue, bool)> {
        let Some(WordPart::Text(first)) = self.parts.first() else { return None };
        let (name, value) = first.split_once('=')?;
        let (name, append) = match name.strip_suffix('+') {
            Some(name) => (name, true),
            None => (name, false),
        };
        if !is_name(name) {
            return None;
        }
        let mut parts = Vec::with_capacity(self.parts.len());
        if !value.is_empty() {
            parts.push(WordPart::Text(value.to_owned()));
        }
        parts.extend(self.parts[1..].iter().cloned());
        let word = Word { parts, at: self.at, quoted: self.quoted };
        Some((name.to_owned(), AssignedValue::Word(word), append))
    }

    /// The word without its quotes.
    pub(in crate::ci) fn shown(&self) -> String {
        let parts = self.parts.iter().map(|part| match part {
            WordPart::Text(text) | WordPart::Unknown(text) => text.clone(),
            WordPart::Variable { name, default: None, .. } if !name.contains('[') => {
                format!("${name}")
            }
            WordPart::Variable { name, .. } => {
                format!("${{{}}}", name.trim_end_matches("[@]"))
            }
            WordPart::Substitution { script, .. } => format!("$({script})"),
        });
        parts.collect()
    }
}

/// Whether a text is the name of a variable.
pub(in crate::ci) fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(Word),
    Operator(&'static str),
    Newline,
    End,
}

/// Operators, the longer ones first.
const OPERATORS: [&str; 8] = ["&&", "||", ";;", "|&", ";", "&", "|", "("];

pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// Delimiters of here-documents that begin at the next line.
    heredocs: Vec<(String, bool)>,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0, heredocs: Vec::new() }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn takes(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    pub(super) fn token(&mut self) -> Token {
        loop {
            self.skip_blanks();
            let Some(c) = self.peek() else { return Token::End };
            match c {
                '\n' => {
                    self.bump();
                    self.skip_heredocs();
                    return Token::Newline;
                }
                '#' => {
                    let rest = self.rest();
                    self.at += rest.find('\n').unwrap_or(rest.len());
                }
                ')' => {
                    self.bump();
                    return Token::Operator(")");
                }
                '<' | '>' => self.redirection(),
                '&' if self.rest().starts_with("&>") => {
                    self.bump();
                    self.redirection();
                }
                _ => {
                    if let Some(operator) = OPERATORS.into_iter().find(|one| self.takes(one)) {
                        return Token::Operator(operator);
                    }
                    let word = self.word();
                    // The number of a redirection: `2>&1`.
                    let is_number = word.plain().is_some_and(|text| {
                        text.len() == 1 && text.bytes().all(|byte| byte.is_ascii_digit())
                    });
                    if is_number && matches!(self.peek(), Some('<' | '>')) {
                        self.redirection();
                        continue;
                    }
                    return Token::Word(word);
                }
            }
        }
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r') => {
                    self.bump();
                }
                Some('\\') if self.rest().starts_with("\\\n") => self.at += 2,
                Some('\\') if self.rest().starts_with("\\\r\n") => self.at += 3,
                _ => return,
            }
        }
    }

    /// An operator that begins with `<` or `>`, and its target.
    fn redirection(&mut self) {
        if self.takes("<<<") {
            self.skip_blanks();
            self.word();
            return;
        }
        if self.takes("<<") {
            let tabs = self.takes("-");
            self.skip_blanks();
            let delimiter = self.word().shown();
            if !delimiter.is_empty() {
                self.heredocs.push((delimiter, tabs));
            }
            return;
        }
        while matches!(self.peek(), Some('<' | '>' | '&' | '|')) {
            self.bump();
        }
        self.skip_blanks();
        if self.takes("(") {
            // `<( .. )`
            self.balanced(')');
            return;
        }
        self.word();
    }

    fn skip_heredocs(&mut self) {
        for (delimiter, tabs) in std::mem::take(&mut self.heredocs) {
            while !self.rest().is_empty() {
                let rest = self.rest();
                let length = rest.find('\n').unwrap_or(rest.len());
                let line = rest[..length].trim_end_matches('\r');
                self.at = (self.at + length + 1).min(self.text.len());
                let line = if tabs { line.trim_start_matches('\t') } else { line };
                if line == delimiter {
                    break;
                }
            }
        }
    }

    fn word(&mut self) -> Word {
        let mut word = Word { at: self.at, ..Word::default() };
        let mut text = String::new();
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' | '\n' | '\r' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
                '\'' => {
                    self.bump();
                    word.quoted = true;
                    self.single_quoted(&mut word, &mut text);
                }
                '"' => {
                    self.bump();
                    word.quoted = true;
                    self.double_quoted(&mut word, &mut text);
                }
                '\\' => {
                    self.bump();
                    match self.bump() {
                        Some('\n') | None => {}
                        Some(escaped) => text.push(escaped),
                    }
                }
                '$' | '`' => self.expansion(&mut word, &mut text, false),
                _ => {
                    self.bump();
                    text.push(c);
                }
            }
        }
        finish(&mut word, &mut text);
        word
    }

    fn single_quoted(&mut self, word: &mut Word, text: &mut String) {
        while let Some(c) = self.peek() {
            if self.rest().starts_with("${{") {
                self.expansion(word, text, true);
                continue;
            }
            self.bump();
            if c == '\'' {
                return;
            }
            text.push(c);
        }
    }

    fn double_quoted(&mut self, word: &mut Word, text: &mut String) {
        while let Some(c) = self.peek() {
            match c {
                '"' => {
                    self.bump();
                    return;
                }
                '$' | '`' => self.expansion(word, text, true),
                '\\' => {
                    self.bump();
                    match self.bump() {
                        Some('\n') | None => {}
                        Some(escaped @ ('"' | '\\' | '$' | '`')) => text.push(escaped),
                        Some(other) => {
                            text.push('\\');
                            text.push(other);
                        }
                    }
                }
                _ => {
                    self.bump();
                    text.push(c);
                }
            }
        }
    }

    /// At `$` or a backtick.
    fn expansion(&mut self, word: &mut Word, text: &mut String, quoted: bool) {
        let start = self.at;
        let part = if self.takes("`") {
            let at = self.at;
            let rest = self.rest();
            let length = rest.find('`').unwrap_or(rest.len());
            self.at = (self.at + length + 1).min(self.text.len());
            WordPart::Substitution { script: rest[..length].to_owned(), at }
        } else if self.takes("${{") {
            let rest = self.rest();
            let end = rest.find("}}").map_or(rest.len(), |end| end + 2);
            self.at += end;
            WordPart::Unknown(self.text[start..self.at].to_owned())
        } else if self.takes("$((") {
            self.balanced(')');
            self.takes(")");
            WordPart::Unknown(self.text[start..self.at].to_owned())
        } else if self.takes("$(") {
            let at = self.at;
            let script = self.balanced(')').to_owned();
            WordPart::Substitution { script, at }
        } else if self.takes("${") {
            let inside = self.balanced('}');
            braced(inside).unwrap_or_else(|| WordPart::Unknown(format!("${{{inside}}}")))
        } else {
            self.bump();
            // PowerShell: `$env:NAME`.
            self.takes("env:");
            let rest = self.rest();
            let special = rest.starts_with(['@', '*', '#', '?', '!', '$', '-']);
            let digit = rest.starts_with(|c: char| c.is_ascii_digit());
            let length = if special || digit {
                1
            } else {
                rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())
            };
            if length == 0 {
                text.push('$');
                return;
            }
            self.at += length;
            WordPart::Variable { name: rest[..length].to_owned(), default: None, quoted }
        };
        let part = match part {
            WordPart::Variable { name, default, .. } => {
                WordPart::Variable { name, default, quoted }
            }
            other => other,
        };
        finish(word, text);
        word.parts.push(part);
    }

    /// The text up to what closes the parenthesis or brace that was just read.
    fn balanced(&mut self, close: char) -> &'t str {
        let open = if close == ')' { '(' } else { '{' };
        let start = self.at;
        let mut depth = 0_usize;
        let mut quote = None;
        while let Some(c) = self.bump() {
            match (c, quote) {
                ('\\', None | Some('"')) => {
                    self.bump();
                }
                (_, Some(closing)) => quote = Some(closing).filter(|closing| c != *closing),
                ('\'' | '"', None) => quote = Some(c),
                (_, None) if c == open => depth += 1,
                (_, None) if c == close => {
                    if depth == 0 {
                        return &self.text[start..self.at - c.len_utf8()];
                    }
                    depth -= 1;
                }
                _ => {}
            }
        }
        &self.text[start..]
    }
}

/// `name`, `name[@]`, `name:-default` in braces.
fn braced(inside: &str) -> Option<WordPart> {
    let end = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '@' && c != '*');
    let (name, rest) = inside.split_at(end.unwrap_or(inside.len()));
    let special = ["@", "*"].contains(&name) || name.bytes().all(|byte| byte.is_ascii_digit());
    if name.is_empty() || !(is_name(name) || special) {
        return None;
    }
    let (name, default) = match rest {
        "" => (name.to_owned(), None),
        "[@]" | "[*]" => (format!("{name}[@]"), None),
        _ => {
            let default = [":-", "-", ":=", "="].iter().find_map(|sign| rest.strip_prefix(sign))?;
            let default = default.trim_matches(['"', '\'']);
            if default.contains('$') {
                return None;
            }
            (name.to_owned(), Some(default.to_owned()))
        }
    };
    Some(WordPart::Variable { name, default, quoted: false })
}

fn finish(word: &mut Word, text: &mut String) {
    if !text.is_empty() {
        word.parts.push(WordPart::Text(std::mem::take(text)));
    }
}

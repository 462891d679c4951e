//! The commands of a shell script, as a tree. Nothing is run, and what is not understood ends no script.
//!
//! It reads what POSIX shells and bash have in common ("Shell Command Language", POSIX.1-2017), and so much of other shells
//! as looks the same. `${{ x }}` is a value that is not known: other readers leave it so.

mod words;

use std::rc::Rc;

pub(super) use words::{AssignedValue, Assignment, Word, WordPart, is_name};
use words::{Lexer, Token};

/// Commands that run one after the other.
pub(super) type CommandList = Vec<ListItem>;

/// A command of a list.
#[derive(Clone, Debug)]
pub(super) struct ListItem {
    pub(super) command: ShellCommand,
    /// Its output goes to another command, so that its exit status is lost.
    pub(super) piped: bool,
    /// What decides whether the next one runs.
    pub(super) next: Connector,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connector {
    And,
    Or,
    /// It runs in any case.
    Then,
}

#[derive(Clone, Debug)]
pub(super) enum ShellCommand {
    Simple {
        assignments: Vec<Assignment>,
        words: Vec<Word>,
    },
    /// `( .. )` or `{ .. }`
    Group {
        list: CommandList,
        subshell: bool,
    },
    /// `for x in a b; do .. done`
    For {
        name: String,
        items: Vec<Word>,
        body: CommandList,
    },
    /// The conditions and bodies of `if`, `while`, `until`, `case`.
    Branches(Vec<CommandList>),
    Function {
        name: String,
        body: Rc<CommandList>,
    },
}

/// How deep commands are nested that are read.
const DEPTH: usize = 48;

/// Reads a script.
pub(super) fn parse(text: &str) -> CommandList {
    let mut parser = ShellParser { lexer: Lexer::new(text), peeked: None, depth: 0 };
    let mut all = Vec::new();
    loop {
        all.extend(parser.list(&[]));
        // Something that closes nothing, such as `)` or `done`.
        if parser.next() == Token::End {
            return all;
        }
    }
}

struct ShellParser<'t> {
    lexer: Lexer<'t>,
    peeked: Option<Token>,
    depth: usize,
}

const KEYWORDS: [&str; 8] = ["then", "elif", "else", "fi", "do", "done", "esac", "}"];

impl ShellParser<'_> {
    fn peek(&mut self) -> &Token {
        let lexer = &mut self.lexer;
        self.peeked.get_or_insert_with(|| lexer.token())
    }

    fn next(&mut self) -> Token {
        self.peeked.take().unwrap_or_else(|| self.lexer.token())
    }

    fn takes(&mut self, operator: &str) -> bool {
        let found = matches!(self.peek(), Token::Operator(one) if *one == operator);
        if found {
            self.next();
        }
        found
    }

    /// The next word if it is plain text: a keyword, perhaps.
    fn keyword(&mut self) -> Option<String> {
        match self.peek() {
            Token::Word(word) => word.plain().map(str::to_owned),
            _ => None,
        }
    }

    fn skip_newlines(&mut self) {
        while matches!(self.peek(), Token::Newline) || self.takes(";") {
            self.next_newline();
        }
    }

    fn next_newline(&mut self) {
        if matches!(self.peek(), Token::Newline) {
            self.next();
        }
    }

    /// Commands up to one of these keywords, which stays, or up to what closes a group.
    fn list(&mut self, ends: &[&str]) -> CommandList {
        let mut list = Vec::new();
        loop {
            self.skip_newlines();
            match self.peek() {
                Token::End | Token::Operator(")" | ";;") => return list,
                _ => {}
            }
            if let Some(word) = self.keyword()
                && (ends.contains(&word.as_str()) || KEYWORDS.contains(&word.as_str()))
            {
                return list;
            }
            self.pipeline(&mut list);
        }
    }

    /// A pipeline and what connects it to the next one.
    fn pipeline(&mut self, list: &mut CommandList) {
        let begin = list.len();
        loop {
            while self.keyword().as_deref() == Some("!") {
                self.next();
            }
            let Some(command) = self.command() else {
                // An operator without a command.
                self.next();
                return;
            };
            let piped = self.takes("|") || self.takes("|&");
            list.push(ListItem { command, piped, next: Connector::Then });
            if !piped {
                break;
            }
            while matches!(self.peek(), Token::Newline) {
                self.next();
            }
        }
        let next = match self.peek() {
            Token::Operator("&&") => Connector::And,
            Token::Operator("||") => Connector::Or,
            _ => Connector::Then,
        };
        if next != Connector::Then {
            self.next();
        } else if !self.takes(";") {
            self.takes("&");
        }
        for item in &mut list[begin..] {
            item.next = next;
        }
    }

    fn command(&mut self) -> Option<ShellCommand> {
        if self.depth >= DEPTH {
            return None;
        }
        self.depth += 1;
        let command = self.command_within();
        self.depth -= 1;
        command
    }

    fn command_within(&mut self) -> Option<ShellCommand> {
        if self.takes("(") {
            let list = self.list(&[]);
            self.takes(")");
            return Some(ShellCommand::Group { list, subshell: true });
        }
        match self.keyword().as_deref() {
            Some("{") => {
                self.next();
                Some(ShellCommand::Group { list: self.braces(), subshell: false })
            }
            Some("if") => Some(self.branches("fi")),
            Some("while" | "until") => Some(self.branches("done")),
            Some("for" | "select") => Some(self.for_loop()),
            Some("case") => Some(self.case()),
            Some("function") => {
                self.next();
                let name = self.keyword()?;
                self.next();
                if self.takes("(") {
                    self.takes(")");
                }
                Some(self.function(name))
            }
            _ => self.simple(),
        }
    }

    /// After `{`.
    fn braces(&mut self) -> CommandList {
        let list = self.list(&["}"]);
        if self.keyword().as_deref() == Some("}") {
            self.next();
        }
        list
    }

    fn branches(&mut self, end: &str) -> ShellCommand {
        self.next();
        let mut branches = Vec::new();
        loop {
            branches.push(self.list(&[end]));
            let keyword = self.keyword();
            let Some(keyword) = keyword else { return ShellCommand::Branches(branches) };
            let belongs = match end {
                "fi" => ["then", "elif", "else", "fi"].contains(&keyword.as_str()),
                _ => ["do", "done"].contains(&keyword.as_str()),
            };
            if !belongs {
                return ShellCommand::Branches(branches);
            }
            self.next();
            if keyword == end {
                return ShellCommand::Branches(branches);
            }
        }
    }

    fn for_loop(&mut self) -> ShellCommand {
        self.next();
        let name = self.keyword().unwrap_or_default();
        self.next();
        let mut items = Vec::new();
        if self.keyword().as_deref() == Some("in") {
            self.next();
            while let Token::Word(_) = self.peek() {
                if let Token::Word(word) = self.next() {
                    items.push(word);
                }
            }
        }
        self.skip_newlines();
        if self.keyword().as_deref() == Some("do") {
            self.next();
        }
        let body = self.list(&["done"]);
        if self.keyword().as_deref() == Some("done") {
            self.next();
        }
        ShellCommand::For { name, items, body }
    }

    fn case(&mut self) -> ShellCommand {
        self.next();
        self.next();
        let mut branches = Vec::new();
        while self.keyword().as_deref() != Some("in") {
            if matches!(self.next(), Token::End) {
                return ShellCommand::Branches(branches);
            }
        }
        self.next();
        loop {
            self.skip_newlines();
            if self.keyword().as_deref() == Some("esac") {
                self.next();
                return ShellCommand::Branches(branches);
            }
            // The pattern.
            self.takes("(");
            loop {
                match self.next() {
                    Token::End => return ShellCommand::Branches(branches),
                    Token::Operator(")") => break,
                    _ => {}
                }
            }
            branches.push(self.list(&["esac"]));
            if !self.takes(";;") && self.keyword().as_deref() != Some("esac") {
                self.next();
            }
        }
    }

    /// After its name and parentheses.
    fn function(&mut self, name: String) -> ShellCommand {
        self.skip_newlines();
        let body = match self.command() {
            Some(command) => vec![ListItem { command, piped: false, next: Connector::Then }],
            None => Vec::new(),
        };
        ShellCommand::Function { name, body: Rc::new(body) }
    }

    fn simple(&mut self) -> Option<ShellCommand> {
        let mut assignments = Vec::new();
        let mut words: Vec<Word> = Vec::new();
        loop {
            match self.peek() {
                Token::Word(_) => {
                    let Token::Word(word) = self.next() else { continue };
                    match words.is_empty().then(|| word.assignment()).flatten() {
                        Some((name, mut value, append)) => {
                            if value.is_empty_text() && matches!(self.peek(), Token::Operator("("))
                            {
                                self.next();
                                value = AssignedValue::List(self.array());
                            }
                            assignments.push(Assignment { name, value, append });
                        }
                        None => words.push(word),
                    }
                }
                // `name()` begins a function.
                Token::Operator("(") if words.len() == 1 && assignments.is_empty() => {
                    self.next();
                    if !self.takes(")") {
                        let list = self.list(&[]);
                        self.takes(")");
                        return Some(ShellCommand::Group { list, subshell: true });
                    }
                    let name = words[0].plain().unwrap_or_default().to_owned();
                    return Some(self.function(name));
                }
                _ => break,
            }
        }
        let is_empty = words.is_empty() && assignments.is_empty();
        (!is_empty).then_some(ShellCommand::Simple { assignments, words })
    }

    /// After `name=(`.
    fn array(&mut self) -> Vec<Word> {
        let mut words = Vec::new();
        loop {
            match self.next() {
                Token::Word(word) => words.push(word),
                Token::Newline => {}
                _ => return words,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each simple command in brackets with what follows it.
    fn shown(list: &[ListItem]) -> String {
        let mut text = String::new();
        for item in list {
            match &item.command {
                ShellCommand::Simple { assignments, words } => {
                    let names = assignments.iter().map(|one| format!("{}=", one.name));
                    let words = words.iter().map(Word::shown);
                    text.push_str(&format!(
                        "[{}]",
                        names.chain(words).collect::<Vec<_>>().join(" ")
                    ));
                }
                ShellCommand::Group { list, subshell } => {
                    let (open, close) = if *subshell { ("(", ")") } else { ("{", "}") };
                    text.push_str(&format!("{open}{}{close}", shown(list)));
                }
                ShellCommand::For { name, items, body } => {
                    let items: Vec<_> = items.iter().map(Word::shown).collect();
                    text.push_str(&format!("for {name} {}: {}", items.join(" "), shown(body)));
                }
                ShellCommand::Branches(branches) => {
                    let branches: Vec<_> = branches.iter().map(|one| shown(one)).collect();
                    text.push_str(&format!("<{}>", branches.join(" / ")));
                }
                ShellCommand::Function { name, body } => {
                    text.push_str(&format!("fn {name}{}", shown(body)));
                }
            }
            text.push_str(match (item.piped, item.next) {
                (true, _) => "|",
                (false, Connector::And) => "&&",
                (false, Connector::Or) => "||",
                (false, Connector::Then) => ";",
            });
        }
        text
    }

    #[test]
    fn commands_are_separated_as_in_a_shell() {
        let check =
            |text: &str, expected: &str| assert_eq!(shown(&parse(text)), expected, "{text}");
        check("cd a && b || c; d & e", "[cd a]&&[b]||[c];[d];[e];");
        check("A=1 B='x y' c \\\n  --d # e\nf", "[A= B= c --d];[f];");
        check("a 2>&1 | tail -n 3 >/dev/null", "[a]|[tail -n 3];");
        check("(cd x; y) && { z; }", "([cd x];[y];)&&{[z];};");
        check(
            "if ! a; then b; elif c; then d; else e; fi; f",
            "<[a]; / [b]; / [c]; / [d]; / [e];>;[f];",
        );
        check("for x in a b; do\n c $x\ndone", "for x a b: [c $x];;");
        check("while a; do b; done", "<[a]; / [b];>;");
        check("case $1 in\n a|b) c ;;\n *) d;;\nesac\ne", "<[c]; / [d];>;[e];");
        check("f() {\n a\n}\nfunction g { b; }\nf", "fn f{[a];};;fn g{[b];};;[f];");
        check("cat <<EOF\ncargo deny check\nEOF\na", "[cat];[a];");
        check("cat <<-'EOF' | b\n\tx\n\tEOF\na", "[cat]|[b];[a];");
        check("X=(a \"b c\")\nd \"${X[@]}\"", "[X=];[d ${X}];");
        check(
            "a \"b $C ${D:-e}\" 'f;g' h\\ i",
            "[a b $C${D} f;g h i];".replace("b $C${D}", "b $C ${D}").as_str(),
        );
        check("if [[ a && b ]]; then c; fi", "<[[[ a]&&[b ]]]; / [c];>;");
    }

    #[test]
    fn broken_scripts_are_read_as_far_as_possible() {
        for text in [
            "a 'b",
            "a \"b",
            "a $(b",
            "a ${b",
            "((((",
            "))))",
            "if",
            "for",
            "case",
            "a()",
            "X=(",
            "<<",
            "a <<EOF",
            "|| &&",
            "done fi }",
            "${{ x",
            "\\",
            "`a",
            "$",
            "{",
            "function",
        ] {
            parse(text);
        }
        assert_eq!(shown(&parse(") a")), "[a];");
        assert_eq!(shown(&parse("fi; a")), "[a];");
        parse(&"(".repeat(100_000));
        parse(&"if ".repeat(100_000));
        parse(&"$(".repeat(100_000));
        parse(&"f() ".repeat(100_000));
    }
}

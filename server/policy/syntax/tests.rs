//! Tests that compare the outlines of texts.

use super::*;

fn outline(text: &str) -> String {
    let document = PolicyDocument::read(text, None);
    let mut lines = Vec::new();
    for line in &document.lines {
        lines.push(match line {
            SyntaxLine::Header(header) => {
                let parts = parts(text, &header.parts);
                let closed = if header.is_closed { "" } else { "?" };
                if header.is_array {
                    format!("[[{parts}]]{closed}")
                } else {
                    format!("[{parts}]{closed}")
                }
            }
            SyntaxLine::Statement(one) => statement(text, one),
        });
    }
    lines.join(" / ")
}

fn parts(text: &str, parts: &[KeyPart]) -> String {
    parts.iter().map(|part| part.name(text)).collect::<Vec<_>>().join(".")
}

fn statement(text: &str, one: &Statement) -> String {
    let value = one.value.as_ref().map(|one| value(text, one)).unwrap_or_default();
    let equals = if one.equals.is_some() { "=" } else { "" };
    format!("{}{equals}{value}", parts(text, &one.parts))
}

fn value(text: &str, one: &ValueNode) -> String {
    match &one.kind {
        ValueKind::Text(quoted) => {
            let closed = if quoted.is_closed { "" } else { "?" };
            format!("<{}>{closed}", &text[quoted.inside.clone()])
        }
        ValueKind::Bare => text[one.span.clone()].to_owned(),
        ValueKind::Array { items, is_closed, .. } => {
            let items: Vec<_> = items.iter().map(|one| value(text, one)).collect();
            format!("[{}]{}", items.join(" "), if *is_closed { "" } else { "?" })
        }
        ValueKind::Table { statements, is_closed, .. } => {
            let inside: Vec<_> = statements.iter().map(|one| statement(text, one)).collect();
            format!("{{{}}}{}", inside.join(" "), if *is_closed { "" } else { "?" })
        }
    }
}

#[test]
fn valid_text_is_parsed() {
    let text = "a.b = 'x' # c\r\n[ d . \"e\" ]\r\nf = [\"1\", # [x]\n  { g = 1, h.i = [ true ] }, ]\n[[j]]\nk = \"\"\"\n[x]\n\"\"\"\n";
    assert_eq!(outline(text), "a.b=<x> / [d.e] / f=[<1> {g=1 h.i=[true]}] / [[j]] / k=<\n[x]\n>");
    assert_eq!(outline("a = \"b \\\" # c\"\n"), "a=<b \\\" # c>");
}

#[test]
fn incomplete_text_ends_with_its_line() {
    assert_eq!(outline("yan\n[bans]\n"), "yan / [bans]");
    assert_eq!(outline("a = \nb = 1"), "a= / b=1");
    assert_eq!(outline("a = de\nb = 1"), "a=de / b=1");
    assert_eq!(outline("a = \"de\nb = 1"), "a=<de>? / b=1");
    assert_eq!(outline("a = [\"x\", \"de\n]\nb = 1"), "a=[<x> <de>?] / b=1");
    assert_eq!(outline("a = [\"x\", \"de]\nb = 1"), "a=[<x> <de>?] / b=1");
    assert_eq!(outline("a = [\"x\", \"de, \"y\"]\nb = 1"), "a=[<x> <de>? <y>] / b=1");
    assert_eq!(outline("a = [\"x\",\nb = 1"), "a=[<x>]? / b=1");
    assert_eq!(outline("a = [\"x\",\n\n[bans]\nb = 1"), "a=[<x>]? / [bans] / b=1");
    assert_eq!(outline("a = [\"x\",\n[[bans.deny]] # y\nb = 1"), "a=[<x>]? / [[bans.deny]] / b=1");
    assert_eq!(outline("a = [{ b = 1, c\n  { d = 2 },\n]\n"), "a=[{b=1 c}? {d=2}]");
    assert_eq!(outline("a = [{ b = \"1\n  { d = 2 },\n]\n"), "a=[{b=<1>?}? {d=2}]");
    assert_eq!(outline("[bans.\n[[licenses.cl\nx = 1"), "[bans.]? / [[licenses.cl]]? / x=1");
    assert_eq!(outline("[\n[[\n[]\n"), "[]? / [[]]? / []");
    assert_eq!(outline("a.\nb = 1\n"), "a. / b=1");
}

#[test]
fn unclosed_string_extends_to_the_cursor() {
    let text = "a = [\"Apache-2.0 \n]";
    let document = PolicyDocument::read(text, Some(17));
    let SyntaxLine::Statement(one) = &document.lines[0] else { panic!("a statement") };
    let item = &one.value.as_ref().expect("a value").items()[0];
    assert_eq!(item.string_value(text), Some("Apache-2.0 "));
}

#[test]
fn invalid_text_is_skipped() {
    for text in [
        "= 1", "]]", "a = = =", "a = {{{{", "a = [[[[", "\"", "'''", "a = '''", "é = ü", "{",
        "a == [", "a = [=]", "a={=}",
    ] {
        PolicyDocument::read(text, Some(text.len()));
    }
    assert_eq!(outline("é\na = 1"), "a=1");
    let deep = "[".repeat(100_000);
    outline(&format!("a = {deep}\nb = 1"));
    let deep = "{a=".repeat(100_000);
    outline(&format!("a = {deep}\nb = 1"));
}

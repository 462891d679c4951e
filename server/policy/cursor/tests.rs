//! Tests that show the syntax at the cursor, which `$0` marks.

use super::*;

fn at(marked: &str) -> Option<Cursor> {
    let offset = marked.find("$0").expect("a mark");
    Cursor::at(&marked.replacen("$0", "", 1), offset)
}

/// The syntax at the cursor on one line: its kind, path, token, and context.
fn shown(marked: &str) -> String {
    let text = marked.replacen("$0", "", 1);
    let Some(cursor) = at(marked) else { return "nothing".to_owned() };
    let token = |token: &TypedToken| {
        let closed = if token.is_closed { "" } else { "?" };
        format!("<{}|{}>{closed}", token.typed, &text[token.inside.clone()])
    };
    let commas = |commas: MissingCommas| match commas {
        MissingCommas { before: true, behind: true } => " ,_,",
        MissingCommas { before: true, behind: false } => " ,_",
        MissingCommas { before: false, behind: true } => " _,",
        MissingCommas { before: false, behind: false } => "",
    };
    match &cursor.context {
        CursorContext::Header(context) => {
            let before = context.before.join(".");
            let array = if context.is_array { "headers" } else { "header" };
            let open = if context.is_closed { "" } else { " open" };
            format!("{array} {before} {}{open}", token(&context.token))
        }
        CursorContext::Key(context) => {
            let present: Vec<_> = context.present.iter().map(String::as_str).collect();
            format!(
                "key in {} {}{}{} next to [{}]",
                names(&context.table).join("."),
                token(&context.token),
                if context.is_followed { " followed" } else { "" },
                commas(context.commas),
                present.join(" ")
            )
        }
        CursorContext::Value(context) => {
            let list = context.list.as_ref().map_or(String::new(), |list| {
                let others: Vec<_> =
                    list.others.iter().filter_map(|one| one.string(&["crate", "id"])).collect();
                format!(" in list next to [{}]{}", others.join(" "), commas(list.commas))
            });
            format!("value of {} {}{list}", context.path.join("."), token(&context.token))
        }
    }
}

#[test]
fn cursor_at_keys_of_tables() {
    assert_eq!(shown("$0"), "key in  <|> next to []");
    assert_eq!(shown("[bans]\n$0"), "key in bans <|> next to []");
    assert_eq!(shown("[bans]\r\nmul$0\r\nskip = []\r\n"), "key in bans <mul|mul> next to [skip]");
    assert_eq!(
        shown("[bans]\nmul$0ti = \"deny\"\n"),
        "key in bans <mul|multi> followed next to []"
    );
    assert_eq!(shown("[bans]\n\"mul$0\n"), "key in bans <mul|mul>? next to []");
    assert_eq!(
        shown("[bans]\nbuild.exe$0\nbuild.interpreted = \"warn\"\n"),
        "key in bans.build <exe|exe> next to [interpreted]"
    );
    assert_eq!(shown("[bans]\nbuild.$0\n"), "key in bans.build <|> next to []");
    assert_eq!(shown("bans.$0"), "key in bans <|> next to []");
    assert_eq!(
        shown("[bans]\nskip = []\n$0\n[bans.build]\n[licenses]\n"),
        "key in bans <|> next to [build skip]"
    );
    assert_eq!(shown("[bans.build]\n[bans]\n$0"), "key in bans <|> next to [build]");
    assert_eq!(shown("[bans]\nskip = [] $0"), "nothing");
    assert_eq!(shown("[bans]\n$0skip = []"), "key in bans <|skip> followed next to []");
    assert_eq!(shown("[bans]\n $0 skip = []"), "nothing");
    assert_eq!(shown("[bans]\nsk $0"), "nothing");
    assert_eq!(shown("[bans]\nskip $0= []"), "nothing");
}

#[test]
fn cursor_at_keys_of_entries() {
    assert_eq!(
        shown(
            "[[licenses.clarify]]\ncrate = \"a\"\nex$0\n[[licenses.clarify]]\nexpression = \"MIT\""
        ),
        "key in licenses.clarify <ex|ex> next to [crate]"
    );
    assert_eq!(shown("[bans]\ndeny = [{ $0 }]"), "key in bans.deny <|> next to []");
    assert_eq!(
        shown("[bans]\ndeny = [{ crate = \"x\", re$0 }]"),
        "key in bans.deny <re|re> next to [crate]"
    );
    assert_eq!(
        shown("[bans]\ndeny = [{ crate = \"x\", $0 }]"),
        "key in bans.deny <|> next to [crate]"
    );
    assert_eq!(
        shown("[bans]\ndeny = [{ crate = \"x\" $0 }]"),
        "key in bans.deny <|> ,_ next to [crate]"
    );
    assert_eq!(
        shown("[bans]\ndeny = [{ $0 crate = \"x\" }]"),
        "key in bans.deny <|> _, next to [crate]"
    );
    assert_eq!(
        shown("[bans]\ndeny = [\n  { crate = \"x\", $0\n  { crate = \"y\" },\n]"),
        "key in bans.deny <|> next to [crate]"
    );
    assert_eq!(
        shown("licenses.clarify = [{ crate = 'x', license-files = [{ pa$0 }] }]"),
        "key in licenses.clarify.license-files <pa|pa> next to []"
    );
    assert_eq!(
        shown("licenses = { private.ig$0, private.registries = [] }"),
        "key in licenses.private <ig|ig> next to [registries]"
    );
}

#[test]
fn cursor_at_values_of_keys() {
    assert_eq!(shown("[bans]\nwildcards = $0"), "value of bans.wildcards <|>");
    assert_eq!(shown("[bans]\nwildcards =$0\nskip = []"), "value of bans.wildcards <|>");
    assert_eq!(shown("[bans]\nwildcards = de$0"), "value of bans.wildcards <de|de>");
    assert_eq!(shown("[bans]\nwildcards = \"$0\""), "value of bans.wildcards <|>");
    assert_eq!(shown("[bans]\nwildcards = \"de$0ny\""), "value of bans.wildcards <de|deny>");
    assert_eq!(shown("[bans]\nwildcards = 'de$0\nskip = []"), "value of bans.wildcards <de|de>?");
    assert_eq!(shown("[bans]\nwildcards = \"deny\"$0"), "nothing");
    assert_eq!(shown("[bans]\nwildcards = $0\"deny\""), "nothing");
    assert_eq!(shown("[bans]\nwildcards = \"deny\" # $0"), "nothing");
    assert_eq!(shown("# $0"), "nothing");
    assert_eq!(shown("#$0\n[bans]"), "nothing");
    assert_eq!(shown("[licenses]\nprivate.ignore = t$0"), "value of licenses.private.ignore <t|t>");
    assert_eq!(shown("a = '''\n$0'''"), "nothing");
}

#[test]
fn cursor_at_values_in_lists() {
    assert_eq!(shown("[licenses]\nallow = [$0]"), "value of licenses.allow <|> in list next to []");
    assert_eq!(shown("[licenses]\nallow = [$0"), "value of licenses.allow <|> in list next to []");
    assert_eq!(
        shown("[licenses]\nallow = [\"MI$0\"]"),
        "value of licenses.allow <MI|MI> in list next to []"
    );
    assert_eq!(
        shown("[licenses]\nallow = [\"MIT\", \"Ap$0]"),
        "value of licenses.allow <Ap|Ap>? in list next to [MIT]"
    );
    assert_eq!(
        shown("[licenses]\nallow = [\"MIT\", \"Ap$0, \"Zlib\"]"),
        "value of licenses.allow <Ap|Ap>? in list next to [MIT Zlib]"
    );
    assert_eq!(
        shown("[licenses]\nallow = [\n  \"MIT\", # it\n  \"Ap$0\n]\n[bans]\n"),
        "value of licenses.allow <Ap|Ap>? in list next to [MIT]"
    );
    assert_eq!(
        shown("[licenses]\nallow = [\r\n  \"MIT\",\r\n  $0\r\n]\r\n"),
        "value of licenses.allow <|> in list next to [MIT]"
    );
    assert_eq!(
        shown("[licenses]\nallow = [\"MIT\" $0 \"ISC\"]"),
        "value of licenses.allow <|> in list next to [MIT ISC] ,_,"
    );
    assert_eq!(
        shown("[licenses]\nallow = [\n  \"MIT\"\n  $0\n]"),
        "value of licenses.allow <|> in list next to [MIT] ,_"
    );
    assert_eq!(
        shown("[licenses]\nallow = [ $0 \"MIT\"]"),
        "value of licenses.allow <|> in list next to [MIT] _,"
    );
    assert_eq!(shown("[licenses]\nallow = [\"MIT\"$0]"), "nothing");
    assert_eq!(shown("[licenses]\nallow = [ # x $0\n]"), "nothing");
    assert_eq!(shown("[licenses]\nallow = [\"MIT\"]$0"), "nothing");
    assert_eq!(
        shown("[advisories]\nignore = [{ id = \"RUSTSEC-$0\" }, \"b\"]"),
        "value of advisories.ignore.id <RUSTSEC-|RUSTSEC->"
    );
    assert_eq!(shown("[advisories]\nignore = [{ id = $0 }]"), "value of advisories.ignore.id <|>");
    assert_eq!(
        shown("[advisories]\nignore = [{ id = \"x\", reason = $0, crate = 1 }]"),
        "value of advisories.ignore.reason <|>"
    );
    assert_eq!(
        shown("[licenses]\nallow = [\"é\", \"MI$0"),
        "value of licenses.allow <MI|MI>? in list next to [é]"
    );
}

#[test]
fn cursor_at_headers() {
    assert_eq!(shown("[$0"), "header  <|> open");
    assert_eq!(shown("[$0]"), "header  <|>");
    assert_eq!(shown("[[$0]]\n"), "headers  <|>");
    assert_eq!(shown("[ba$0]\nx = 1"), "header  <ba|ba>");
    assert_eq!(shown("[bans.$0"), "header bans <|> open");
    assert_eq!(shown("[[licenses.cl$0]]"), "headers licenses <cl|cl>");
    assert_eq!(shown("[ba$0ns.build]"), "header  <ba|bans>");
    assert_eq!(shown("[bans]$0"), "nothing");
    assert_eq!(shown("$0[bans]"), "nothing");
}

/// The value of a key in the nearest table that has it.
fn string<'c>(cursor: &'c Cursor, key: &str) -> Option<&'c str> {
    cursor.levels.iter().rev().find_map(|level| level.string(key))
}

#[test]
fn enclosing_tables_have_their_values() {
    let cursor = at("[[licenses.clarify]]\ncrate = \"ring@0.17\"\nlicense-files = [{ path = \"LICENSE\", hash = $0 }]\n").expect("a cursor");
    assert_eq!(
        (string(&cursor, "crate"), string(&cursor, "path")),
        (Some("ring@0.17"), Some("LICENSE"))
    );
    let cursor = at("[[bans.features]]\nname = \"one\"\n[[bans.features]]\nname = \"two\"\nallow = [\"$0\"]\n[[bans.features]]\nname = \"three\"\n").expect("a cursor");
    assert_eq!(string(&cursor, "name"), Some("two"));
    let cursor = at("bans.features = [{ crate = 'x', allow = [\"$0\"] }]").expect("a cursor");
    assert_eq!(string(&cursor, "crate"), Some("x"));
    assert_eq!(cursor.level().and_then(|level| level.span.clone()), Some(17..46));
}

#[test]
fn definitions_know_how_a_path_is_defined() {
    let cursor = at("[[bans.deny]]\n[[bans.deny]]\n[licenses]\nprivate.ignore = true\n\n$0")
        .expect("a cursor");
    let defined = |keys: &[&str]| {
        let path: Vec<_> = keys.iter().map(|name| TablePathStep::Key((*name).to_owned())).collect();
        cursor.definitions.defined(&path)
    };
    assert_eq!(defined(&["bans"]), Some(Definition::Implicitly));
    assert_eq!(defined(&["bans", "deny"]), Some(Definition::ByHeaders));
    assert_eq!(defined(&["licenses"]), Some(Definition::ByHeader));
    assert_eq!(defined(&["licenses", "private"]), Some(Definition::ByDots));
    assert_eq!(defined(&["licenses", "private", "ignore"]), Some(Definition::ByValue));
    assert_eq!(defined(&["sources"]), None);
}

#[test]
fn every_offset_of_every_prefix_is_accepted() {
    let text = "[bans]\r\nskip = [\r\n  \"é@1\", # ü\r\n  { crate = 'x', reason = \"\"\"\r\n\"\"\" },\r\n]\r\n[[a.b]]\r\nc = {";
    for length in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
        for offset in 0..=length + 1 {
            let text = &text[..length];
            if offset <= text.len() {
                let _ = Cursor::at(text, offset);
            }
        }
    }
}

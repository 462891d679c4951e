//! A text with `$0` at the cursor in, what stands there out.

use super::*;

fn at(marked: &str) -> Option<Cursor> {
    let offset = marked.find("$0").expect("a mark");
    Cursor::at(&marked.replacen("$0", "", 1), offset)
}

/// The place in a line: what it is, its path, what of the text is replaced, and the rest.
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
                "key in {} {}{}{} beside [{}]",
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
                    list.others.iter().filter_map(|one| one.said(&["crate", "id"])).collect();
                format!(" in list beside [{}]{}", others.join(" "), commas(list.commas))
            });
            format!("value of {} {}{list}", context.path.join("."), token(&context.token))
        }
    }
}

#[test]
fn keys_of_tables() {
    assert_eq!(shown("$0"), "key in  <|> beside []");
    assert_eq!(shown("[bans]\n$0"), "key in bans <|> beside []");
    assert_eq!(shown("[bans]\r\nmul$0\r\nskip = []\r\n"), "key in bans <mul|mul> beside [skip]");
    assert_eq!(shown("[bans]\nmul$0ti = \"deny\"\n"), "key in bans <mul|multi> followed beside []");
    assert_eq!(shown("[bans]\n\"mul$0\n"), "key in bans <mul|mul>? beside []");
    assert_eq!(
        shown("[bans]\nbuild.exe$0\nbuild.interpreted = \"warn\"\n"),
        "key in bans.build <exe|exe> beside [interpreted]"
    );
    assert_eq!(shown("[bans]\nbuild.$0\n"), "key in bans.build <|> beside []");
    assert_eq!(shown("bans.$0"), "key in bans <|> beside []");
    assert_eq!(
        shown("[bans]\nskip = []\n$0\n[bans.build]\n[licenses]\n"),
        "key in bans <|> beside [build skip]"
    );
    assert_eq!(shown("[bans.build]\n[bans]\n$0"), "key in bans <|> beside [build]");
    assert_eq!(shown("[bans]\nskip = [] $0"), "nothing");
    assert_eq!(shown("[bans]\n$0skip = []"), "key in bans <|skip> followed beside []");
    assert_eq!(shown("[bans]\n $0 skip = []"), "nothing");
    assert_eq!(shown("[bans]\nsk $0"), "nothing");
    assert_eq!(shown("[bans]\nskip $0= []"), "nothing");
}

#[test]
fn keys_of_entries() {
    assert_eq!(
        shown(
            "[[licenses.clarify]]\ncrate = \"a\"\nex$0\n[[licenses.clarify]]\nexpression = \"MIT\""
        ),
        "key in licenses.clarify <ex|ex> beside [crate]"
    );
    assert_eq!(shown("[bans]\ndeny = [{ $0 }]"), "key in bans.deny <|> beside []");
    assert_eq!(
        shown("[bans]\ndeny = [{ crate = \"x\", re$0 }]"),
        "key in bans.deny <re|re> beside [crate]"
    );
    assert_eq!(
        shown("[bans]\ndeny = [{ crate = \"x\", $0 }]"),
        "key in bans.deny <|> beside [crate]"
    );
    assert_eq!(
        shown("[bans]\ndeny = [{ crate = \"x\" $0 }]"),
        "key in bans.deny <|> ,_ beside [crate]"
    );
    assert_eq!(
        shown("[bans]\ndeny = [{ $0 crate = \"x\" }]"),
        "key in bans.deny <|> _, beside [crate]"
    );
    assert_eq!(
        shown("[bans]\ndeny = [\n  { crate = \"x\", $0\n  { crate = \"y\" },\n]"),
        "key in bans.deny <|> beside [crate]"
    );
    assert_eq!(
        shown("licenses.clarify = [{ crate = 'x', license-files = [{ pa$0 }] }]"),
        "key in licenses.clarify.license-files <pa|pa> beside []"
    );
    assert_eq!(
        shown("licenses = { private.ig$0, private.registries = [] }"),
        "key in licenses.private <ig|ig> beside [registries]"
    );
}

#[test]
fn values_of_keys() {
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
fn values_in_lists() {
    assert_eq!(shown("[licenses]\nallow = [$0]"), "value of licenses.allow <|> in list beside []");
    assert_eq!(shown("[licenses]\nallow = [$0"), "value of licenses.allow <|> in list beside []");
    assert_eq!(
        shown("[licenses]\nallow = [\"MI$0\"]"),
        "value of licenses.allow <MI|MI> in list beside []"
    );
    assert_eq!(
        shown("[licenses]\nallow = [\"MIT\", \"Ap$0]"),
        "value of licenses.allow <Ap|Ap>? in list beside [MIT]"
    );
    assert_eq!(
        shown("[licenses]\nallow = [\"MIT\", \"Ap$0, \"Zlib\"]"),
        "value of licenses.allow <Ap|Ap>? in list beside [MIT Zlib]"
    );
    assert_eq!(
        shown("[licenses]\nallow = [\n  \"MIT\", # it\n  \"Ap$0\n]\n[bans]\n"),
        "value of licenses.allow <Ap|Ap>? in list beside [MIT]"
    );
    assert_eq!(
        shown("[licenses]\nallow = [\r\n  \"MIT\",\r\n  $0\r\n]\r\n"),
        "value of licenses.allow <|> in list beside [MIT]"
    );
    assert_eq!(
        shown("[licenses]\nallow = [\"MIT\" $0 \"ISC\"]"),
        "value of licenses.allow <|> in list beside [MIT ISC] ,_,"
    );
    assert_eq!(
        shown("[licenses]\nallow = [\n  \"MIT\"\n  $0\n]"),
        "value of licenses.allow <|> in list beside [MIT] ,_"
    );
    assert_eq!(
        shown("[licenses]\nallow = [ $0 \"MIT\"]"),
        "value of licenses.allow <|> in list beside [MIT] _,"
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
        "value of licenses.allow <MI|MI>? in list beside [é]"
    );
}

#[test]
fn headers() {
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
fn said<'c>(cursor: &'c Cursor, key: &str) -> Option<&'c str> {
    cursor.levels.iter().rev().find_map(|level| level.said(key))
}

#[test]
fn what_surrounds_it_is_known() {
    let cursor = at("[[licenses.clarify]]\ncrate = \"ring@0.17\"\nlicense-files = [{ path = \"LICENSE\", hash = $0 }]\n").expect("a place");
    assert_eq!(
        (said(&cursor, "crate"), said(&cursor, "path")),
        (Some("ring@0.17"), Some("LICENSE"))
    );
    let cursor = at("[[bans.features]]\nname = \"one\"\n[[bans.features]]\nname = \"two\"\nallow = [\"$0\"]\n[[bans.features]]\nname = \"three\"\n").expect("a place");
    assert_eq!(said(&cursor, "name"), Some("two"));
    let cursor = at("bans.features = [{ crate = 'x', allow = [\"$0\"] }]").expect("a place");
    assert_eq!(said(&cursor, "crate"), Some("x"));
    assert_eq!(cursor.level().and_then(|level| level.span.clone()), Some(17..46));
}

#[test]
fn what_is_defined_is_known_and_how() {
    let cursor = at("[[bans.deny]]\n[[bans.deny]]\n[licenses]\nprivate.ignore = true\n\n$0")
        .expect("a place");
    let defined = |path: &[&str]| {
        let way: Vec<_> = path.iter().map(|name| TablePathStep::Key((*name).to_owned())).collect();
        cursor.definitions.defined(&way)
    };
    assert_eq!(defined(&["bans"]), Some(Definition::Implicitly));
    assert_eq!(defined(&["bans", "deny"]), Some(Definition::ByHeaders));
    assert_eq!(defined(&["licenses"]), Some(Definition::ByHeader));
    assert_eq!(defined(&["licenses", "private"]), Some(Definition::ByDots));
    assert_eq!(defined(&["licenses", "private", "ignore"]), Some(Definition::ByValue));
    assert_eq!(defined(&["sources"]), None);
}

#[test]
fn no_offset_of_any_text_is_too_much() {
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

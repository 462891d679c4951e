//! Headers of tables that are not there yet, and of one more table where there may be several.

use super::{
    Maker,
    edit::Spot,
    item::{Item, ItemKind, Rank, Template},
    keys::words,
    values,
};
use crate::policy::{
    cursor::{Defined, HeaderContext, Step},
    schema::{Form, Key, Table, Value},
    words::Words,
};

impl Maker<'_> {
    /// At a line where a header may begin.
    pub(super) fn headers(&mut self, spot: &Spot<'_>) {
        // Lists that may hold strings are better written in brackets.
        let is_meant = |key: &Key| !matches!(key.value, Value::List(Value::Either(..)));
        for (path, key) in self.possible().into_iter().filter(|(_, key)| is_meant(key)) {
            let (header, template) = self.written(&path, key);
            let item = spot.literal(template, &header).item(&header, ItemKind::Table, Rank::Known);
            self.items.push(item.about(words(key)));
        }
    }

    /// Between the brackets of a header.
    pub(super) fn header(&mut self, context: &HeaderContext) {
        if !self.wanted.keys || context.has_statements || context.has_rest {
            return;
        }
        for (path, key) in self.possible() {
            let below = context
                .before
                .iter()
                .map(String::as_str)
                .eq(path[..path.len() - 1].iter().take(context.before.len()).copied());
            if !below || context.is_array && !matches!(key.value, Value::List(_)) {
                continue;
            }
            let (header, template) = self.written(&path, key);
            let rest = path[context.before.len()..].join(".");
            let start = &self.text[context.span.start..context.token.span.start];
            self.items.push(Item {
                label: header,
                kind: ItemKind::Table,
                detail: String::new(),
                about: words(key),
                span: context.span.clone(),
                template,
                filter: format!("{start}{rest}"),
                rank: Rank::Known,
                subject: None,
            });
        }
    }

    /// The tables that may be opened with a header here.
    fn possible(&self) -> Vec<(Vec<&'static str>, &'static Key)> {
        let outline = &self.cursor.outline;
        let may_be_opened = |path: &Vec<&'static str>, key: &'static Key| {
            if !key.value.has_header() {
                return false;
            }
            for end in 1..=path.len() {
                let Some(key) = self.wanted.root.at(&path[..end]) else { return false };
                if !key.is_current() {
                    return false;
                }
                let way: Vec<Step> =
                    path[..end].iter().map(|name| Step::Key((*name).to_owned())).collect();
                let is_list = matches!(key.value, Value::List(_));
                // Lists of tables within tables of lists are better written in braces.
                let fits = match outline.defined(&way) {
                    _ if is_list && end < path.len() => false,
                    None | Some(Defined::Implicitly) => true,
                    Some(Defined::ByHeader) => end < path.len() && !is_list,
                    Some(Defined::ByHeaders) => is_list,
                    Some(Defined::ByDots | Defined::ByValue) => false,
                };
                if !fits {
                    return false;
                }
            }
            true
        };
        let all = self.wanted.root.walk().into_iter();
        all.filter(|(path, key)| may_be_opened(path, key)).collect()
    }

    /// A header, and what is written for it: with what its table has to say.
    fn written(&self, path: &[&str], key: &Key) -> (String, Template) {
        let way = path.join(".");
        let newline = self.newline();
        let Some(table) = key.value.table().filter(|_| matches!(key.value, Value::List(_))) else {
            let header = format!("[{way}]");
            let template = Template::from(header.as_str()).text(newline).end();
            return (header, template);
        };
        let header = format!("[[{way}]]");
        let mut template = Template::from(header.as_str());
        for key in needed(table) {
            template = template.text(newline).text(format!("{} = ", key.name));
            template = template.then(values::template(key.value, key.default));
        }
        (header, template)
    }
}

/// The keys without which a table is refused.
pub(super) fn needed(table: &'static Table) -> impl Iterator<Item = &'static Key> {
    let which = match table.form {
        Form::Plain => "",
        Form::Ignore => "id",
        Form::Package | Form::PackageAndReason | Form::PackageAlone => "crate",
    };
    table.keys().filter(move |key| key.required || key.name == which)
}

impl Maker<'_> {
    /// `{ }` with what has to be in it.
    pub(super) fn empty_entry(&mut self, table: &'static Table, spot: &Spot<'_>) {
        let mut template = Template::from("{ ");
        let mut names = Vec::new();
        for key in needed(table) {
            let comma = if names.is_empty() { "" } else { ", " };
            template = template.text(format!("{comma}{} = ", key.name));
            template = template.then(values::template(key.value, key.default));
            names.push(key.name);
        }
        if names.is_empty() {
            return;
        }
        let label = format!("{{ {} }}", names.join(", "));
        let about = Words::default().ours("An entry that can say more than a string.");
        let edit = spot.literal(template.end().text(" }"), &label);
        self.items.push(edit.item(label, ItemKind::Table, Rank::Other).about(about));
    }
}

//! YAML as values with line numbers. Broken, huge and looping texts end in an error.

use std::{collections::BTreeMap, rc::Rc};

use saphyr_parser::{Event, Parser, ScalarStyle, Span as YamlSpan};

use super::script_text::ScriptText;
use crate::limits;

/// A value and the line that it starts on.
#[derive(Clone, Debug)]
pub(super) struct YamlNode {
    /// From 1.
    pub(super) line: u32,
    /// The name of its tag: `reference` for `!reference`.
    pub(super) tag: Option<String>,
    pub(super) value: YamlValue,
    /// The number of values in it, those behind aliases included.
    size: usize,
}

#[derive(Clone, Debug)]
pub(super) enum YamlValue {
    /// No value, or an alias for a value that contains it.
    Null,
    Scalar(ScriptText),
    List(Vec<Rc<YamlNode>>),
    /// Keys that are no text are left out.
    Map(Vec<(String, Rc<YamlNode>)>),
}

/// Why a text could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum YamlError {
    /// It is not parsed: it exceeds the limit.
    #[error("larger than {}", limits::bytes(limits::CI_YAML))]
    TooLarge,
    /// It is not YAML.
    #[error("invalid YAML in line {line}: {info}")]
    Invalid {
        /// From 1.
        line: usize,
        /// What the parser says.
        info: String,
    },
    /// It has too many values.
    #[error("more than {} values", limits::CI_VALUES)]
    TooManyValues,
    /// Its values are nested too deeply.
    #[error("more than {} levels", limits::CI_DEPTH)]
    TooDeep,
    /// Aliases of aliases stand for too many values.
    #[error("more than {} values behind aliases", limits::CI_VALUES)]
    TooManyAliases,
}

/// How deep `<<` is followed.
const MERGES: usize = 16;

impl YamlNode {
    /// Its entry with this name; `<<` adds the entries of other maps (YAML 1.1, "Merge Key").
    pub(super) fn get(&self, name: &str) -> Option<&YamlNode> {
        self.get_within(name, MERGES)
    }

    fn get_within(&self, name: &str, merges: usize) -> Option<&YamlNode> {
        let YamlValue::Map(entries) = &self.value else { return None };
        let own = entries.iter().find(|(key, _)| key == name).map(|(_, value)| &**value);
        own.or_else(|| {
            let merges = merges.checked_sub(1)?;
            let merged = entries.iter().filter(|(key, _)| key == "<<");
            let mut maps = merged.flat_map(|(_, value)| match &value.value {
                YamlValue::List(maps) => maps.iter().map(|map| &**map).collect(),
                _ => vec![&**value],
            });
            maps.find_map(|map| map.get_within(name, merges))
        })
    }

    /// All entries, those of merged maps last.
    pub(super) fn entries(&self) -> Vec<(&str, &YamlNode)> {
        let mut found: Vec<(&str, &YamlNode)> = Vec::new();
        self.entries_within(MERGES, &mut found);
        found
    }

    fn entries_within<'n>(&'n self, merges: usize, found: &mut Vec<(&'n str, &'n YamlNode)>) {
        let YamlValue::Map(entries) = &self.value else { return };
        let mut names: std::collections::BTreeSet<&str> =
            found.iter().map(|(name, _)| *name).collect();
        for (name, value) in entries.iter().filter(|(name, _)| name != "<<") {
            if names.insert(name) {
                found.push((name, value));
            }
        }
        let Some(merges) = merges.checked_sub(1) else { return };
        for (_, value) in entries.iter().filter(|(name, _)| name == "<<") {
            match &value.value {
                YamlValue::List(maps) => {
                    for map in maps {
                        map.entries_within(merges, found);
                    }
                }
                _ => value.entries_within(merges, found),
            }
        }
    }

    pub(super) fn script(&self) -> Option<&ScriptText> {
        match &self.value {
            YamlValue::Scalar(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        self.script().map(|script| script.text.as_str())
    }

    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.get(name)?.text()
    }

    /// The values of a list.
    pub(super) fn items(&self) -> &[Rc<YamlNode>] {
        match &self.value {
            YamlValue::List(items) => items,
            _ => &[],
        }
    }
}

/// A map or list that is not complete.
struct Open {
    anchor: usize,
    node: YamlNode,
    key: Option<String>,
    is_key: bool,
}

/// The documents of a text.
pub(super) fn documents(text: &str) -> Result<Vec<Rc<YamlNode>>, YamlError> {
    if text.len() as u64 > limits::CI_YAML {
        return Err(YamlError::TooLarge);
    }
    let lines: Vec<&str> = text.lines().collect();
    let mut documents = Vec::new();
    let mut anchors: BTreeMap<usize, Rc<YamlNode>> = BTreeMap::new();
    let mut open: Vec<Open> = Vec::new();
    let mut total = 0_usize;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| YamlError::Invalid {
            line: error.marker().line(),
            info: error.info().to_owned(),
        })?;
        let line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
        let (anchor, node) = match event {
            Event::SequenceStart(anchor, tag) => {
                let tag = tag.map(|tag| tag.suffix.clone());
                let value = YamlValue::List(Vec::new());
                begin(&mut open, anchor, YamlNode { line, tag, value, size: 1 })?;
                continue;
            }
            Event::MappingStart(anchor, tag) => {
                let tag = tag.map(|tag| tag.suffix.clone());
                let value = YamlValue::Map(Vec::new());
                begin(&mut open, anchor, YamlNode { line, tag, value, size: 1 })?;
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(done) => (done.anchor, Rc::new(done.node)),
                None => continue,
            },
            Event::Scalar(value, style, anchor, tag) => {
                let tag = tag.map(|tag| tag.suffix.clone());
                (anchor, Rc::new(scalar(&value, style, &span, line, tag, &lines)))
            }
            // An anchor is known when its value is complete, so a value is never part of itself.
            Event::Alias(id) => {
                let null = YamlNode { line, tag: None, value: YamlValue::Null, size: 1 };
                (0, anchors.get(&id).cloned().unwrap_or_else(|| Rc::new(null)))
            }
            _ => continue,
        };
        total = total.saturating_add(1);
        if total > limits::CI_VALUES {
            return Err(YamlError::TooManyValues);
        }
        if anchor != 0 {
            anchors.insert(anchor, Rc::clone(&node));
        }
        match open.last_mut() {
            None => documents.push(node),
            Some(parent) => parent.add(node)?,
        }
    }
    Ok(documents)
}

fn begin(open: &mut Vec<Open>, anchor: usize, node: YamlNode) -> Result<(), YamlError> {
    if open.len() >= limits::CI_DEPTH {
        return Err(YamlError::TooDeep);
    }
    let is_key = matches!(node.value, YamlValue::Map(_));
    open.push(Open { anchor, node, key: None, is_key });
    Ok(())
}

impl Open {
    fn add(&mut self, node: Rc<YamlNode>) -> Result<(), YamlError> {
        self.node.size = self.node.size.saturating_add(node.size);
        // Aliases of aliases would make it endless to visit all values.
        if self.node.size > limits::CI_VALUES {
            return Err(YamlError::TooManyAliases);
        }
        match &mut self.node.value {
            YamlValue::List(items) => items.push(node),
            YamlValue::Map(entries) => {
                if self.is_key {
                    self.key = node.text().map(str::to_owned);
                } else if let Some(key) = self.key.take() {
                    entries.push((key, node));
                }
                self.is_key = !self.is_key;
            }
            YamlValue::Null | YamlValue::Scalar(_) => {}
        }
        Ok(())
    }
}

fn scalar(
    text: &str,
    style: ScalarStyle,
    span: &YamlSpan,
    line: u32,
    tag: Option<String>,
    lines: &[&str],
) -> YamlNode {
    let is_null = style == ScalarStyle::Plain && ["", "~", "null"].contains(&text);
    let value = if is_null {
        YamlValue::Null
    } else {
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let first = line as usize - usize::from(line > 0) + usize::from(is_block);
        let end = span.end.line().min(lines.len()).max(first);
        let source = lines.get(first..end).unwrap_or_default();
        YamlValue::Scalar(aligned(text, line, first, source))
    };
    YamlNode { line, tag, value, size: 1 }
}

/// The lines of a text that was written in several lines, perhaps folded.
fn aligned(text: &str, line: u32, first: usize, source: &[&str]) -> ScriptText {
    let mut script = ScriptText::at(line, text);
    let mut from = 0;
    for (index, written) in source.iter().enumerate() {
        let rest = text.get(from..).unwrap_or_default();
        // The quotes of a line are the script's, or those around all of it.
        let whole = written.trim();
        let inside = whole.trim_matches(['"', '\'']).trim();
        let found = [whole, inside].into_iter().filter(|written| !written.is_empty());
        let mut found = found.filter_map(|written| Some((rest.find(written)?, written)));
        let Some((at, written)) = found.next() else { continue };
        let number = u32::try_from(first + index + 1).unwrap_or(u32::MAX);
        script.lines.push((from + at, number));
        from += at + written.len();
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Rc<YamlNode> {
        documents(text).expect("valid YAML").remove(0)
    }

    #[test]
    fn lines_of_scripts_are_those_of_the_file() {
        let node = read(
            "a: 1\nb: |\n  one\n\n  two\nc: >-\n  three\n  four\nd: five\n   six\n\
             e: |\n  one\n  \"two\" x\nf: \"one\n  two\"\n",
        );
        let line = |name: &str, word: &str| {
            let script = node.get(name).and_then(YamlNode::script).expect("a scalar");
            script.line(script.text.find(word).expect("the word"))
        };
        assert_eq!(line("b", "one"), 3);
        assert_eq!(line("b", "two"), 5);
        assert_eq!(line("c", "three"), 7);
        assert_eq!(line("c", "four"), 8);
        assert_eq!(line("d", "six"), 10);
        assert_eq!(line("e", "\"two"), 13);
        assert_eq!(line("f", "two"), 15);
    }

    #[test]
    fn merged_maps_and_aliases_are_followed() {
        let node = read("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\nc: *a\n");
        let b = node.get("b").expect("b");
        assert_eq!((b.text_of("x"), b.text_of("y")), (Some("1"), Some("3")));
        assert_eq!(b.entries().len(), 2);
        assert_eq!(node.get("c").and_then(|c| c.text_of("y")), Some("2"));
    }

    #[test]
    fn anchors_in_a_loop_end() {
        let node = read("a: &a\n  b: *a\n  c: 1\n");
        let a = node.get("a").expect("a");
        assert!(matches!(a.get("b").expect("b").value, YamlValue::Null));
        assert_eq!(a.text_of("c"), Some("1"));
    }

    #[test]
    fn aliases_of_aliases_have_a_limit() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let items = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        assert_eq!(documents(&text).expect_err("refused"), YamlError::TooManyAliases);
    }

    #[test]
    fn broken_deep_and_large_texts_are_errors() {
        for text in ["a: [", "a: *unknown", "\t- x: {", "a: \"x", &"[".repeat(100_000)] {
            let error = documents(text).expect_err("refused");
            assert!(matches!(error, YamlError::Invalid { .. } | YamlError::TooDeep), "{error}");
        }
        let deep: Vec<_> = (0..200).map(|depth| format!("{}-\n", " ".repeat(depth))).collect();
        let deep = deep.concat();
        assert!(documents(&deep).is_err());
        let large = "x: y\n".repeat(1_000_000);
        let error = documents(&large).expect_err("refused");
        assert_eq!(error.to_string(), "larger than 4 MiB");
    }
}

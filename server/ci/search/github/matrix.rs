//! The combinations of a matrix ("Running variations of jobs in a workflow", GitHub Docs).

use super::{Context, YamlNode, YamlValue};
use crate::limits;

/// A value of a combination: the names below `matrix` with their texts.
type Values = Vec<(String, Vec<(String, String)>)>;

/// A context for each combination; one if there is no matrix.
pub(super) fn combinations(matrix: Option<&YamlNode>, context: &Context) -> Vec<Context> {
    let Some(matrix) = matrix else { return vec![context.clone()] };
    let mut base = context.clone();
    let YamlValue::Map(_) = &matrix.value else {
        // It comes from another job.
        return vec![base];
    };
    base.know("matrix");
    let entries = matrix.entries();
    let mut all: Vec<Values> = vec![Vec::new()];
    for (name, values) in entries.iter().filter(|(name, _)| !["include", "exclude"].contains(name))
    {
        let Some(values) = values_of(name, values, context) else {
            base.forget(&format!("matrix.{name}"));
            continue;
        };
        let product = all.iter().flat_map(|one| {
            values.iter().map(|value| {
                let mut one = one.clone();
                one.push(((*name).to_owned(), value.clone()));
                one
            })
        });
        all = product.take(limits::CI_COMBINATIONS).collect();
    }
    let excluded = matrix.get("exclude").map(YamlNode::items).unwrap_or_default();
    all.retain(|one| !excluded.iter().any(|entry| matches(one, entry, context)));
    let has_axes = entries.iter().any(|(name, _)| !["include", "exclude"].contains(name));
    if !has_axes {
        all.clear();
    }
    include(matrix, &mut all, context);
    if all.is_empty()
        && !has_axes
        && matrix.get("include").is_some_and(|one| one.items().is_empty())
    {
        // The list is an expression: nothing of the matrix is known.
        return vec![context.clone()];
    }
    all.truncate(limits::CI_COMBINATIONS);
    let with_values = |values: &Values| {
        let mut context = base.clone();
        for (name, value) in values.iter().flat_map(|(_, texts)| texts) {
            context.set_text(&format!("matrix.{name}"), value);
        }
        context
    };
    all.iter().map(with_values).collect()
}

/// The values of an axis; `None` if they are not in the file.
fn values_of(name: &str, node: &YamlNode, context: &Context) -> Option<Vec<Vec<(String, String)>>> {
    match &node.value {
        YamlValue::List(items) => {
            Some(items.iter().map(|item| flattened(name, item, context)).collect())
        }
        YamlValue::Scalar(text) => {
            let text = text.text.trim();
            let inside = text.strip_prefix("${{").and_then(|text| text.strip_suffix("}}"));
            let list = context.evaluate(inside?)?.text();
            let list: Vec<serde_json::Value> = serde_json::from_str(&list).ok()?;
            let text = |value: &serde_json::Value| match value {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            Some(list.iter().map(|value| vec![(name.to_owned(), text(value))]).collect())
        }
        _ => None,
    }
}

/// `job: { name: x }` is `job.name`.
fn flattened(name: &str, node: &YamlNode, context: &Context) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    flatten(name, node, context, 8, &mut texts);
    texts
}

fn flatten(
    name: &str,
    node: &YamlNode,
    context: &Context,
    depth: usize,
    texts: &mut Vec<(String, String)>,
) {
    match &node.value {
        YamlValue::Scalar(text) => texts.push((name.to_owned(), context.substituted(&text.text))),
        YamlValue::Null => texts.push((name.to_owned(), String::new())),
        YamlValue::Map(_) if depth > 0 => {
            for (key, value) in node.entries() {
                flatten(&format!("{name}.{key}"), value, context, depth - 1, texts);
            }
        }
        _ => {}
    }
}

fn matches(values: &Values, entry: &YamlNode, context: &Context) -> bool {
    let entries = entry.entries();
    !entries.is_empty()
        && entries.iter().all(|(name, node)| {
            let texts = flattened(name, node, context);
            values
                .iter()
                .any(|(axis, own)| axis == name && texts.iter().all(|text| own.contains(text)))
        })
}

/// An entry of `include` is added to each combination whose axes it does not change; if there is none, it is one of
/// its own.
fn include(matrix: &YamlNode, all: &mut Vec<Values>, context: &Context) {
    let axes: Vec<String> = match all.first() {
        Some(first) => first.iter().map(|(name, _)| name.clone()).collect(),
        None => Vec::new(),
    };
    let original = all.len();
    for entry in matrix.get("include").map(YamlNode::items).unwrap_or_default() {
        let added: Values = entry
            .entries()
            .into_iter()
            .map(|(name, node)| (name.to_owned(), flattened(name, node, context)))
            .collect();
        let mut used = false;
        for values in &mut all[..original] {
            let fits = added
                .iter()
                .filter(|(name, _)| axes.contains(name))
                .all(|(name, texts)| values.iter().any(|(axis, own)| axis == name && own == texts));
            if fits {
                used = true;
                for (name, texts) in &added {
                    values.retain(|(axis, _)| axis != name);
                    values.push((name.clone(), texts.clone()));
                }
            }
        }
        if !used && all.len() < limits::CI_COMBINATIONS {
            all.push(added);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::yaml;

    fn combine(text: &str, expression: &str) -> Vec<String> {
        let node = yaml::documents(text).expect("valid YAML").remove(0);
        let contexts = combinations(Some(&node), &Context::default());
        contexts.iter().map(|context| context.substituted(expression)).collect()
    }

    #[test]
    fn combinations_are_those_of_github() {
        let text = "os: [a, b]\nn: [1, 2]\nexclude:\n  - {os: a, n: 2}\ninclude:\n  - {os: b, x: y}\n  - {os: c}\n";
        let shown = combine(text, "${{ matrix.os }}${{ matrix.n }}${{ matrix.x }}");
        assert_eq!(shown, ["a1", "b1y", "b2y", "c"]);
        assert_eq!(combine("include: [{t: 1}, {t: 2}]", "${{ matrix.t }}"), ["1", "2"]);
        assert_eq!(combine("job: [{args: x}, {args: y}]", "${{ matrix.job.args }}"), ["x", "y"]);
        assert_eq!(combine("t: ${{ fromJSON('[\"x\", 1]') }}", "${{ matrix.t }}"), ["x", "1"]);
    }

    #[test]
    fn values_from_elsewhere_stay_expressions() {
        let expression = "${{ matrix.t }}";
        assert_eq!(combine("t: ${{ fromJSON(needs.a.outputs.t) }}", expression), [expression]);
        assert_eq!(combine("${{ fromJSON(needs.a.outputs.t) }}", expression), [expression]);
        assert_eq!(
            combine("include: ${{ fromJSON(needs.a.outputs.t) }}", expression),
            [expression]
        );
    }

    #[test]
    fn large_matrices_have_a_limit() {
        let axis = |name: &str| format!("{name}: [{}]\n", vec!["x"; 100].join(", "));
        let text: String = ["a", "b", "c", "d"].map(axis).concat();
        assert_eq!(combine(&text, "${{ matrix.a }}").len(), limits::CI_COMBINATIONS);
    }
}

//! Facts of the SPDX list about a license or exception.

use super::markup::Markup;
use crate::text::Span;

/// The name and span of the license or exception at `offset` of an entry or expression, which is at
/// `inside` of `text`.
pub(crate) fn at<'t>(text: &'t str, inside: &Span, offset: usize) -> Option<(&'t str, Span)> {
    let whole = text.get(inside.clone())?;
    let offset = offset.checked_sub(inside.start)?;
    let is_inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '+');
    let before = whole.get(..offset)?;
    let start = before.rfind(|c| !is_inside(c)).map_or(0, |at| at + 1);
    let rest = whole.get(offset..)?;
    let end = offset + rest.find(|c| !is_inside(c)).unwrap_or(rest.len());
    let word = whole.get(start..end)?;
    (!word.is_empty()).then(|| (word, inside.start + start..inside.start + end))
}

/// The page of a license or exception on spdx.org; `None` if it is not in the SPDX list.
pub(crate) fn page(name: &str) -> Option<String> {
    let known = match spdx::license_id(name) {
        Some(id) => id.name,
        None => spdx::exception_id(name)?.name,
    };
    Some(format!("https://spdx.org/licenses/{known}.html"))
}

/// Its name, approvals and page; `None` if it is not in the SPDX list.
pub(crate) fn about(name: &str) -> Option<Markup> {
    let link = page(name)?;
    let text = Markup::default().strong(name);
    let Some(id) = spdx::license_id(name) else {
        let exception = spdx::exception_id(name)?;
        let text = text.text(" · a license exception");
        let text =
            if exception.is_deprecated() { text.text(" · deprecated by SPDX") } else { text };
        return Some(text.line().link("spdx.org", link));
    };
    let facts = [
        (id.is_osi_approved(), "OSI approved", "not OSI approved"),
        (id.is_fsf_free_libre(), "FSF free", "not listed as free by the FSF"),
        (id.is_copyleft(), "copyleft", ""),
        (id.is_deprecated(), "deprecated by SPDX", ""),
    ];
    let facts = facts.into_iter().map(|(holds, yes, no)| if holds { yes } else { no });
    let facts: Vec<_> = facts.filter(|fact| !fact.is_empty()).collect();
    let text = text.text(" · ").text(id.full_name);
    Some(text.line().text(facts.join(" · ")).line().link("spdx.org", link))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_at_an_offset_is_found_in_an_expression() {
        let text = "x = \"MIT OR (Apache-2.0 WITH LLVM-exception)\"";
        let inside = 5..text.len() - 1;
        let named = |needle: &str| {
            let found = at(text, &inside, text.find(needle).expect("it is there") + 1);
            found.map(|(word, span)| {
                assert_eq!(&text[span], word);
                word
            })
        };
        assert_eq!(named("MIT"), Some("MIT"));
        assert_eq!(named("2.0"), Some("Apache-2.0"));
        assert_eq!(named("LLVM"), Some("LLVM-exception"));
        assert_eq!(at(text, &inside, 12), None);
        assert_eq!(at(text, &inside, 1), None);
    }

    #[test]
    fn facts_of_the_spdx_list_are_shown() {
        let about_text = |name: &str| about(name).map(|text| text.plain()).unwrap_or_default();
        assert_eq!(
            about_text("MIT"),
            "MIT · MIT License\nOSI approved · FSF free\nspdx.org <https://spdx.org/licenses/MIT.html>"
        );
        assert!(
            about_text("GPL-3.0").contains("copyleft · deprecated by SPDX"),
            "{}",
            about_text("GPL-3.0")
        );
        assert!(
            about_text("LLVM-exception").contains("a license exception"),
            "{}",
            about_text("LLVM-exception")
        );
        assert_eq!(about_text("Mine"), "");
    }
}

//! A cargo that repeats its recorded output for the same inputs.

#![cfg(unix)]

use crate::harness::World;

/// Replaces cargo by it. The inputs are all that may differ in a generated world: the arguments, the
/// folder, and the path and text of manifests, lockfiles and cargo's configuration. A copy of the
/// workspace is recorded separately, without the name of its folder. Where it finds no manifests, the real
/// cargo runs: an output is never repeated for other texts.
pub(super) fn use_fake_cargo(world: &mut World) {
    let cargo = world.variables()["CARGO"].clone();
    let root = world.path("../").trim_end_matches('/').to_owned();
    let script = format!(
        r#"#!/bin/sh
# A copy has the whole path of the workspace inside it.
copy="${{PWD%"{root}"/*}}"
cd_to="$copy{root}"
files=$(find "$cd_to/work" "$cd_to/beside" \( -name Cargo.toml -o -name Cargo.lock \) 2>/dev/null | sort)
if [ -z "$files" ]; then exec '{cargo}' "$@"; fi
key=$({{ echo "$*" "${{copy:+copy}}" "${{PWD#"$copy"}}"; for file in $files; do echo "@ ${{file#"$copy"}}"; cat "$file"; done; }} | sha256sum)
kept="{root}/cargo/recorded/${{key%% *}}"
if [ -e "$kept/code" ]; then
    # As cargo: the lockfile is written before the output.
    if [ -e "$kept/lock" ]; then cat "$kept/lock" > "$copy$(cat "$kept/lock-path")"; fi
    if [ -n "$copy" ]; then sed "s|@COPY@|$copy|g" "$kept/out"; sed "s|@COPY@|$copy|g" "$kept/err" >&2
    else cat "$kept/out"; cat "$kept/err" >&2; fi
    read -r code < "$kept/code"
    exit "$code"
fi
new="{root}/cargo/recorded/new-$$"
mkdir -p "$new"
'{cargo}' "$@" > "$new/out" 2> "$new/err"
code=$?
cat "$new/out"; cat "$new/err" >&2
if [ -n "$copy" ]; then
    sed -i "s|$copy|@COPY@|g" "$new/out" "$new/err"
    for lock in "$PWD/Cargo.lock" "${{PWD%/*/*}}/Cargo.lock"; do
        if [ -e "$lock" ]; then cat "$lock" > "$new/lock"; echo "${{lock#"$copy"}}" > "$new/lock-path"; break; fi
    done
fi
echo "$code" > "$new/code"
mv -T "$new" "$kept" 2>/dev/null || rm -rf "$new"
exit "$code"
"#
    );
    world.replace_cargo(&script);
}

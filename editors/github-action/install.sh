#!/usr/bin/env bash
# Downloads the released program, compares its checksum, verifies its attestation where the GitHub CLI is there, and puts it on
# the path of the following steps. Compiles nothing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=${SUPERCARGO_VERSION:-}
if [ -z "$version" ]; then
  version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$here/../../Cargo.toml" | head -n 1)
fi
version=${version#v}
case "${RUNNER_OS:-}-${RUNNER_ARCH:-}" in
  Linux-X64) target=x86_64-unknown-linux-musl ;;
  Linux-ARM64) target=aarch64-unknown-linux-musl ;;
  macOS-X64) target=x86_64-apple-darwin ;;
  macOS-ARM64) target=aarch64-apple-darwin ;;
  Windows-X64) target=x86_64-pc-windows-msvc ;;
  Windows-ARM64) target=aarch64-pc-windows-msvc ;;
  *)
    echo "::error::there is no release of supercargo for ${RUNNER_OS:-an unknown system} on ${RUNNER_ARCH:-an unknown processor}"
    exit 70
    ;;
esac
archive="supercargo-$version-$target.tar.gz"
case "$target" in *windows*) archive="supercargo-$version-$target.zip" ;; esac

folder="${RUNNER_TEMP:?}/supercargo-$version"
mkdir -p "$folder"
cd "$folder"
download() {
  curl --proto '=https,file' --tlsv1.2 --fail --silent --show-error --location --retry 3 --output "$1" \
    "$SUPERCARGO_REPOSITORY/releases/download/v$version/$1" || {
    echo "::error::could not download $1 of supercargo $version; does the release exist?"
    exit 70
  }
}
download SHA256SUMS
download "$archive"
# The name in the list may have an asterisk before it.
expected=$(awk -v name="$archive" '{ sub(/^\*/, "", $2) } $2 == name { print $1 }' SHA256SUMS)
if command -v sha256sum > /dev/null; then
  actual=$(sha256sum "$archive" | cut -d ' ' -f 1)
else
  actual=$(shasum -a 256 "$archive" | cut -d ' ' -f 1)
fi
if [ -z "$expected" ] || [ "$expected" != "$actual" ]; then
  echo "::error::the checksum of $archive is not the released one"
  exit 70
fi
if command -v gh > /dev/null && [ -n "${GH_TOKEN:-}" ] && [ "${SUPERCARGO_REPOSITORY#https://github.com/}" != "$SUPERCARGO_REPOSITORY" ]; then
  gh attestation verify "$archive" --repo "${SUPERCARGO_REPOSITORY#https://github.com/}" > /dev/null || {
    echo "::error::the attestation of $archive could not be verified"
    exit 70
  }
fi
case "$archive" in
  *.zip) unzip -qo "$archive" ;;
  *) tar -xzf "$archive" ;;
esac
echo "$folder/supercargo-$version-$target" >> "$GITHUB_PATH"

#!/usr/bin/env bash
# Runs the check and keeps its exit code for the last step, so that its findings are uploaded before the job fails.
set -uo pipefail

base=${INPUT_BASE:-}
case "${GITHUB_EVENT_NAME:-}" in
  pull_request | pull_request_target | merge_group) ;;
  # Other events have no base.
  *) if [ "$base" = auto ]; then base=; fi ;;
esac
cd "${INPUT_FOLDER:-.}" || exit 70
# `actions/checkout` fetches one commit only.
branch=${GITHUB_BASE_REF:-}
if [ "$base" = auto ] && [ -n "$branch" ] && ! git rev-parse --quiet --verify "origin/$branch^{commit}" > /dev/null; then
  git fetch --quiet --no-tags --depth=1 origin "+refs/heads/$branch:refs/remotes/origin/$branch" ||
    echo "::warning::could not fetch $branch; set \`fetch-depth: 0\` for actions/checkout"
fi

# Prints the absolute path of a file that was written as an output of the step.
output() {
  if [ -z "$2" ] || [ ! -f "$2" ]; then return; fi
  case "$2" in
    /* | ?:*) echo "$1=$2" ;;
    *) echo "$1=$PWD/$2" ;;
  esac
}

arguments=()
if [ -n "$base" ]; then arguments+=(--base "$base"); fi
if [ -n "${INPUT_SARIF:-}" ]; then arguments+=(--sarif "$INPUT_SARIF"); fi
if [ -n "${INPUT_REPORT:-}" ]; then arguments+=(--report "$INPUT_REPORT"); fi
if [ "${INPUT_SUMMARY:-true}" != true ]; then unset GITHUB_STEP_SUMMARY; fi
# Split at blanks, and nothing else.
read -r -a more <<< "${INPUT_ARGS:-}" || true
supercargo check "${arguments[@]+"${arguments[@]}"}" "${more[@]+"${more[@]}"}"
code=$?
{
  echo "exit-code=$code"
  output sarif "${INPUT_SARIF:-}"
  output report "${INPUT_REPORT:-}"
} >> "$GITHUB_OUTPUT"

#!/usr/bin/env bash
# Reviews a manifest: review.sh MANIFEST [TEMPLATE...]
#
# PORTCULLIS           the program; else the one on the path
# BASE                 the git revision to compare with; without it nothing is compared
# SARIF                where findings go as SARIF
# GITHUB_STEP_SUMMARY  where the summary goes; else standard output
#
# It ends with 1 if the manifest has mistakes, a rule finds an error or a scenario fails. A difference is told, not refused.
set -uo pipefail

portcullis=${PORTCULLIS:-portcullis}
manifest=${1:?the manifest}
shift
folder=$(dirname "$manifest")
summary=${GITHUB_STEP_SUMMARY:-/dev/stdout}
status=0

# A part of the summary: its title, what came of it, its text.
part() {
  local fence='```'
  printf '### %s: %s\n\n%s\n%s\n%s\n\n' "$1" "$2" "$fence" "$3" "$fence" >>"$summary"
}

# Runs a command, and tells what it printed. A failure fails the review.
review() {
  local title=$1 output code
  shift
  output=$("$@" 2>&1)
  code=$?
  if [ "$code" -eq 0 ]; then
    part "$title" "fine" "$output"
  else
    part "$title" "failed" "$output"
    status=1
  fi
}

review "Manifest" "$portcullis" --color never compile "$manifest"
review "Rules" "$portcullis" --color never check "$manifest" "$@"
if [ -n "${SARIF:-}" ]; then
  "$portcullis" check "$manifest" "$@" --format sarif >"$SARIF" 2>/dev/null
fi
if [ -d "$folder/scenarios" ]; then
  review "Scenarios" "$portcullis" --color never test "$folder/scenarios"
fi

if [ -n "${BASE:-}" ]; then
  before=$(mktemp -d)
  if git worktree add --quiet --detach "$before" "$BASE" 2>/dev/null && [ -e "$before/$manifest" ]; then
    output=$("$portcullis" --color never diff "$before/$manifest" "$manifest" 2>&1)
    case $? in
      0) part "Requests" "answered as before" "$output" ;;
      4) part "Requests" "answered otherwise" "$output" ;;
      *) part "Requests" "could not be compared" "$output" ;;
    esac
  else
    part "Requests" "nothing to compare with" "there is no $manifest at $BASE"
  fi
  git worktree remove --force "$before" 2>/dev/null
fi
exit "$status"

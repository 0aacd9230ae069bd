#!/usr/bin/env bash
# What does a measured call cost beside other crates? Prints Markdown tables; takes two minutes once built.
#   ci/long/peers.sh > tables.md   by hand, on a machine that does nothing else
#   ci/long/peers.sh --quick       that it builds, runs and counts right; its figures mean little
# Other arguments go to the program: see `ci/long/peers.sh --help`.
set -euo pipefail
here=$(realpath "$(dirname "$0")/../../benches/peers")
target=$(realpath -m "${CARGO_TARGET_DIR:-$here/target}")
export CARGO_TARGET_DIR="$target"
cd "$here"

cargo build --release --bins >&2
"$target/release/peers" verify >&2

case "${1:-}" in
    verify | -h | --help) exec "$target/release/peers" "$@" ;;
esac
commit=$(git rev-parse --short HEAD 2>/dev/null || echo "not committed")
[ -z "$(git status --porcelain 2>/dev/null)" ] || commit="$commit, with changes"
echo "- Date: $(date -u +%Y-%m-%d); commit: $commit"
"$target/release/peers" "$@"

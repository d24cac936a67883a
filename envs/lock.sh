#!/usr/bin/env bash
# Make requirements.lock again from requirements.in, in a fresh environment.
set -euo pipefail
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install -r requirements.in
{
  sed -n '/^#/p' requirements.lock
  "$folder/bin/pip" freeze --all | sed 's/+c[pu][u0-9]*$//' |
    grep -v -i -E '^(nvidia-|cuda-|triton|pip=)' | sort -f
} > "$folder/lock"
mv "$folder/lock" requirements.lock
python3 spread.py

#!/usr/bin/env bash
# Write requirements.lock and requirements-dev.lock from the .in files, in a new environment.
set -euo pipefail
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
frozen() {
  "$folder/bin/pip" freeze --all | sed 's/+c[pu][u0-9]*$//' |
    grep -v -i -E '^(nvidia-|cuda-|triton|pip=)' | sort -f
}
python3 -m venv "$folder"
"$folder/bin/pip" install -r requirements.in
frozen > "$folder/run"
"$folder/bin/pip" install -c "$folder/run" -r requirements-dev.in
frozen > "$folder/all"
{ sed -n '/^#/p' requirements.lock; cat "$folder/run"; } > "$folder/lock"
mv "$folder/lock" requirements.lock
{
  sed -n '/^#/p; /^-r/p' requirements-dev.lock
  grep -v -x -F -f "$folder/run" "$folder/all"
} > "$folder/lock"
mv "$folder/lock" requirements-dev.lock
python3 spread.py

# Check that the locks can be installed with each version of Python that pyproject.toml allows. For
# other versions, pip can only use wheels, so the one package without a wheel (pure Python) gets one.
"$folder/bin/pip" wheel --quiet --no-deps -w "$folder/wheels" "$(grep ^connection_pool== requirements.lock)"
for python in 3.11 3.12 3.13; do
  PIP_FIND_LINKS="$folder/wheels" "$folder/bin/pip" install --quiet --dry-run \
    --ignore-installed --target "$folder/none" --python-version "$python" --only-binary=:all: \
    -r requirements-dev.lock ||
    { echo "Python $python: the locks cannot be installed"; exit 1; }
done

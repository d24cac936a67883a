#!/bin/sh
# Fringe on a GPU, in at most ten minutes: a table, and rates for `fringe estimate`.
#
#     benchmarks/gpu.sh [--out FOLDER] [--parts generator,extraction,...] [--small]
# Without a GPU, the small form runs on the CPU in about three minutes, with a message. Python is
# .venv/bin/python (`make env`) unless PYTHON names another. FOLDER is $OUT if that is set, otherwise
# benchmarks/results-gpu.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
[ -n "${PYTHON:-}" ] || [ -x "$python" ] || python=python3
export PYTHONPATH="$PWD/src${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
"$python" - <<'CHECK'
import sys
from importlib.util import find_spec

if sys.version_info < (3, 11):
    sys.exit(f"{sys.executable} is Python {sys.version.split()[0]}; name 3.11 or later: PYTHON=...")
needed = ["torch", "torchvision", "torch_fidelity", "numpy", "scipy", "h5py", "PIL", "skimage"]
missing = [name for name in needed if find_spec(name) is None]
if missing:
    print(f"{sys.executable} lacks {', '.join(missing)}: parts that need them fail; run `make env`")
CHECK
command -v nvidia-smi > /dev/null || echo "nvidia-smi is missing: the driver's version is unknown"
command -v cc > /dev/null || echo "no C compiler found: compiled variants will fail"
exec "$python" benchmarks/gpu.py "$@"

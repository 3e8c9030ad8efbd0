#!/usr/bin/env bash
# Builds the layer `deps`: the locked requirements, stripped to what the functions use, with bytecode.
#
#   build.sh <folder> <interpreter>                  for that Python of this machine
#   build.sh <folder> <interpreter> <architecture>   for Lambda, x86_64 or arm64: its wheels, and bytecode by that Python
#
# For any bash from 3.2 on, and GNU's or BSD's tools: macOS brings such.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly LAMBDA_PYTHON=3.13

# botocore describes 440 services in 30 MB; a client of one that is not named here cannot be made.
readonly SERVICES='dynamodb kms pinpoint-sms-voice-v2 secretsmanager sqs'

# What others require and no function imports: botocore without boto3 makes the clients, aiohttp without httpcore
# the connections. tests/built finds what is missing here, and what must not stand here.
readonly UNUSED='anyio attrs boto3 h11 httpcore s3transfer'

target=${1:?names the folder to build into}/python
python=${2:?names the interpreter}
wheels=()
if [[ -n ${3:-} ]]; then
  case $3 in
    x86_64) machine=x86_64 ;;
    arm64) machine=aarch64 ;;
    *) echo "ARCHITECTURE is x86_64 or arm64, not $3" >&2 && exit 1 ;;
  esac
  wheels=(--implementation cp --python-version "$LAMBDA_PYTHON" --abi "cp${LAMBDA_PYTHON/./}"
    --platform "manylinux2014_$machine" --platform "manylinux_2_28_$machine")
fi

rm -rf "$target"
# Before bash 4.4 an empty array counts as unset.
"$python" -m pip install -qq --disable-pip-version-check --root-user-action ignore \
  --no-compile --no-deps --require-hashes --only-binary=:all: ${wheels[@]+"${wheels[@]}"} \
  --target "$target" --requirement requirements.txt

keep=()
for service in $SERVICES; do keep+=(! -name "$service"); done
(
  cd "$target"
  find botocore/data -mindepth 1 -maxdepth 1 -type d "${keep[@]}" -exec rm -rf {} +
  find botocore/data -name 'examples-*.json' -delete
  # shellcheck disable=SC2086 - names without blanks
  rm -rf $UNUSED certifi/tests bin
  # httpx_aiohttp asks importlib.metadata for aiohttp's version; nothing else asks for anything.
  find . -maxdepth 1 -name '*.dist-info' ! -name 'aiohttp-*' -exec rm -rf {} +
  find . -type f \( -name '*.py[ix]' -o -name '*.pxd' -o -name '*.h' \) -delete
)

# Lambda's file system is read-only: without bytecode every cold start would compile everything. It is
# not checked against the sources, whose times the packaging does not keep.
env -u PYTHONDONTWRITEBYTECODE "$python" -m compileall -q -j 0 --invalidation-mode unchecked-hash \
  -s "$target" -p /opt/python "$target"

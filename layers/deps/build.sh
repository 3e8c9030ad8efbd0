#!/usr/bin/env bash
# Builds the layer `deps`: the locked requirements, stripped to what the functions use, with bytecode.
#
#   build.sh <folder> <interpreter>           for that Python of this machine
#   build.sh <folder> <interpreter> lambda    for Lambda on both processors: its wheels, and bytecode by that Python
#
# For any bash from 3.2 on, and GNU's or BSD's tools: macOS brings such.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly LAMBDA_PYTHON=3.13

# botocore describes 440 services in 30 MB; a client of one that is not named here cannot be made.
readonly SERVICES='dynamodb kms pinpoint-sms-voice-v2 s3 secretsmanager sqs'

# What others require and no function imports: aiohttp makes the connections without httpcore. tests/built finds what is missing here, and what must not stand here.
readonly UNUSED='anyio attrs h11 httpcore'

target=${1:?names the folder to build into}/python
python=${2:?names the interpreter}

# Installs the requirements into a folder, for a machine of Lambda's where one is named.
install() {
  local folder=$1 machine=${2:-} wheels=()
  if [[ -n $machine ]]; then
    wheels=(--implementation cp --python-version "$LAMBDA_PYTHON" --abi "cp${LAMBDA_PYTHON/./}"
      --platform "manylinux2014_$machine" --platform "manylinux_2_28_$machine")
  fi
  # Before bash 4.4 an empty array counts as unset.
  "$python" -m pip install -qq --disable-pip-version-check --root-user-action ignore \
    --no-compile --no-deps --require-hashes --only-binary=:all: ${wheels[@]+"${wheels[@]}"} \
    --target "$folder" --requirement requirements.txt
}

# SAM tells a Makefile nothing of the template's parameters, so that a layer for one processor would be deployed to the
# other. The wheels differ in their compiled files alone, and those carry the machine in their names: both fit beside
# each other, and Python takes its own.
add_machine() {
  local folder=$1 file
  find "$folder" -name '*.so' | while IFS= read -r file; do
    if [[ -e $target/${file#"$folder"/} ]]; then
      echo "both processors would have ${file#"$folder"/}: build a layer for each" >&2
      return 1
    fi
    cp "$file" "$target/${file#"$folder"/}"
  done
}

rm -rf "$target"
if [[ ${3:-} == lambda ]]; then
  other=$(mktemp -d)
  trap 'rm -rf "$other"' EXIT
  install "$target" x86_64
  install "$other" aarch64
  add_machine "$other"
else
  install "$target"
fi

keep=()
for service in $SERVICES; do keep+=(! -name "$service"); done
(
  cd "$target"
  find botocore/data -mindepth 1 -maxdepth 1 -type d "${keep[@]}" -exec rm -rf {} +
  find botocore/data -name 'examples-*.json' -delete
  # boto3's resources, for which no function asks: clients are described in botocore alone.
  rm -rf boto3/data boto3/examples
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

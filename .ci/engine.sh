# Sourced by run: a container engine, and the image in which `sam local invoke` runs the functions.

readonly LAMBDA_IMAGE=public.ecr.aws/lambda/python:3.13-x86_64
readonly STAND_IN=../shared/tools/lambda-engine
own_engine=

# Sets INVOKE_IMAGE, and DOCKER_HOST where the engine is the stand-in. Needs the built layers.
start_engine() {
  INVOKE_IMAGE=$LAMBDA_IMAGE
  if docker info >/dev/null 2>&1; then
    if timeout 600 docker pull --quiet "$LAMBDA_IMAGE" 2>/dev/null || is_real_image; then return; fi
  fi
  [[ -x $STAND_IN ]] || return 1
  echo "no registry is reached: using $STAND_IN, a stand-in for Lambda's image"
  DOCKER_HOST=unix://${TMPDIR:-/tmp}/lambda-engine/docker.sock docker info >/dev/null 2>&1 || own_engine=yes
  eval "$("$STAND_IN" start)" && docker info >/dev/null && complete_stand_in
}

stop_engine() {
  [[ -z $own_engine ]] || "$STAND_IN" stop
}

# An image that was pulled has the registry's digest.
is_real_image() {
  [[ $(docker image inspect --format '{{len .RepoDigests}}' "$LAMBDA_IMAGE" 2>/dev/null || echo 0) -gt 0 ]]
}

# The stand-in lacks libraries of glibc that AWS's image has and compiled wheels ask for: they come from
# this machine, as its own libraries did.
complete_stand_in() {
  local container path status
  INVOKE_IMAGE=harkara-ci:latest
  container=$(docker create "$LAMBDA_IMAGE") || return
  find .aws-sam/build/DepsLayer -name '*.so' -exec ldd {} + | awk '/=> \// {print $3}' | sort -u |
    while read -r path; do docker cp --quiet --follow-link "$path" "$container:$path" || exit; done &&
    docker commit "$container" "$INVOKE_IMAGE" >/dev/null
  status=$?
  docker rm "$container" >/dev/null
  return "$status"
}

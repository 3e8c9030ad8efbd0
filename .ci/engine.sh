# Sourced by run: a container engine, and the image in which `sam local invoke` runs the functions.

readonly LAMBDA_IMAGE=public.ecr.aws/lambda/python:3.13-x86_64
readonly STAND_IN=../shared/tools/lambda-engine
own_engine=

# Makes INVOKE_IMAGE, sets DOCKER_HOST where the engine is the stand-in. Needs the built layers.
start_engine() {
  if docker info >/dev/null 2>&1 &&
    { timeout 600 docker pull --quiet "$LAMBDA_IMAGE" 2>/dev/null || is_real_image; }; then
    build_invoke_image
    return
  fi
  [[ -x $STAND_IN ]] || return 1
  echo "no registry is reached: using $STAND_IN, a stand-in for Lambda's image"
  DOCKER_HOST=unix://${TMPDIR:-/tmp}/lambda-engine/docker.sock docker info >/dev/null 2>&1 || own_engine=yes
  eval "$("$STAND_IN" start)" && docker info >/dev/null && build_invoke_image
}

stop_engine() {
  [[ -z $own_engine ]] || "$STAND_IN" stop
}

# An image that was pulled has the registry's digest.
is_real_image() {
  [[ $(docker image inspect --format '{{len .RepoDigests}}' "$LAMBDA_IMAGE" 2>/dev/null || echo 0) -gt 0 ]]
}

# Makes INVOKE_IMAGE: Lambda's image with the layers in it. Left to itself, SAM builds the layers into an image
# before every invocation.
build_invoke_image() {
  local container status
  INVOKE_IMAGE=harkara-ci:latest
  # SAM keeps an image that it made upon an earlier one of this name.
  docker images --quiet harkara-ci | xargs --no-run-if-empty docker image rm --force >/dev/null
  container=$(docker create "$LAMBDA_IMAGE") || return
  docker cp --quiet .aws-sam/build/CoreLayer/. "$container:/opt" &&
    docker cp --quiet .aws-sam/build/DepsLayer/. "$container:/opt" &&
    docker cp --quiet .aws-sam/build/ConsoleLayer/. "$container:/opt" &&
    { is_real_image || copy_libraries "$container"; } &&
    docker commit "$container" "$INVOKE_IMAGE" >/dev/null
  status=$?
  docker rm "$container" >/dev/null
  return "$status"
}

# The stand-in lacks libraries of glibc that AWS's image has and compiled wheels ask for: they come from
# this machine, as its own libraries did.
copy_libraries() {
  local path
  find .aws-sam/build/DepsLayer -name '*x86_64*.so' -exec ldd {} + | awk '/=> \// {print $3}' | sort -u |
    while read -r path; do docker cp --quiet --follow-link "$path" "$1:$path" || exit; done
}

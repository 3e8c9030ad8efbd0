# Sourced by run: a container engine, and the image in which `sam local invoke` runs the functions.
# Sets INVOKE_IMAGE, and DOCKER_HOST where it starts an engine.

readonly LAMBDA_IMAGE=public.ecr.aws/lambda/python:3.13-x86_64
readonly STAND_IN=../shared/tools/lambda-engine

# The stand-in lacks libraries of glibc that AWS's image has and compiled wheels ask for: they come from
# this machine, as its own libraries did.
complete_stand_in() {
  local container path
  INVOKE_IMAGE=harkara-ci:latest
  container=$(docker create "$LAMBDA_IMAGE")
  find .aws-sam/build/DepsLayer -name '*.so' -exec ldd {} + | awk '/=> \// {print $3}' | sort -u |
    while read -r path; do docker cp --quiet --follow-link "$path" "$container:$path"; done
  docker commit "$container" "$INVOKE_IMAGE" >/dev/null
  docker rm "$container" >/dev/null
}

# Needs the built layers (.aws-sam/build).
start_engine() {
  INVOKE_IMAGE=$LAMBDA_IMAGE
  if docker info >/dev/null 2>&1 && docker pull --quiet "$LAMBDA_IMAGE" 2>/dev/null; then
    return
  fi
  [[ -x $STAND_IN ]] || fail "sam local invoke needs Docker, and a network that reaches public.ecr.aws"
  echo "no registry is reached: starting $STAND_IN, a stand-in for Lambda's image"
  eval "$("$STAND_IN" start)"
  complete_stand_in
}

#!/usr/bin/env bash
# Installs gpcli into a virtual environment of its own below $RUNNER_TEMP and names its Python as the
# output "python": release $GPCLI_INPUT_VERSION of the index or, where that is empty, the action's own source with
# the versions that it was tested with. The sandbox comes along where $GPCLI_INPUT_SANDBOX names a person. A second
# use of the action in a job finds what the first has installed.
set -euo pipefail

# Ends the step with the error $1.
refuse() {
  echo "::error title=gpcli smoke::$1"
  exit 2
}

venv=$RUNNER_TEMP/gpcli-venv
pins=$RUNNER_TEMP/gpcli-pins.txt
extra=${GPCLI_INPUT_SANDBOX:+[sandbox]}
if [[ -z $GPCLI_INPUT_VERSION ]]; then
  wanted=$GITHUB_ACTION_PATH$extra
  sed -e '/--hash=/d' -e 's/ \\$//' "$GITHUB_ACTION_PATH/constraints.txt" >"$pins"
elif [[ $GPCLI_INPUT_VERSION =~ ^[0-9][0-9A-Za-z.]*$ ]]; then
  wanted=gpcli-patient$extra==$GPCLI_INPUT_VERSION
  : >"$pins"
else
  refuse "The input version is not a version such as 1.2.0; leave it out to install the action's own source."
fi

if [[ ! -e $venv/wanted || $(<"$venv/wanted") != "$wanted" ]]; then
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    refuse "gpcli needs python3 to be Python 3.11 or newer: use actions/setup-python before."
  python3 -m venv --clear "$venv"
  "$venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --constraint "$pins" "$wanted"
  echo "$wanted" >"$venv/wanted"
fi
"$venv/bin/gpcli" --version
echo "python=$venv/bin/python" >>"$GITHUB_OUTPUT"

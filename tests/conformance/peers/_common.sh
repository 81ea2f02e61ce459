# Sourced by the install scripts: where peers live, their versions, small steps they share.
peers_source="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
project="$(cd "$peers_source/../../.." && pwd)"
peers="$project/.cache/peers"
mkdir -p "$peers/jars"
# shellcheck source=versions.env
source "$peers_source/versions.env"

# need <command>: fails with a sentence where a tool is missing.
need() {
  command -v "$1" >/dev/null || { echo "install: \"$1\" is needed and not on PATH" >&2; exit 1; }
}

# venv <name> <requirement...>: a virtual environment with exactly these requirements on top.
# A stamp holds the list, so that a second run does nothing and a changed pin builds anew.
venv() {
  local name="$1" target="$peers/$1" wanted
  shift
  wanted="$*"
  if [[ -f "$target/.installed" && "$(cat "$target/.installed")" == "$wanted" ]]; then
    echo "install: $name is there ($wanted)"
    return
  fi
  need python3
  rm -rf "$target"
  python3 -m venv "$target"
  "$target/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
  echo "$wanted" >"$target/.installed"
  echo "install: $name installed ($wanted)"
}

# jar <groupId:artifactId:version[:packaging:classifier]>: a file from Maven into the jars folder.
jar() {
  local coordinates="$1" parts file
  IFS=: read -r -a parts <<<"$coordinates"
  file="${parts[1]}-${parts[2]}${parts[4]:+-${parts[4]}}.jar"
  if [[ -f "$peers/jars/$file" ]]; then
    echo "install: $file is there"
    return
  fi
  need mvn
  mvn --batch-mode --quiet org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
    -Dartifact="$coordinates" -DoutputDirectory="$peers/jars"
  echo "install: $file installed"
}

# need_java <version>: fails unless a Java runtime of at least that version can be found.
need_java() {
  local wanted="$1" java found
  for java in "${JAVA_HOME:-}/bin/java" java /usr/lib/jvm/*/bin/java; do
    command -v "$java" >/dev/null || continue
    found="$("$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)"
    [[ -n "$found" && "$found" -ge "$wanted" ]] && return
  done
  echo "install: Java $wanted or newer is neither on PATH nor in JAVA_HOME or /usr/lib/jvm" >&2
  exit 1
}

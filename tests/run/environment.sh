#!/usr/bin/env bash
# Makes .venv with the pinned Ansible of tests/python/requirements.txt, or leaves it when it is up to date.
# Usage: environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

wanted="$root/tests/python/requirements.txt"
stamp="$venv/.requirements.txt"

# A name on PATH proves nothing: a shim may point at a Python that is not installed, and Debian's python3
# comes without venv. So each candidate has to run and to have what is needed.
runs() { # runs <python> <newest minor version>
    "$1" -c "import sys, venv, ensurepip; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, $2)))" \
        >/dev/null 2>&1
}

find_python() {
    local newest name candidate
    # ansible-core 2.19 names 3.11 to 3.13; a newer one is taken only where there is none of these.
    for newest in 13 99; do
        for name in python3 python3.13 python3.12 python3.11 python3.14; do
            while read -r candidate; do
                if [ "${candidate#"$venv"}" = "$candidate" ] && runs "$candidate" "$newest"; then
                    echo "$candidate"
                    return
                fi
            done < <(type -aP "$name" || true)
        done
    done
    return 1
}

if [ -x "$venv/bin/python" ] && "$venv/bin/python" -c '' 2>/dev/null && cmp -s "$wanted" "$stamp"; then
    exit 0
fi

if ! { [ -x "$venv/bin/python" ] && runs "$venv/bin/python" 99; }; then
    python=$(find_python) || fail "No Python 3.11 or newer with its venv module was found.
hint: on Debian and Ubuntu: apt-get install python3-venv"
    say "Making .venv with $("$python" --version) ($python)"
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
say "Installing Ansible and its tools into .venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$wanted"
cp "$wanted" "$stamp"

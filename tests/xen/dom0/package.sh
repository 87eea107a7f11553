# shellcheck shell=bash
# The Debian package: dpkg installs it, with all that it depends on there, and what it
# brings is in place. Its program is the one that all other cases run.

# Where there is no package for this release of Debian: what it would bring to the same places.
install_files() {
  [ ! -f xenclock ] || install -D -m 755 -t /usr/bin xenclock
  [ ! -f device-model ] || install -D -m 755 -t /usr/lib/xenclock device-model
  hash -r
}

install_package() {
  local file
  group=package dir=$out/cases/package expected='exit=0; status=install ok installed; missing=nothing; runs=yes'
  mkdir -p "$dir"
  seen=([missing]=nothing [runs]=no)
  run_command dpkg --install ./xenclock.deb
  # shellcheck disable=SC2016 # dpkg-query expands it
  seen[status]=$(dpkg-query -W -f '${Status}' xenclock)
  for file in bin/xenclock share/man/man1/xenclock.1.gz share/bash-completion/completions/xenclock; do
    [ -s "/usr/$file" ] || seen[missing]=/usr/$file
  done
  hash -r
  [[ $(xenclock --version) != xenclock\ * ]] || seen[runs]=yes
  check "$expected"
  record package-install - dpkg 'dpkg --install'
}

#!/usr/bin/env bash
# Installs the programs that the tests run against: real exporters and collectors, capture tools.
#
#   scripts/install-peers.sh           Debian packages, when run as root where apt-get is; otherwise says what is missing
#   scripts/install-peers.sh --bench   also what is no Debian package, for `npm run bench` and the tests: Python netflow and goflow2, in the user's cache folder
#
# Never fails: a test that lacks its program is skipped and says so.
set -uo pipefail
# Debian keeps daemons in sbin, which is not in the path of every user.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

say() { printf 'peers: %s\n' "$*"; }

# package | program that shows it is there | what cannot be tested without it
peers='softflowd|softflowd|flows of softflowd (v1, v5, v9, IPFIX) against the collector
nfdump|nfcapd|the comparison with nfcapd and nfdump
nfdump-sflow|sfcapd|the comparison with sfcapd
fprobe|fprobe|flows of fprobe (v1, v5, v7) against the collector
pmacct|pmacctd|flows and samples of pmacctd (v5, v9, IPFIX, sFlow) against the collector; the comparison with nfacctd and sfacctd
tshark|tshark|the comparison of decoded captures with tshark
tcpdump|tcpdump|captures recorded while the tests run
tcpreplay|tcpreplay|captures replayed to a live exporter
conntrack|conntrack|NAT events of the kernel
iptables|iptables|NAT in a network namespace
nftables|nft|NAT by nftables, and of IPv6, in a network namespace
fish|fish|completions in the shell fish
zsh|zsh|completions in the shell zsh
groff|groff|the check of the manual pages
redis-server|redis-server|templates that several collectors share over Redis
procps|sysctl|nothing but some details of processes and kernel buffers
python3-venv|(python)|the comparison with Python netflow, when it is installed by --bench'

present() {
  if [ "$1" = '(python)' ]; then
    python3 -c 'import venv, ensurepip' >/dev/null 2>&1
  else
    command -v "$1" >/dev/null 2>&1
  fi
}

# Prints the packages whose program is missing, one per line.
missing() {
  local package program
  while IFS='|' read -r package program _; do
    present "$program" || printf '%s\n' "$package"
  done <<<"$peers"
}

report_missing() {
  local package program lost
  while IFS='|' read -r package program lost; do
    present "$program" || say "$package is not installed; skipped for want of it: $lost"
  done <<<"$peers"
}

# fprobe, softflowd and others start their daemon on installation; here they would take the ports and the traffic of the machine.
policy=/usr/sbin/policy-rc.d
forbid_daemons() {
  [ -e "$policy" ] && return
  printf '#!/bin/sh\nexit 101\n' >"$policy" 2>/dev/null && chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
}

apt() { apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=1 -o Acquire::http::Timeout=30 "$@" </dev/null; }

install_debian() {
  local wanted log package
  mapfile -t wanted < <(missing)
  [ "${#wanted[@]}" -eq 0 ] && return
  say "installing Debian packages: ${wanted[*]}"
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp) || return
  forbid_daemons
  apt update >"$log" 2>&1 || say "apt-get update failed: $(grep -m 1 '^[EW]:' "$log")"
  if ! apt install -y --no-install-recommends "${wanted[@]}" >"$log" 2>&1; then
    # One that is not to be had must not keep the others away.
    for package in "${wanted[@]}"; do
      apt install -y --no-install-recommends "$package" >"$log" 2>&1 ||
        say "could not install $package: $(grep -m 1 '^E:' "$log" || tail -n 1 "$log")"
    done
  fi
  rm -f "$log"
}

cache="${XDG_CACHE_HOME:-$HOME/.cache}/netweir"

install_python_netflow() {
  "$cache/py/bin/python" -c 'import netflow' >/dev/null 2>&1 && return
  if ! present '(python)'; then
    say 'no Python with venv; not compared with: Python netflow'
    return
  fi
  say 'installing Python netflow'
  mkdir -p "$cache" && python3 -m venv "$cache/py" && "$cache/py/bin/python" -m pip install --quiet netflow </dev/null ||
    say 'could not install Python netflow; not compared with it'
}

# The engine of ClickHouse as a Python module: filters are run on it.
install_chdb() {
  [ -x "$cache/py/bin/python" ] || return
  "$cache/py/bin/python" -c 'import chdb' >/dev/null 2>&1 && return
  say 'installing chdb'
  "$cache/py/bin/python" -m pip install --quiet chdb </dev/null || say 'could not install chdb; filters are not run in ClickHouse'
}

install_goflow2() {
  [ -x "$cache/bin/goflow2" ] && return
  if ! command -v go >/dev/null 2>&1; then
    say 'no Go; not compared with: goflow2'
    return
  fi
  say 'installing goflow2'
  GOBIN="$cache/bin" go install github.com/netsampler/goflow2/v2/cmd/goflow2@latest </dev/null >/dev/null 2>&1 ||
    say 'could not install goflow2; not compared with it'
}

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then install_debian; fi
report_missing
if [ "${1:-}" = --bench ]; then
  install_python_netflow
  install_chdb
  install_goflow2
fi
exit 0

# Sourced by with-server and run-tap, from the clone's root: makes a folder, $dir, that vanishes at
# the script's end together with any server in it, and in it a PostgreSQL installation with the
# extension, so that the system's own installation stays as it is.
# shellcheck shell=sh

umask 022
# The same messages and the same encoding wherever it runs.
export LC_ALL=C.UTF-8
pg_config=$(command -v "${PG_CONFIG:-pg_config}")
bindir=$("$pg_config" --bindir)
pkglibdir=$("$pg_config" --pkglibdir)
sharedir=$("$pg_config" --sharedir)

# PostgreSQL refuses to run as root.
user=''
if [ "$(id -u)" = 0 ]; then
    user=nobody
    if id postgres >/dev/null 2>&1; then
        user=postgres
    fi
fi
# The clone may lie where that user cannot be.
unprivileged() (
    cd "$dir/home" || exit
    if [ -n "$user" ]; then
        runuser -u "$user" -- "$@"
    else
        "$@"
    fi
)

dir=$(mktemp -d "${TMPDIR:-/tmp}/als.XXXXXX")
finish() {
    status=$?
    trap '' INT TERM HUP
    find "$dir" -name postmaster.pid | while read -r pidfile; do
        unprivileged "$bindir/pg_ctl" stop -s -m immediate -D "${pidfile%/*}" </dev/null || :
    done
    rm -rf "$dir"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
chmod 755 "$dir"
mkdir "$dir/home"
if [ -n "$user" ]; then
    chown "$user" "$dir/home"
fi
if ! unprivileged test -x "$dir"; then
    echo "als: the user $user cannot enter $dir; set TMPDIR to a folder that is open to all" >&2
    exit 1
fi

# The server looks for its libraries and shared files relative to where its own program really is:
# so programs are copied, everything else is linked.
mkdir -p "$dir$bindir" "$dir$pkglibdir" "$dir$sharedir"
for program in postgres initdb psql createdb dropdb vacuumdb pgbench; do
    cp "$bindir/$program" "$dir$bindir/"
done
cp "$bindir"/pg_* "$dir$bindir/"
link=-s
if ! unprivileged test -x "$pkglibdir"; then
    link=''  # that user cannot follow links there
fi
cp -r $link "$pkglibdir/." "$dir$pkglibdir"
cp -r $link "$sharedir/." "$dir$sharedir"
make --no-print-directory -s install PG_CONFIG="$pg_config" DESTDIR="$dir"

# start_server DATA SOCKETS LOG: makes a server in the folder DATA, with its socket in the folder SOCKETS, and starts it.
start_server() {
    unprivileged "$dir$bindir/initdb" --no-sync -U postgres -A trust -E UTF8 --locale=C -D "$1" >"$dir/initdb.log" 2>&1 || {
        cat "$dir/initdb.log" >&2
        exit 1
    }
    cat >>"$1/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$2'
port = 5432
fsync = off
${SERVER_CONF:-}
CONF
    # shellcheck disable=SC2086 # one word for each variable
    unprivileged env ${SERVER_ENV:-} "$dir$bindir/pg_ctl" start -s -w -t 300 -D "$1" -l "$3" || {
        cat "$3" >&2
        exit 1
    }
}

# server_faults PATTERN LOG...: prints the lines of servers' logs that no test may cause: failed assertions and where
# they were, leaks, damaged memory, and what the pattern finds. Fails if there are none.
server_faults() {
    pattern=$1
    shift
    grep -hE "TRAP: |\(.*\+0x[0-9a-f]+\)\[0x|PANIC: |WARNING:  .*(leak|problem in alloc set|detected write past)|$pattern" "$@"
}

PATH=$dir$bindir:$PATH
# What the caller's environment says about servers of their own must not reach ours.
unset PGHOST PGHOSTADDR PGPORT PGUSER PGDATABASE PGDATA PGOPTIONS PGSERVICE PGPASSWORD PGSSLMODE

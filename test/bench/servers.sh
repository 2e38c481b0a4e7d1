# Sourced by scale and distributed, from the clone's root: three servers that train together, and what a training costs.
# shellcheck shell=sh disable=SC2154 # what is set by throw-away.sh, and here for those who source this

nodes='hub one two'
servers() { psql -p "$1" -X -q -c 'set client_min_messages = warning' -c "$2"; }

# start_servers KIND PORT: the hub of citus or stock servers on that port, and two others on the next ones, each with the
# extension. Needs throw-away.sh, and a network of its own. Their data are in $dir/home/KIND, their sockets in $dir/home.
start_servers() {
    unprivileged mkdir "$dir/home/$1"
    at=$2
    for node in $nodes; do
        data=$dir/home/$1/$node
        unprivileged "$dir$bindir/initdb" --no-sync -U postgres -A trust -E UTF8 --locale=C -D "$data" \
            >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; exit 1; }
        cat >>"$data/postgresql.conf" <<CONF
listen_addresses = 'localhost'
unix_socket_directories = '$dir/home'
port = $at
fsync = off
autovacuum = off
${SERVER_CONF:-}
CONF
        [ "$1" = stock ] || cat >>"$data/postgresql.conf" <<CONF
shared_preload_libraries = 'citus'
max_prepared_transactions = 100
citus.enable_statistics_collection = off
CONF
        unprivileged "$dir$bindir/pg_ctl" start -s -w -D "$data" -l "$data.log"
        [ "$1" = stock ] || servers $at 'create extension citus'
        at=$((at + 1))
    done
    if [ "$1" = stock ]; then
        servers "$2" 'create extension postgres_fdw; create extension dblink'
        for at in $(($2 + 1)) $(($2 + 2)); do
            servers $at 'create extension als; create table ratings (user_id int, item_id int, rating real)'
            servers "$2" "create server s$at foreign data wrapper postgres_fdw
                              options (host 'localhost', port '$at', dbname 'postgres');
                          create user mapping for postgres server s$at options (user 'postgres')"
        done
    else
        psql -p "$2" -X -q -o /dev/null -c "select citus_set_coordinator_host('localhost', $2)" \
            -c "select citus_add_node('localhost', $(($2 + 1)))" -c "select citus_add_node('localhost', $(($2 + 2)))"
    fi
    psql -p "$2" -X -q -c 'create extension als'
}

# spread_ratings KIND PORT PARTS: the rows of all_ratings as the table ratings on the three.
spread_ratings() {
    if [ "$1" = citus ]; then
        psql -p "$2" -X -q -o /dev/null -c 'create table ratings (like all_ratings)' \
            -c "select create_distributed_table('ratings', 'user_id', shard_count => $3)"
    else
        psql -p "$2" -X -q -c 'create table ratings (like all_ratings) partition by hash (user_id)' \
            -c 'create table ratings_0 partition of ratings for values with (modulus 3, remainder 0)'
        for n in 1 2; do
            servers $(($2 + n)) 'truncate ratings'
            psql -p "$2" -X -q -c "create foreign table ratings_$n partition of ratings
                for values with (modulus 3, remainder $n)
                server s$(($2 + n)) options (table_name 'ratings', batch_size '1000')"
        done
    fi
    psql -p "$2" -X -q -c 'insert into ratings table all_ratings'
}

resident() { awk '/^RssAnon/ { print $2 }' "/proc/$1/status"; }
processor() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
disk() { find "$1" -path '*/base/*' -type f -printf '%s\n' 2>/dev/null | awk '{ n += $1 } END { printf "%.0f", n }'; }
temporary() {
    find "$1/hub" \( -path '*pgsql_*tmp*' -o -path '*pgsql_job_cache*' \) -type f -printf '%s\n' 2>/dev/null |
        awk '{ n += $1 } END { printf "%.0f", n }'
}
# Of all processes of the three servers that have ended, and of those that go on, those that start them.
processors() {
    for node in $nodes; do cat "/proc/$(head -n 1 "$1/$node/postmaster.pid")/stat"; done |
        awk '{ n += $14 + $15 + $16 + $17 } END { print n }'
}
received() { awk '/lo:/ { print $2 }' /proc/net/dev; }

# measure FOLDER PORT CLUSTER SOURCE OPTIONS: what the training of `model` takes on the server of that port. FOLDER has the
# data of that server, or, if CLUSTER is no empty word, of all three. Sets seconds (hundredths, of processors), wall
# (thousandths), memory (kB), stored, sent and spooled (bytes). The model stays. $work is for files. $pause, in seconds
# (0.05 where unset), is how long it waits between two looks, which take some hundredths of a second of a processor
# themselves; peaks between two are missed.
measure() {
    mkfifo "$work/in"
    : >"$work/out"
    psql -p "$2" -X -q -A -t -v ON_ERROR_STOP=1 <"$work/in" >"$work/out" 2>"$work/log" &
    exec 3>"$work/in"
    # What any first training of a session leaves behind is not counted.
    echo "select from als.train('first', 'select 1 as user_id, 1 as item_id, 1 as rating'); select als.drop_model('first'); select 'pid', pg_backend_pid();" >&3
    while ! grep -q '^pid' "$work/out"; do
        kill -0 $! 2>/dev/null || { cat "$work/log" >&2; exit 1; }
        sleep 0.1
    done
    pid=$(sed -n 's/^pid|//p' "$work/out")
    idle=$(resident "$pid")
    if [ -n "$3" ]; then cpu=$(processors "$1"); else cpu=$(processor "$pid"); fi
    before=$(disk "$1")
    sent=0
    [ -z "$3" ] || sent=$(received)
    printf '%s\n' '\timing on' "select from als.train('model', '$4', $5);" '\timing off' "select 'done';" >&3
    memory=$idle
    stored=$before
    spooled=0
    while ! grep -q done "$work/out"; do
        now=$(resident "$pid") || { cat "$work/log" >&2; exit 1; }
        if [ "$now" -gt "$memory" ]; then memory=$now; fi
        now=$(disk "$1")
        if [ "$now" -gt "$stored" ]; then stored=$now; fi
        if [ -n "$3" ]; then
            now=$(temporary "$1")
            if [ "$now" -gt "$spooled" ]; then spooled=$now; fi
        fi
        sleep "${pause:-0.05}"
    done
    [ -n "$3" ] || seconds=$(($(processor "$pid") - cpu))
    memory=$((memory - idle))
    stored=$((stored - before))
    [ -z "$3" ] || sent=$(($(received) - sent))
    wall=$(sed -n 's/^Time: \([0-9]*\).*/\1/p' "$work/out")
    exec 3>&-
    wait $!
    rm "$work/in"
    if [ -n "$3" ]; then
        sleep 2
        # What the session has used before counts, too, which is next to nothing.
        seconds=$(($(processors "$1") - cpu))
    fi
}

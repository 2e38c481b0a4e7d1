# Sourced by sweep and defaults, from the clone's root: what benchmarks over FILE:LIKED ... share. FILE holds
# tab-separated user, item and rating (more columns are left out), LIKED is the rating from which an item counts as
# liked. A data set has the name of its file, or of its folder where the file is called ratings.
# shellcheck shell=sh

export PGOPTIONS="-c client_min_messages=warning"

run() { psql -X -q -v ON_ERROR_STOP=1 "$@"; }

# measure_files SCHEMA.PROCEDURE MORE FILE:LIKED ...: fills SCHEMA.loaded with each file, and calls the procedure with
# the name, LIKED, and MORE, which begins with a comma if it is not empty.
measure_files() {
    call=$1
    more=$2
    shift 2
    for argument; do
        file=${argument%:*}
        name=$(basename "$file" | sed 's/\..*//')
        [ "$name" != ratings ] || name=$(basename "$(dirname "$file")")
        cut -f 1-3 "$file" | run -c "\\copy ${call%.*}.loaded from pstdin"
        run -c "call $call('$name', ${argument##*:}$more)"
    done
}

# report FILE: what a script selects, columns between bars.
report() { run -P format=unaligned -P fieldsep=' | ' -P footer=off -f "$1"; }

# Sourced by those that try als on other machines, from the clone's root: bare roots, which debootstrap makes of a release
# of Debian, once, and keeps in build/roots. As root.
# shellcheck shell=sh

for need in debootstrap unshare chroot; do
    command -v "$need" >/dev/null || {
        echo "als: missing: $need (Debian: debootstrap, util-linux, coreutils)" >&2
        exit 77
    }
done

# bare_root SUITE: prints where the bare root of a release is, once it has been made.
bare_root() {
    bare=$(pwd)/build/roots/$1
    if [ ! -e "$bare/complete" ]; then
        rm -rf "$bare"
        mkdir -p "$bare"
        debootstrap --variant=minbase "$1" "$bare" >"$bare.log" || {
            tail -n 5 "$bare.log" >&2
            return 1
        }
        touch "$bare/complete"
    fi
    echo "$bare"
}

# copy_root BARE ROOT: makes a root that reaches the network as this machine does, and asks as much of its packages.
copy_root() {
    rm -rf "$2"
    cp -a "$1" "$2"
    cp /etc/resolv.conf /etc/hosts "$2/etc/"
    apt-config dump | grep '^Acquire::Check-' >"$2/etc/apt/apt.conf.d/als" || :
}

# inside ROOT COMMAND...: runs a command in a root, and ends whatever it has started.
inside() {
    inside_root=$1
    shift
    # shellcheck disable=SC2016 # expanded in the root
    unshare --mount --pid --fork --kill-child chroot "$inside_root" /bin/sh -c '
        mount -t proc proc /proc && mkdir -p /dev/shm && mount -t tmpfs -o mode=1777 shm /dev/shm && exec "$@"' sh \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

#!/bin/sh
# What the programs are linked with: who adds a library adds it here, where it is seen. The
# daemon draws nothing and reads no calendar, so it has nothing to do with Cairo, with libical and
# with what these bring, and nothing that it is linked with has either.
#   check_links.sh PROGRAM
bad=0
[ -x "$1" ] && [ -x "$1-chart" ] && [ -x "$1-calendar" ] ||
    { echo "$1, $1-chart or $1-calendar is not built"; exit 1; }

check() { # program library...
    program=$1
    shift
    for library in $(objdump -p "$program" | sed -n 's/^ *NEEDED *//p' | sed 's/\.so.*//; s/-[0-9]*\.[0-9.]*$//'); do
        case " $* ld-linux-x86-64 ld-linux-aarch64 " in *" $library "*) continue ;; esac
        echo "${program##*/} is linked with $library"
        bad=1
    done
}

check "$1" libc libcrypto libcurl libevent libevent_openssl libhiredis libjansson libm libmpack libpcre2-8 \
    libsqlite3 libssl libxxhash libyaml-0 libz libzstd
check "$1-chart" libc libcairo libfreetype libjansson libm
check "$1-calendar" libc libical
! ldd "$1" | grep -E 'lib(cairo|freetype|fontconfig|png|pixman|X|xcb|ical|icu|stdc)' || bad=1
exit $bad

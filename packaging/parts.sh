# Functions of what is packed with its libraries: which files a program needs, of which Debian
# packages they are, and the licences of these. To be read by a script that runs where the
# program was built.

# libraries PROGRAM...: a line each, "NAME PATH PACKAGE"; ld.so is among them. False, with a
# sentence: one is missing, or no package has it, so nobody knows its licence.
libraries() {
    ldd "$@" | awk '
        /:$/ || seen[$1]++ { next } # of several programs each has its name above it
        $2 == "=>" && $3 == "not" { print $1 " is not found" >"/dev/stderr"; bad = 1 }
        $2 == "=>" && $3 ~ /^\// { print $1, $3 }
        $1 ~ /^\// { name = $1; sub(/.*\//, "", name); print name, $1 }
        END { exit bad }' >"$list.needed" || return 1
    # A library of /lib is found as one of /usr/lib, too, and a package may have either.
    while read -r _ path; do
        echo "$path /usr$path ${path#/usr}"
    done <"$list.needed" | xargs dpkg-query -S 2>/dev/null | grep -v '^diversion' >"$list.owners" || true
    awk 'NR == FNR { owner = $1; sub(/:.*/, "", owner); sub(/^\/usr/, "", $NF); of[$NF] = owner; next }
        { path = $2; sub(/^\/usr/, "", path)
          if (!(path in of)) { print $2 " is of no Debian package" >"/dev/stderr"; bad = 1 }
          print $1, $2, of[path] }
        END { exit bad }' "$list.owners" "$list.needed"
}

# fonts: in the same form, those that pictures are written in.
fonts() {
    for font in DejaVuSans DejaVuSans-Bold; do
        echo "$font.ttf /usr/share/fonts/truetype/dejavu/$font.ttf fonts-dejavu-core"
    done
}

# zones: likewise, what the C library reads of time zones.
zones() {
    echo "zoneinfo /usr/share/zoneinfo tzdata"
}

# library MODE NAME PATH FILE: that library as FILE. ICU's data are 30 MiB of other calendars and
# languages, which nothing here asks for: in their place is a library of ours with none.
library() {
    case $2 in
    libicudata.so.*)
        mkdir -p "${4%/*}"
        symbol=icudt${2#libicudata.so.}_dat
        ${CC:-cc} -O2 -s -shared -fPIC -Wl,--build-id=none -Wl,-soname,"$2" \
            -Wl,--defsym="$symbol"=icu_data -o "$4" "$here/icu_data.c"
        chmod "$1" "$4"
        ;;
    *) install -D -m "$1" "$3" "$4" ;;
    esac
}

# licences FOLDER PACKAGE...: what each package says of itself, in FOLDER/PACKAGE/copyright, and
# the whole texts that they speak of.
licences() {
    install -d "$1/common-licenses"
    to=$(cd "$1" && pwd)
    shift
    (
        cd /usr/share/doc
        for package; do
            shift
            set -- "$@" "$package/copyright"
        done
        cp --parents --no-preserve=mode -L -t "$to" "$@"
    )
    cp -dR /usr/share/common-licenses/. "$to/common-licenses"
}

# pack FILE FOLDER NAME...: a tar of these, whose bytes follow from theirs alone.
pack() {
    tar=$1
    shift
    tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@${SOURCE_DATE_EPOCH:-0}" \
        --format=gnu -cf "$tar" -C "$@"
}

list=$(mktemp)
trap 'rm -f "$list" "$list.needed" "$list.owners"' EXIT

#!/bin/bash
# The manual pages and the completions are made of the program's own tables: every command,
# option and setting stands in them, mandoc finds no fault, and bash completes them.
#   check_manual.sh PROGRAM
set -u
program=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bad=0

complain() {
    echo "$*"
    bad=1
}

# ---- what is in them -------------------------------------------------------------------

mkdir "$scratch/page" "$scratch/wanted"
for page in heeler.1 heeler.yaml.5 heeler-bench.1 heeler-chart.1 heeler-calendar.1 heeler-checks.1; do
    file=build/man/$page
    # The pages name each other, and mandoc looks for such pages on the machine only.
    faults=$(mandoc -T lint "$file" | grep -v 'referenced manual not found: Xr heeler')
    [ -z "$faults" ] || complain "$faults"
    mandoc -T ascii -O width=200 "$file" | col -b | tr -s ' \t' ' ' >"$scratch/page/$page" ||
        complain "$page cannot be shown"
    [ "$(wc -l <"$scratch/page/$page")" -gt 30 ] || complain "$page is empty"
done
for page in $(sed -n 's/^\.Xr \([a-z.-]*\) \([0-9]\).*/\1.\2/p' build/man/*); do
    [ -e "build/man/$page" ] || complain "no page is called $page"
done

in_page() { # PAGE TEXT: looked for below, with all others of the page
    echo "$2" >>"$scratch/wanted/$1"
}

commands=$("$program" --help | sed -n 's/^  \([a-z]*\)   *[a-z].*/\1/p' | grep -v '^heeler$')
[ "$(wc -w <<<"$commands")" -gt 8 ] || complain "the program has no commands"
declare -A options_of # each command, as its page shows them
for command in $commands; do
    options_of[$command]=$("$program" help "$command" | sed -n '/^$/,$p' |
        grep -o '^  --[a-z-]*\(.*, --[a-z-]*\)\?' | grep -o -e '--[a-z-]*')
    in_page heeler.1 "heeler $command"
    for option in ${options_of[$command]}; do
        in_page heeler.1 "$option"
    done
done
keys=$("$program" help settings | sed -n 's/^  \([a-z][a-z0-9_.]*\) \[.*/\1/p')
[ "$(wc -w <<<"$keys")" -gt 100 ] || complain "the program has no settings"
for key in $keys; do
    in_page heeler.yaml.5 "$key (DD_"
done
for file in build/completions/heeler.bash build/completions/_heeler; do
    # shellcheck disable=SC2086 # words
    missing=$(printf '    %s=\n' $keys | grep -vxFf "$file")
    [ -z "$missing" ] || complain "$file does not know$missing"
done
options=$(sed -n 's/^[A-Z]*("\(--[a-z-]*\)".*/\1/p' bench/heeler_bench_table.h)
[ "$(wc -w <<<"$options")" -gt 20 ] || complain "heeler-bench has no options"
for word in $options $(sed -n 's/^COMMAND("\([a-z-]*\)".*/\1/p' bench/heeler_bench_table.h); do
    in_page heeler-bench.1 "$word"
done
version=$("$program" --version | cut -d' ' -f2)
for page in heeler.1 heeler.yaml.5 heeler-bench.1 heeler-chart.1 heeler-calendar.1 heeler-checks.1; do
    in_page "$page" "version $version."
    missing=$(awk 'NR == FNR { page = page $0 "\n"; next } !index(page, $0)' "$scratch/page/$page" "$scratch/wanted/$page")
    [ -z "$missing" ] || complain "$page does not tell of $missing"
done

# ---- bash ----------------------------------------------------------------------------------

. build/completions/heeler.bash

# completes "TEXT" WORD...: each of these is offered behind the text; its words are cut as
# bash cuts them, at blanks and at =.
completes() {
    local text=$1 IFS=$' \n' word
    shift
    read -ra COMP_WORDS <<<"${text//=/ = }"
    case $text in *' ') COMP_WORDS+=('') ;; *=) ;; esac
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    COMPREPLY=()
    _heeler 2>/dev/null
    for word; do
        case " ${COMPREPLY[*]} " in *" $word "*) ;; *) complain "\"$text\" does not offer $word" ;; esac
    done
}

complete -p heeler | grep -q _heeler || complain "nothing completes heeler"
# shellcheck disable=SC2086 # words
completes 'heeler ' $commands --help --version --config --set
completes 'heeler sta' status
[ "${COMPREPLY[*]}" = status ] || complain "more than status is offered: ${COMPREPLY[*]}"
for command in $commands; do
    # shellcheck disable=SC2086 # words
    completes "heeler $command --" --help ${options_of[$command]}
done
# shellcheck disable=SC2086 # words
completes 'heeler help ' $commands settings
completes 'heeler top --by ' metric tag sender
# shellcheck disable=SC2046,SC2086 # words
completes 'heeler run --set ' $(printf '%s= ' $keys)
completes 'heeler run --set log_l' log_level=
completes 'heeler --set log_level=' trace warn off
completes 'heeler --set log_level=w' warn warning
[ "${#COMPREPLY[@]}" -eq 2 ] || complain "log_level=w offers ${COMPREPLY[*]}"
touch "$scratch/my.yaml"
completes "heeler check --config $scratch/my" "$scratch/my.yaml"
completes 'heeler send --to '
[ "${#COMPREPLY[@]}" -eq 0 ] || complain "an address is made up: ${COMPREPLY[*]}"

# ---- zsh -----------------------------------------------------------------------------------

for command in $commands; do
    specs=$(sed -n "/^    $command)\$/,/;;/p" build/completions/_heeler)
    for option in --help ${options_of[$command]}; do
        [[ $specs == *["'*"]"$option["* ]] || complain "zsh: $command does not know $option"
    done
done
# The rest needs the shell itself, which the tests do not install.
if command -v zsh >/dev/null; then
    zsh -n build/completions/_heeler || complain "zsh finds a fault"
    zsh -f -c '_arguments() { print -rl -- "$@" }; words=(heeler top --b); CURRENT=3 PREFIX=--b
        source build/completions/_heeler' >"$scratch/zsh" 2>&1
    grep -q '^--by\[.*(metric tag sender)$' "$scratch/zsh" || complain "zsh: $(cat "$scratch/zsh")"
fi
exit $bad

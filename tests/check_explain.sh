#!/bin/bash
# heeler explain, as somebody who sends metrics has it: by the settings here, and by those of a
# server that runs; its exit status, and that no byte of a stranger reaches the terminal.
#   check_explain.sh PROGRAM
. "${0%/*}/support/script.sh"

# explained STATUS ARGUMENTS...: in $scratch/out.
explained() {
    want=$1
    shift
    "$heeler" explain "$@" >"$scratch/out" 2>"$scratch/err"
    status=$?
    [ "$status" = "$want" ] || { cat "$scratch/out" "$scratch/err"; fail "explain $* ends with $status"; }
}

# shown PATTERN: it stands in the answer.
shown() {
    grep -q -e "$1" "$scratch/out" || { cat "$scratch/out" "$scratch/err"; fail "explain does not show $1"; }
}

explained 0 --set hostname=here.example --set tags=team:shop 'hits:1:2|c|@0.5|#env:dev,host:a,b'
shown '^hits:1:2|c|@0\.5|#env:dev,host:a,b$'
shown '^  type  *c (count): added up over 10 s'
shown '^  rate  *0\.5: each value stands for 2$'
shown '^  host  *a$'
shown '^  with tags  *b (line), env:dev (line), team:shop (tags)$'
shown '^  left out  *host:a (it names the host)$'
shown '^  intake  */api/v2/series$'
shown '^  *hits: rate, interval 10$'
shown '"metric":"hits",.*,0\.6]]'

# The mark is below the byte, also where bytes before it take more columns.
explained 1 "$(printf '\033[2Jhits\302\233:one|c')" good:1\|c
awk 'NR == 1 { at = index($0, "one|c") } NR == 2 { exit index($0, "^ the value is not a number") != at }' \
    "$scratch/out" || { cat "$scratch/out"; fail "the mark is not below the value"; }
shown '^good:1|c$'
! LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" "$scratch/out" || fail "explain sends control bytes"

explained 1 --json 'a:1|x'
shown '^{"line":"a:1|x","sent":false,"kind":"metric","code":"bad_type","reason":"the type is none of.*","at":4}$'
explained 1 'a:1:nan|h|T5' && shown 'unsupported_timestamp' && shown 'nothing is sent'
explained 1 --set metric_filterlist=noisy 'noisy:1|c' && shown 'shed  *1 value (filtered)'
explained 0 --set histogram_aggregates=max --set metric_filterlist=t.max 't:1:2|h'
shown 'dropped  *1 point (filtered)'
explained 1 --set enable_payloads.series=false 't:1|c' && shown 'dropped  *1 point (disabled)'
explained 0 --set metric_tag_filterlist_adp_only=false \
    --set 'metric_tag_filterlist=[{"metric_name":"t","action":"exclude","tags":["k"]}]' 't:1|c|#k:v,z:1'
shown '^  with tags  *z:1 (line)$'
shown '^  left out  *k:v (metric_tag_filterlist names it)$'
explained 0 'a:1|c|zz:1|c:abc|#k:v'
shown '^  container  *abc$'
shown '^  skipped  *zz:1$'
explained 0 "$(printf 'a:1|c\nb:2|c')" # two lines in one
shown '^a:1|c$' && shown '^b:2|c$'
explained 0 '_e{5,4}:title|text|#a:b' '_sc|db|2|m:down'
shown '^  intake  */intake/$'
shown '^  intake  */api/v1/check_run$'
explained 78
explained 78 ''
explained 78 --unknown
explained 78 --set heeler_interval=0 'a:1|c'

start_server "$heeler" --set hostname=there.example --set heeler_interval=3 \
    --set 'dogstatsd_tags=["región:x y"]' \
    --set 'dogstatsd_mapper_profiles=[{"name":"jobs","prefix":"job.","mappings":[{"match":"job.*","name":"job","tags":{"kind":"$1"}}]}]'
explained 0 --at "127.0.0.1:$http" 'job.night:1|g'
shown '^  mapped  *to job by "job\.\*", mapping 1 of the profile "jobs"$'
shown '^  host  *there\.example$'
shown '^  with tags  *kind:night (mapper), región:x y (dogstatsd_tags)$'
shown '^  *job: gauge, interval 3$'
explained 1 --at "127.0.0.1:1" 'job.night:1|g'
kill -TERM "$server"
ended 0

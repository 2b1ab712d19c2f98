#!/bin/sh
# The page shows text of strangers and may run under its strict policy only: nothing in its sources
# makes markup or code of a string, loads from elsewhere, or stands in the page as script or style;
# and whatever a file of it names is there.
# usage: tests/check_page.sh
folder=server/http/page
bad=0

none() { # what-it-is pattern files...
    what=$1 pattern=$2
    shift 2
    found=$(grep -nEi "$pattern" "$@" /dev/null) || return 0
    echo "$what:"
    echo "$found"
    bad=1
}

none "markup or code is made of text" \
    'innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|setHTML|srcdoc|[^a-z]eval *\(|new Function|setTimeout\( *["'"'"'`]|setInterval\( *["'"'"'`]|javascript:' \
    $folder/*.js $folder/*.html $folder/vendor/*.js
none "a style in the markup, which the policy refuses" 'style *=|<style|setAttribute\( *"style"|cssText|[{,] *style:' \
    $folder/*.js $folder/*.html
none "a script in the markup, which the policy refuses" '<script>| on[a-z]+ *= *["'"'"']' $folder/*.html
none "something from elsewhere" '(src|href) *= *"(https?:)?//|@import|url\( *["'"'"']?(https?:)?//|(fetch|import)\( *["'"'"'`]https?:' \
    $folder/*.js $folder/*.html $folder/*.css $folder/vendor/*.css

# An address of the page, and what a module takes from another.
for path in $(grep -ohE '(src|href)="/page/[^"]+"' $folder/index.html | sed 's/.*="\/page\///; s/"$//'); do
    [ -f "$folder/$path" ] && continue
    echo "index.html names /page/$path, and there is none"
    bad=1
done
for module in "$folder"/*.js; do
    head -n 1 "$module" | grep -q "^/\* page/$(basename "$module"): " || {
        echo "$module does not begin with what it is"
        bad=1
    }
    for path in $(grep -ohE 'from "\./[^"]+"' "$module" | sed 's/from "\.\///; s/"$//'); do
        [ -f "$folder/$path" ] && continue
        echo "$module takes something from $path, and there is none"
        bad=1
    done
done
exit $bad

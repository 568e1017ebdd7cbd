# One tree, as debuggers look for it (gdb's manual, "Separate Debug Files"); and that it has what belongs to each program.

readelf=$REPRO_ARCH-repro-linux-musl-readelf
mkdir -p /out/usr/lib/debug
missing=0
for component in /in/*; do
    cp -R "$component/debug/usr/lib/debug/." /out/usr/lib/debug/
    find "$component/run" -type f | LC_ALL=C sort >files
    while IFS= read -r file; do
        id=$("$readelf" -n "$file" 2>/dev/null | sed -n 's/^ *Build ID: //p')
        [ -n "$id" ] || continue
        rest=${id#??}
        debug=/out/usr/lib/debug/.build-id/${id%"$rest"}/$rest.debug
        if "$readelf" -SW "$debug" | grep -q '\.debug_info'; then
            echo "$id ${file#"$component/run"}"
        else
            echo "debuginfo: nothing for $file, build id $id" >&2
            missing=1
        fi
    done <files
done
exit "$missing"

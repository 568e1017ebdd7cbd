# What a build script says about the target. Read by `. /usr/share/repro/cross.sh` of a script that runs by /bin/sh -eu.

arch=@ARCH@
libc=@LIBC@
mode=${REPRO_MODE:-release} # debug keeps debug information, for stages that declare the parameter
target=@TARGET@ # configure's --host
build=x86_64-pc-linux-gnu # configure's --build: said, not guessed
loader=@LOADER@ # what programs name in PT_INTERP

# Configure scripts and makefiles take these from the environment.
export CC=$target-gcc CXX=$target-g++ CPP="$target-gcc -E" AR=$target-ar AS=$target-as LD=$target-ld NM=$target-nm
export RANLIB=$target-ranlib STRIP=$target-strip OBJCOPY=$target-objcopy OBJDUMP=$target-objdump READELF=$target-readelf
export PKG_CONFIG=$target-pkg-config

# flags NAME: exports compiler flags for the source /src/NAME: no path of the build in the result.
flags() {
    case $mode in debug) CFLAGS=-g ;; *) CFLAGS=-g0 ;; esac
    CFLAGS="-O2 $CFLAGS -ffile-prefix-map=/src/$1=$1 -ffile-prefix-map=/build=."
    CXXFLAGS=$CFLAGS
    export CFLAGS CXXFLAGS
}

# autotools NAME [OPTION...]: runs the configure script of /src/NAME, in this folder.
autotools() {
    name=$1
    shift
    "/src/$name/configure" --build="$build" --host="$target" --prefix=/usr --sysconfdir=/etc --localstatedir=/var "$@"
}

# try PROGRAM [ARGUMENT...]: runs a program of the target with the libraries of /target, those of /out before them.
try() {
    @EMULATOR@ @START@ --library-path /out/run/usr/lib:/out/run/lib:/target/usr/lib:/target/lib "$@"
}

# finish: what stands below /out/run loses what nobody needs at run time. In mode debug, debug information goes to /out/debug,
# where debuggers find it by the build id of a file: usr/lib/debug/.build-id/xx/yyyy.debug.
finish() {
    rm -rf /out/run/usr/share/info /out/run/usr/share/man /out/run/usr/share/doc /out/run/usr/share/locale
    find /out/run /out/dev -name '*.la' -type f -exec rm {} + 2>/dev/null || true
    [ "$mode" = release ] || mkdir -p /out/debug
    find /out/run -type f ! -name '*.o' ! -name '*.a' | LC_ALL=C sort | while IFS= read -r file; do
        [ "$(head -c 4 "$file" | tail -c 3)" = ELF ] || continue
        if [ "$mode" = debug ]; then
            id=$("$READELF" -n "$file" 2>/dev/null | sed -n 's/^ *Build ID: //p')
            rest=${id#??}
            if [ -n "$id" ]; then
                place=/out/debug/usr/lib/debug/.build-id/${id%"$rest"}
                mkdir -p "$place"
                "$OBJCOPY" --only-keep-debug "$file" "$place/$rest.debug"
                chmod 0644 "$place/$rest.debug"
            fi
        fi
        chmod u+w "$file"
        "$STRIP" --strip-unneeded "$file"
    done
}

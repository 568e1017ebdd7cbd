# Three flat binaries, by the assembler and the linker alone; loader.s says what they are and how images use them.

[ "$REPRO_ARCH" = x86_64 ] || { echo "bootcode: no boot code for architecture $REPRO_ARCH" >&2; exit 1; }
target=$REPRO_ARCH-repro-linux-musl

# flat NAME ADDRESS SOURCE [OPTION...]: SOURCE, linked to run at ADDRESS, as /out/NAME.bin.
flat() {
    name=$1 address=$2 source=$3
    shift 3
    "$target-as" --32 -mx86-used-note=no --fatal-warnings -I /stage "$@" "/stage/$source" -o "$name.o"
    "$target-ld" -m elf_i386 --fatal-warnings --oformat binary -Ttext="$address" -e start "$name.o" -o "/out/$name.bin"
}
flat mbr 0x7c00 start.s
flat cd 0x7c00 start.s --defsym CD=1
flat loader 0x9000 loader.s
# The disc's file is its own first part with the same loader behind it: a disk's first sector can point there too.
cat /out/loader.bin >>/out/cd.bin

# What the sources say by .org, seen on the results: nothing else got in.
for expected in mbr:440 loader:8192 cd:10240; do
    size=$(stat -c %s "/out/${expected%:*}.bin")
    [ "$size" = "${expected#*:}" ] || { echo "bootcode: ${expected%:*}.bin has $size bytes" >&2; exit 1; }
done
for name in mbr cd loader; do
    "$target-objdump" -d -M i8086 "$name.o" >"$name.dis"
    echo "$name: $(grep -c '^ *[0-9a-f]*:' "$name.dis") lines of code"
done

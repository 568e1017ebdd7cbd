# Programs of all packages, from one tree, at work together. They start each other: what PATH has are small scripts that
# run a program of /target by the target's loader, and nothing of the machine's tools but the shell that reads them.

. /usr/share/repro/cross.sh
flags packages
tools=$PATH

echo "== what each program and library needs is there"
missing=0
for file in $(find /target/usr/bin /target/usr/sbin /target/usr/lib -type f -size +3c | LC_ALL=C sort); do
    case $file in *.o | *.a) continue ;; esac
    [ "$(head -c 4 "$file" | tail -c 3)" = ELF ] || continue
    found=
    for library in $("$READELF" -dW "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
        place=/usr/lib/$library
        [ -e "/target$place" ] || { echo "packages: ${file#/target} needs $library" >&2; missing=1; }
        found="$found $place"
    done
    echo "${file#/target}:$found"
done >/out/resolution.txt
[ "$missing" = 0 ]
[ "$(wc -l </out/resolution.txt)" -gt 200 ]

echo "== names"
mkdir bin
for program in /target/usr/bin/* /target/usr/sbin/*; do
    name=${program##*/}
    if [ "$(head -c 2 "$program")" = '#!' ]; then
        printf '#!/bin/sh\nexec /bin/sh %s "$@"\n' "$program" >"bin/$name"
    else
        printf '#!/bin/sh\n. /usr/share/repro/cross.sh\ntry %s "$@"\n' "$program" >"bin/$name"
    fi
done
chmod 0755 bin/*
export PATH=/build/bin BISON_PKGDATADIR=/target/usr/share/bison M4=/build/bin/m4 MAGIC=/target/usr/share/misc/magic.mgc
export PYTHONHOME=/target/usr TERMINFO=/target/usr/share/terminfo VIMRUNTIME=/target/usr/share/vim/vim90 TERM=xterm
unset MAKEFLAGS MAKELEVEL MFLAGS

# is WHAT WANTED GOT: says which program went wrong.
is() {
    [ "$2" = "$3" ] || { printf 'packages: %s: not\n%s\nbut\n%s\n' "$1" "$2" "$3" >&2; exit 1; }
    echo "$1" >>/out/result.txt
}

echo "== text: bash, coreutils, findutils, gawk, grep, sed"
mkdir -p tree/a tree/b
for i in 1 2 3 4 5 6 7 8 9; do seq "$i" 100 >"tree/a/$i"; done
cp /stage/build.sh tree/b/script
ln -s ../a/1 tree/b/link
cat >sum.bash <<'END'
set -euo pipefail
declare -A sums
while IFS=$'\t' read -r name sum; do sums[$name]=$sum; done < <(
    find tree/a -type f -print0 | sort -z | xargs -0 gawk '{ n[FILENAME] += $1 }
        END { for (f in n) printf "%s\t%d\n", f, n[f] }' | sed -E 's|^tree/a/||' | grep -v '^9'
)
for name in $(printf '%s\n' "${!sums[@]}" | sort -rn | head -n 3); do printf '%s=%s ' "$name" "${sums[$name]}"; done
END
is bash "8=5022 7=5029 6=5035 " "$(bash sum.bash)"

echo "== archives: bzip2, diffutils, gzip, tar, xz"
for kind in gzip bzip2 xz; do
    mkdir "back-$kind"
    tar -cf - tree | $kind -c >"tree.$kind"
    $kind -dc "tree.$kind" | tar -xf - -C "back-$kind"
    is "tar and $kind" "" "$(diff -r tree "back-$kind/tree")"
    # tar starts it itself.
    is "tar of $kind" "$(find tree | wc -l)" "$(tar -tf "tree.$kind" --$kind | wc -l)"
done

echo "== differences: diffutils, patch, vim"
cp tree/b/script text
cp text edited
vim -u NONE -es -c '1,3sort' -c '%s/program/PROGRAM/g' -c wq edited </dev/null
{ diff -u text edited || true; } >changes
is vim "$(sed s/program/PROGRAM/g text | sed 1,3d)" "$(sed 1,3d edited)"
patch -s text changes
is patch "" "$(cmp text edited)"

echo "== generators: bison, flex, m4, make"
cat >reckon.y <<'END'
%{
#include <stdio.h>
int yylex(void);
static void yyerror(const char *text) { printf("%s\n", text); }
%}
%token NUMBER
%left '+' '-'
%left '*' '/'
%%
all: | all sum '\n' { printf("%d ", $2); };
sum: NUMBER | sum '+' sum { $$ = $1 + $3; } | sum '-' sum { $$ = $1 - $3; } | sum '*' sum { $$ = $1 * $3; }
    | sum '/' sum { $$ = $1 / $3; } | '(' sum ')' { $$ = $2; };
%%
int main(void) { return yyparse(); }
END
cat >reckon.l <<'END'
%{
#include <stdlib.h>
#include "reckon.tab.h"
%}
%option noyywrap noinput nounput
%%
[0-9]+  { yylval = atoi(yytext); return NUMBER; }
[ \t]+
.|\n    return *yytext;
END
cat >rules.mk <<'END'
TEN := $(shell seq -s ' ' 10)
all: reckon.tab.c reckon.yy.c sums
%.tab.c: %.y
	bison -d -o $@ $<
%.yy.c: %.l %.tab.c
	flex -o $@ $<
sums: sums.m4
	m4 -DTEN="$(subst $() ,$(comma),$(TEN))" $< >$@
comma := ,
END
cat >sums.m4 <<'END'
define(`sum', `ifelse($#, 1, $1, `eval($1 + sum(shift($@)))')')dnl
(sum(TEN) - 5) * 2
7 - 3 - 2
END
make -s -j2 -f rules.mk
PATH=$tools "$CC" $CFLAGS reckon.tab.c reckon.yy.c -o reckon
is "bison, flex, m4 and make" "100 2 " "$(try ./reckon <sums)"

echo "== languages: lua, python3 with bzip2, freetype, harfbuzz, libffi, libpng, xz, zlib"
cat >words.lua <<'END'
local count = {}
for line in io.lines(arg[1]) do for word in line:gmatch("%l+") do count[word] = (count[word] or 0) + 1 end end
local pipe = io.popen("sort -n | tail -n 1", "w")
for word, n in pairs(count) do pipe:write(n, " ", word, "\n") end
pipe:close()
END
is lua "$(grep -oE '[a-z]+' text | sort | uniq -c | sort -n | tail -n 1 | sed 's/^ *//')" "$(lua words.lua text)"
cat >libraries.py <<'END'
import bz2, ctypes, gzip, lzma, pathlib, subprocess, tarfile, zlib
names = set(tarfile.open("tree.xz", "r:xz").getnames())
assert names == set(tarfile.open("tree.gzip", "r:gz").getnames()) == set(tarfile.open("tree.bzip2", "r:bz2").getnames())
text = pathlib.Path("text").read_bytes()
packed = zlib.compress(text, 9)
assert zlib.decompress(packed) == text and len(packed) < len(text) / 2
assert subprocess.run(["gzip", "-dc"], input=gzip.compress(text), stdout=subprocess.PIPE, check=True).stdout == text
freetype, harfbuzz, png = (ctypes.CDLL(f"lib{name}.so.{number}") for name, number in [
    ("freetype", 6), ("harfbuzz", 0), ("png16", 16)])
library = ctypes.c_void_p()
assert freetype.FT_Init_FreeType(ctypes.byref(library)) == 0
numbers = [ctypes.c_int() for _ in range(3)]
freetype.FT_Library_Version(library, *map(ctypes.byref, numbers))
harfbuzz.hb_version_string.restype = png.png_get_libpng_ver.restype = ctypes.c_char_p
print(*(number.value for number in numbers), harfbuzz.hb_version_string().decode(), png.png_get_libpng_ver(None).decode(),
      zlib.ZLIB_RUNTIME_VERSION)
END
is python3 "2 12 1 6.0.0 1.6.39 1.2.13" "$(python3 libraries.py)"

echo "== disks: e2fsprogs, util-linux"
truncate -s 24M disk
sfdisk -q disk <<'END'
label: gpt
label-id: 01234567-89AB-CDEF-0123-456789ABCDEF
start=2048, size=2MiB, type=U, name=system
start=8192, size=16MiB, type=L, name=root
END
is sfdisk "8192 32768" "$(fdisk -l -o Start,Sectors disk | tail -n 1 | gawk '{ print $1, $2 }')"
truncate -s 16M root
mke2fs -q -t ext4 -L label -d tree root
e2fsck -fn root >/dev/null 2>&1
is debugfs "$(sha256sum <tree/a/7)" "$(debugfs -R 'cat a/7' root 2>/dev/null | sha256sum)"
dd if=root of=disk bs=512 seek=8192 conv=notrunc status=none
is blkid label "$(blkid -p -O $((8192 * 512)) -o value -s LABEL disk)"

echo "== network: curl, dropbear, iproute2"
is curl "mbedTLS/2.28.3 zlib/1.2.13" "$(curl --version | head -n 1 | grep -oE 'mbedTLS/.*')"
curl -sS -o fetched "file:///build/text"
is "curl of a file" "" "$(cmp fetched text)"
is dropbear ssh-ed25519 "$(dropbearkey -t ed25519 -f key | grep -oE '^ssh-ed25519')"
is ip lo "$(ip -o link show | gawk -F': ' '/LOOPBACK/ { print $2 }')"

echo "== terminals: less, nano, ncurses, strace, file"
is tput 8 "$(tput colors)"
is less "$(cat text)" "$(less text </dev/null)"
is nano 7.2 "$(nano --version | grep -oE '7\.2$')"
is strace 6.1 "$(strace -V | gawk 'NR == 1 { print $NF }')"
is file "XZ compressed data, checksum CRC64" "$(file -b tree.xz)"

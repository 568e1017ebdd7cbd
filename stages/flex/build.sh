# flex and its library.

. /usr/share/repro/cross.sh
flags flex

echo "== configure"
# No compiler for the machine that builds is needed for its own scanner, which comes generated; configure asks for one.
host="$target-gcc -static"
[ "$arch" = x86_64 ] || host=gcc
# Where it will find m4; and that the target's malloc and realloc give memory when asked for none.
M4=/usr/bin/m4 ac_cv_func_malloc_0_nonnull=yes ac_cv_func_realloc_0_nonnull=yes CC_FOR_BUILD=$host CFLAGS_FOR_BUILD=-g0 \
    autotools flex --disable-dependency-tracking --disable-nls --disable-bootstrap

echo "== make"
make SUBDIRS=src

echo "== install"
make SUBDIRS=src DESTDIR=/out/run install
mkdir -p /out/dev/usr/lib
mv /out/run/usr/include /out/dev/usr/include
mv /out/run/usr/lib/libfl.a /out/dev/usr/lib/
finish
mv /out/run/usr/lib/libfl.so /out/dev/usr/lib/
cp -P /out/run/usr/lib/libfl.so.* /out/dev/usr/lib/

echo "== check"
cat >words.l <<'END'
%{
static int words;
%}
%option noyywrap
%%
[a-z]+  words++;
.|\n
%%
int main(void) { yylex(); printf("%d\n", words); return 0; }
END
try /out/run/usr/bin/flex -o words.c words.l
"$CC" $CFLAGS words.c -o words
[ "$(printf 'one two, three\nfour' | try ./words)" = 4 ] || { echo "flex: its scanner counts wrong" >&2; exit 1; }

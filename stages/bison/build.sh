# GNU bison. Its archive comes without the manual that examples are extracted from: just the program and what it reads.

. /usr/share/repro/cross.sh
flags bison
# What make would make first, and nobody needs: code of the examples.
skipped="mfcalc_sources= rpcalc_sources= simple_sources= nodist_examples_c_reccalc_reccalc_SOURCES="

echo "== configure"
# Where it will find m4.
M4=/usr/bin/m4 autotools bison --disable-dependency-tracking --disable-nls
printf '%s\n' 'what-is-built-first: $(BUILT_SOURCES)' >>Makefile

echo "== make"
make $skipped what-is-built-first
make $skipped src/bison src/yacc lib/liby.a

echo "== install"
make $skipped DESTDIR=/out/run install-binPROGRAMS install-nodist_binSCRIPTS install-dist_pkgdataDATA \
    install-dist_m4sugarDATA install-dist_skeletonsDATA install-dist_xsltDATA
mkdir -p /out/dev/usr/lib
cp lib/liby.a /out/dev/usr/lib/
finish

echo "== check"
cat >sum.y <<'END'
%{
#include <ctype.h>
#include <stdio.h>
static int yylex(void) {
    int c = getchar();
    if (!isdigit(c)) return c == EOF ? 0 : c;
    extern int yylval;
    return yylval = c - '0', '0';
}
static void yyerror(const char *text) { puts(text); }
%}
%left '+'
%left '*'
%%
all: sum { printf("%d\n", $1); };
sum: '0' | sum '+' sum { $$ = $1 + $3; } | sum '*' sum { $$ = $1 * $3; } | '(' sum ')' { $$ = $2; };
%%
int main(void) { return yyparse(); }
END
export BISON_PKGDATADIR=/out/run/usr/share/bison
try /out/run/usr/bin/bison -o sum.c sum.y
"$CC" $CFLAGS sum.c -o sum
[ "$(printf '2+3*(4+1)' | try ./sum)" = 17 ] || { echo "bison: its parser reckons wrong" >&2; exit 1; }

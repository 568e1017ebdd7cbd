//! Faults that make a build differ, each planted in a small stage with real programs of the seed.

/// A stage, and the causes that are to be named.
pub struct Planted {
    pub name: &'static str,
    pub script: &'static str,
    /// The kinds of causes, of all places together.
    pub causes: &'static [&'static str],
    /// Whether runs have to prove it. What happens now and then may stay suspected.
    pub proved: bool,
}

const fn fault(name: &'static str, causes: &'static [&'static str], script: &'static str) -> Planted {
    Planted { name, script, causes, proved: true }
}

const fn suspected(name: &'static str, causes: &'static [&'static str], script: &'static str) -> Planted {
    Planted { name, script, causes, proved: false }
}

pub const PLANTED: &[Planted] = &[
    fault("clean", &[], "echo same >/out/x; echo 'int f(void) { return 1; }' >x.c; gcc -c x.c -o /out/x.o"),
    // Times.
    fault("gzip", &["gzip-time"], "echo hi >f; gzip -k f; mv f.gz /out/"),
    fault(
        "gzip-perl",
        &["gzip-time"],
        r#"perl -MIO::Compress::Gzip=gzip -e 'my $d = "hi\n"; gzip \$d => "/out/x.gz" or die'"#,
    ),
    fault(
        "macro",
        &["date-macro", "time-zone"],
        "unset SOURCE_DATE_EPOCH
        echo 'const char built[] = __DATE__ \" \" __TIME__;' >x.c; gcc -c x.c -o /out/x.o",
    ),
    fault(
        "macro-linked",
        &["date-macro", "time-zone"],
        r#"unset SOURCE_DATE_EPOCH
        echo 'const char *when(void) { return __TIME__; }' >a.c
        echo 'const char *when(void); int main(void) { return when()[0]; }' >b.c
        printf 'x: a.o b.o\n\tgcc -Wl,--build-id=none -o $@ $^\n' >Makefile
        make; cp x /out/x"#,
    ),
    fault("date", &["text-time"], "date -u >/out/x"),
    fault("date-zone", &["text-time", "time-zone"], "date >/out/x"),
    fault(
        "header",
        &["text-time"],
        "now=$(date +%s); echo '#define BUILT @NOW@' >config.in
        sed \"s/@NOW@/$now/\" <config.in >config.h; mkdir /out/include; cp config.h /out/include/",
    ),
    fault("year", &["text-time"], "date -u +%Y >/out/x"),
    fault(
        "stamp",
        &["data-time"],
        "echo 'const char built[] = STAMP;' >x.c; gcc -DSTAMP=\"\\\"$(date -u)\\\"\" -c x.c -o /out/x.o",
    ),
    fault(
        "bytecode",
        &["bytecode-time"],
        "echo 'x = 1' >m.py
        python3 -c 'import py_compile as p
p.compile(\"m.py\", \"/out/m.pyc\", invalidation_mode=p.PycInvalidationMode.TIMESTAMP)'",
    ),
    fault("ar", &["ar-time"], "echo hi >f; chmod 644 f; ar rcU /out/x.a f"),
    fault(
        "tar-times",
        &["member-time"],
        "mkdir d; echo 1 >d/a; echo 2 >d/b
        tar cf /out/x.tar --sort=name --owner=0 --group=0 --numeric-owner --mode=755 d",
    ),
    fault(
        "zip-times",
        &["member-time"],
        r#"echo hi >f; chmod 644 f; export TZ=UTC
        perl -MIO::Compress::Zip=zip -e 'zip "f" => "/out/x.zip", Minimal => 1 or die'"#,
    ),
    fault("cpio-times", &["member-time"], "echo hi >f; chmod 644 f; echo f | cpio -o -H ustar -R 0:0 >/out/x.tar"),
    // Owners and modes.
    fault(
        "tar-owner",
        &["member-owner"],
        "mkdir d; echo 1 >d/a; tar cf /out/x.tar --sort=name --mtime=@0 --mode=755 d",
    ),
    fault(
        "cpio-owner",
        &["member-owner"],
        "echo hi >f; chmod 644 f; touch -d @0 f; echo f | cpio -o -H newc --reproducible >/out/x.cpio",
    ),
    fault(
        "tar-mode",
        &["member-mode"],
        "mkdir d; echo 1 >d/a; tar cf /out/x.tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner d",
    ),
    fault("umask", &["umask"], "umask >/out/x"),
    fault(
        "executable",
        &["umask"],
        "echo 1 >f; if [ -n \"$(find f -perm -040)\" ]; then echo open; else echo closed; fi >/out/x",
    ),
    fault("whoami", &["user-name"], "id -u >/out/x"),
    // Orders.
    fault(
        "tar-order",
        &["member-order"],
        "mkdir d; for n in $(seq 40); do echo $n >d/$n; done
        tar cf /out/x.tar --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=755 d",
    ),
    fault(
        "cpio-order",
        &["member-order"],
        "mkdir d; for n in $(seq 40); do echo $n >d/$n; done; chmod 644 d/*; touch -d @0 d/*
        cd d; find . -type f | cpio -o -H ustar -R 0:0 >/out/x.tar",
    ),
    fault("find", &["listing-order"], "mkdir d; for n in $(seq 40); do echo $n >d/$n; done; find d -type f >/out/x"),
    fault(
        "listdir",
        &["listing-order"],
        "mkdir d; for n in $(seq 40); do echo $n >d/$n; done
        python3 -c 'import os; print(os.listdir(\"d\"))' >/out/x",
    ),
    fault(
        "linked",
        &["listing-order"],
        "mkdir d; for n in $(seq 30); do echo \"int f$n(void) { return $n; }\" >d/f$n.c; done
        gcc -r -nostdlib -o /out/x.o $(find d -name '*.c')",
    ),
    fault("python-set", &["hash-seed"], "python3 -c 'print({str(n) for n in range(30)})' >/out/x"),
    fault(
        "perl-hash",
        &["hash-seed"],
        "perl -e '%h = map { (\"k$_\", 1) } 1..30; print \"$_\\n\" for keys %h' >/out/x",
    ),
    // Random numbers.
    fault("random", &["random"], "head -c 16 /dev/urandom >/out/x"),
    fault("random-hex", &["random"], "od -An -N16 -tx1 /dev/urandom | tr -d ' ' >/out/x"),
    fault("random-python", &["random"], "python3 -c 'import random; print(random.getrandbits(64))' >/out/x"),
    suspected("mktemp-text", &["temporary-name"], "f=$(mktemp); echo \"generated in $f\" >/out/x"),
    suspected("mktemp-name", &["temporary-name"], "echo same >\"$(mktemp /out/tmp.XXXXXXXX)\"; chmod 644 /out/*"),
    fault(
        "uuid",
        &["uuid"],
        "od -An -N16 -tx1 /dev/urandom | tr -d ' \\n' |
        sed -E 's/(.{8})(.{4})(.{4})(.{4})/\\1-\\2-\\3-\\4-/' >/out/x",
    ),
    fault("build-id", &["build-id"], "echo 'int main(void) { return 0; }' >x.c; gcc -Wl,--build-id=uuid -o /out/x x.c"),
    // Memory.
    // By chance the upper halves of two addresses are alike.
    suspected(
        "padding",
        &["padding"],
        r#"cat >x.c <<'END'
#include <stdio.h>
struct record { int number; double value; };
__attribute__((noinline)) static void dirty(void) {
    void *volatile all[64];
    for (int i = 0; i < 64; i++) all[i] = (void *)&all[i];
}
__attribute__((noinline)) static void leave(FILE *f) {
    struct record all[8];
    for (int i = 0; i < 8; i++) { all[i].number = i; all[i].value = i; }
    fwrite(all, sizeof all, 1, f);
}
int main(void) { FILE *f = fopen("/out/x", "wb"); dirty(); leave(f); return fclose(f); }
END
gcc -O0 -o x x.c; ./x"#,
    ),
    fault(
        "address",
        &["address"],
        r#"printf '#include <stdio.h>\nint main(void) { int x; return printf("at %%p\\n", (void *)&x) < 0; }\n' >x.c
        gcc -o x x.c; ./x >/out/x"#,
    ),
    // Surroundings.
    fault("locale", &["locale"], "echo \"sorted as in $LC_ALL\" >/out/x"),
    fault("zone", &["time-zone"], "date -d @86400 >/out/x"),
    fault("environment", &["environment"], "env | grep '^COLUMNS' >/out/x || true"),
    fault("user", &["user-name"], "echo \"by ${USER-nobody}\" >/out/x"),
    fault("home", &["home"], "echo \"cache = $HOME/.cache\" >/out/x"),
    fault("host", &["host-name"], "uname -n >/out/x"),
    fault(
        "host-macro",
        &["host-name"],
        "echo 'const char by[] = HOST;' >x.c; gcc -DHOST=\"\\\"$(uname -n)\\\"\" -c x.c -o /out/x.o",
    ),
    fault("kernel", &["kernel-release"], "uname -r >/out/x"),
    fault("cores", &["core-count"], "nproc >/out/x"),
    fault("debugging", &["debug-path"], "echo 'int f(void) { return 1; }' >x.c; gcc -g -c x.c -o /out/x.o"),
    fault(
        "file-macro",
        &["build-path"],
        "echo 'const char f[] = __FILE__;' >x.c; gcc -c \"$(/bin/pwd -P)/x.c\" -o /out/x.o",
    ),
    fault("path-text", &["build-path"], "echo \"prefix=$(/bin/pwd -P)\" >/out/x.pc"),
    fault(
        "run-path",
        &["run-path"],
        "echo 'int f(void) { return 1; }' >x.c
        gcc -shared -fPIC -Wl,--build-id=none -Wl,-rpath,\"$(/bin/pwd -P)/lib\" -o /out/x.so x.c",
    ),
    // Processes.
    suspected("race", &["race"], "for n in $(seq 24); do (echo $n >>/out/x) & done; wait"),
    suspected(
        "race-make",
        &["race"],
        "printf 'all: %s\\n' \"$(seq -s ' ' 24)\" >Makefile
        for n in $(seq 24); do printf '%s:\\n\\t@echo $@ >>/out/x\\n' $n; done >>Makefile; make -j8",
    ),
    fault("process", &["process-id"], "echo $$ >/out/x"),
    fault("process-name", &["process-id"], "echo same >/out/part.$$"),
    fault("inode", &["file-data"], "echo 1 >f; stat -c %i f >/out/x"),
    fault("listing", &["file-data"], "echo 1 >f; ls -l --time-style=+%s f | cut -d ' ' -f 6 >/out/x"),
    suspected(
        "duration",
        &["load"],
        "python3 -c 'import time
begun = time.monotonic()
sum(range(100000))
print(\"took %.6f s\" % (time.monotonic() - begun))' >/out/x",
    ),
    // Two in one file.
    fault("date-umask", &["text-time", "umask"], "{ date -u; umask; } >/out/x"),
    fault("date-random", &["random", "text-time"], "{ date +%s; od -An -N8 -tx1 /dev/urandom | tr -d ' '; } >/out/x"),
    fault("owner-host", &["user-name", "host-name"], "{ id -u; uname -n; } >/out/x"),
    fault(
        "tar-all",
        &["member-time", "member-owner", "member-mode"],
        "mkdir d; echo 1 >d/a; tar cf /out/x.tar --sort=name d",
    ),
    fault(
        "debug-macro",
        &["debug-path", "build-path"],
        "echo 'const char f[] = __FILE__;' >x.c; gcc -g -c \"$(/bin/pwd -P)/x.c\" -o /out/x.o",
    ),
];

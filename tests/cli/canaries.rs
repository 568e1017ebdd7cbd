//! Classic mistakes, each made by one small stage with the real compiler, and the audit that has to find exactly them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::audit::store;
use crate::environment::copy;

/// Something of the host that no stage may see, in its user's name, in variables and in the project's path.
const MARKER: &str = "marker7291";

/// A stage and the rules that it breaks, each with its severity.
struct Canary {
    name: &'static str,
    /// What its definition has besides the seed.
    settings: &'static str,
    script: &'static str,
    breaks: &'static [&'static str],
}

/// What is compiled against: headers, start file and libraries that a stage made of nothing but its own text.
const PLATFORM: &str = r#"
mkdir -p /out/usr/include/linux /out/usr/lib/pkgconfig
cd /out/usr
echo '#define ANSWER 42' >include/answer.h
echo '#define LINUX_VERSION_CODE 393472' >include/linux/version.h
echo 'Name: answer' >lib/pkgconfig/answer.pc
cc='gcc -O1 -ffreestanding -nostdinc -fno-stack-protector -c -xc -'
echo 'int answer(int x) { return 6 * x; }' | $cc -o /build/answer.o
ar rcsD lib/libanswer.a /build/answer.o
echo 'int main(void); void _start(void) { main(); for (;;); }' | $cc -o lib/crt1.o
"#;

const TARGET: &str = "target = [\"stage:platform\"]";
/// A script's compiler that takes nothing by itself.
const CC: &str = "cc() { gcc -O1 -ffreestanding -fno-stack-protector \"$@\"; }\n";

const CANARIES: &[Canary] = &[
    Canary { name: "platform", settings: "", script: PLATFORM, breaks: &[] },
    Canary {
        name: "header",
        settings: "",
        script: "echo '#include <zlib.h>\nconst int version = ZLIB_VERNUM;' | cc -c -I/usr/include -xc - -o /out/x.o",
        breaks: &["error leak-header"],
    },
    Canary {
        name: "header-good",
        settings: TARGET,
        script: "echo '#include <answer.h>\nconst int answer = ANSWER;' |
            cc -nostdinc -c -I/target/usr/include -xc - -o /out/x.o",
        breaks: &[],
    },
    Canary {
        name: "kernel-header",
        settings: "",
        script: "echo '#include <linux/version.h>\n#include <asm/unistd.h>\nint v[] = { LINUX_VERSION_CODE, __NR_read };' |
            cc -nostdinc -c -isystem /usr/include -isystem /usr/include/x86_64-linux-gnu -xc - -o /out/x.o",
        breaks: &["error leak-header"],
    },
    Canary {
        name: "kernel-header-good",
        settings: TARGET,
        script: "echo '#include <linux/version.h>\nint v = LINUX_VERSION_CODE;' |
            cc -nostdinc -c -isystem /target/usr/include -xc - -o /out/x.o",
        breaks: &[],
    },
    Canary {
        name: "header-by-steps",
        settings: "",
        script: "echo '#include <linux/version.h>\nint v = LINUX_VERSION_CODE;' >x.c
            cc -E -P x.c -I/usr/include -o y.c; sed 's/v/w/' y.c >z.c; cc -c -nostdinc z.c; mv z.o w.o
            ar rcD half.a w.o; cp half.a /out/libw.a",
        breaks: &["error leak-header"],
    },
    Canary {
        name: "library",
        settings: "",
        script: "echo 'unsigned long adler32(unsigned long, const char *, unsigned);
            void _start(void) { for (;;) adler32(1, \"x\", 1); }' >x.c
            cc -nostdlib -static -o /out/x x.c -L/usr/lib -L/usr/lib/x86_64-linux-gnu -lz",
        breaks: &["error leak-library"],
    },
    Canary {
        name: "library-good",
        settings: TARGET,
        script: "echo 'int answer(int); void _start(void) { for (;;) answer(7); }' >x.c
            cc -nostdlib -static -o /out/x x.c -L/target/usr/lib -lanswer",
        breaks: &[],
    },
    Canary {
        // What only helps to build, with the library that its loader opens for it, is not in what it writes.
        name: "helper-good",
        settings: "",
        script: "echo '#include <stdio.h>\nint main(void) { FILE *f = fopen(\"/out/x\", \"w\"); fputs(\"made\", f); return fclose(f); }' >x.c
            gcc -o helper x.c; ./helper",
        breaks: &[],
    },
    Canary {
        name: "start-file",
        settings: "",
        script: "echo 'int main(void) { return 0; } void __libc_start_main(void) { for (;;) main(); }' >x.c
            cc -nostdlib -static -o /out/x /usr/lib/x86_64-linux-gnu/crt1.o x.c",
        breaks: &["error leak-start-file"],
    },
    Canary {
        name: "start-file-good",
        settings: TARGET,
        script: "echo 'int main(void) { return 0; }' >x.c; cc -nostdlib -static -o /out/x /target/usr/lib/crt1.o x.c",
        breaks: &[],
    },
    Canary {
        name: "configured",
        settings: "",
        script: "echo 'char deflate(); int main(void) { return deflate(); }' >conftest.c
            libs=; if gcc -o conftest conftest.c -lz; then libs=-lz; fi
            echo 'int deflate(); int f(void) { return deflate(); }' >x.c
            cc -nostdlib -fPIC -shared -o /out/libx.so x.c $libs",
        breaks: &["error leak-library"],
    },
    Canary {
        name: "configured-good",
        settings: TARGET,
        script: "echo 'int answer(); void _start(void) { answer(); }' >conftest.c
            libs=; if cc -nostdlib -L/target/usr/lib -o conftest conftest.c -lanswer; then libs=-lanswer; fi
            echo 'int answer(); int f(void) { return answer(); }' >x.c
            cc -nostdlib -fPIC -shared -o /out/libx.so x.c -L/target/usr/lib $libs",
        breaks: &[],
    },
    Canary {
        name: "rpath",
        settings: "",
        script: "echo 'int f(void) { return 1; }' >x.c
            cc -nostdlib -fPIC -shared -Wl,-rpath,/build/src/.libs -o /out/libx.so x.c",
        breaks: &["error elf-rpath-build", "error leak-build-path"],
    },
    Canary {
        name: "rpath-good",
        settings: "",
        script: "echo 'int f(void) { return 1; }' >x.c
            cc -nostdlib -fPIC -shared -Wl,-rpath,'$ORIGIN' -o /out/libx.so x.c",
        breaks: &[],
    },
    Canary {
        name: "libtool",
        settings: "",
        script: "mkdir -p /out/usr/lib
            echo \"# libx.la - a libtool library file\ndependency_libs=' -L/build/src/.libs'\nlibdir='/usr/lib'\" >/out/usr/lib/libx.la",
        breaks: &["error leak-build-path", "error libtool-foreign-path"],
    },
    Canary {
        name: "path",
        settings: "",
        script: "echo 'const char f[] = __FILE__;' >x.c; cc -c -o /out/x.o /build/x.c",
        breaks: &["error leak-build-path"],
    },
    Canary {
        name: "path-good",
        settings: "",
        script: "echo 'const char f[] = __FILE__;' >x.c; cc -ffile-prefix-map=/build=. -c -o /out/x.o /build/x.c",
        breaks: &[],
    },
    Canary {
        name: "home",
        settings: "env = { INSTALLER = \"/home/mallory\" }",
        script: "echo \"const char f[] = \\\"$INSTALLER/share\\\";\" >x.c; cc -c -o /out/x.o x.c",
        breaks: &["warning leak-home-path"],
    },
    Canary {
        name: "user",
        settings: "env = { LOGNAME = \"marker7291\" }",
        script: "echo \"const char by[] = \\\"built by $LOGNAME\\\";\" >x.c; cc -c -o /out/x.o x.c",
        breaks: &["warning leak-user-name"],
    },
    Canary {
        name: "lookup",
        settings: "",
        script: "for place in /opt/ssl /usr/local/ssl /home/lib; do test -e $place/openssl.h && exit 1; done; echo >/out/x",
        breaks: &["warning host-lookup"],
    },
    Canary {
        name: "package",
        settings: TARGET,
        script: "read -r line </usr/lib/x86_64-linux-gnu/pkgconfig/zlib.pc; echo '#include <answer.h>\nint v = ANSWER;' >x.c
            cc -nostdinc -c -I/target/usr/include -o /out/x.o x.c",
        breaks: &["warning search-outside-sysroot"],
    },
    Canary {
        name: "package-good",
        settings: TARGET,
        script: "read -r line </target/usr/lib/pkgconfig/answer.pc; echo \"int v = sizeof \\\"$line\\\";\" >x.c
            cc -c -o /out/x.o x.c",
        breaks: &[],
    },
    Canary {
        name: "other-libc",
        settings: "",
        script: "mkdir -p /out/usr/lib/other; cp -L /lib/x86_64-linux-gnu/libc.so.6 /out/usr/lib/other/",
        breaks: &["error leak-library"],
    },
    Canary {
        name: "loader",
        settings: "MORE stage:other-libc",
        script: "LD_LIBRARY_PATH=/usr/lib/other env >/out/x",
        breaks: &["error loader-mismatch"],
    },
    Canary {
        name: "unused",
        settings: TARGET,
        script: "echo 'int x;' | cc -c -xc - -o /out/x.o",
        breaks: &["note input-unused"],
    },
    Canary {
        name: "host",
        settings: "",
        script: "{ id; uname -n; pwd; env; cat /proc/self/environ /proc/self/cmdline /proc/self/mountinfo; ls -R /proc; } |
            tr -d '\\0' >/out/x",
        breaks: &[],
    },
];

/// A stage that takes what another one compiled wrongly: what it delivers has the mistake, through both.
const DEEP: &str = "schema = 1\nsummary = \"deep\"\ntools = [\"sysroot:tools\"]\ninputs = [\"stage:header\"]\n";

struct Canaries {
    project: PathBuf,
}

impl Canaries {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        // Always the same folder: the store keeps roots of a project by its path.
        let project = Path::new(env!("CARGO_TARGET_TMPDIR")).join(MARKER);
        copy(&root.join("sysroots"), &project.join("sysroots"));
        std::fs::copy(root.join("lockfile.json"), project.join("lockfile.json")).expect("copy the lockfile");
        let write = |path: &str, text: &str| {
            let path = project.join("stages").join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("make folders");
            std::fs::write(path, text).expect("write a file");
        };
        write("sources.toml", "");
        for Canary { name, settings, script, .. } in CANARIES {
            let more = settings.strip_prefix("MORE ").map(|layer| format!(", \"{layer}\"")).unwrap_or_default();
            let settings = if more.is_empty() { settings } else { "" };
            let head = format!("schema = 1\nsummary = \"{name}\"\ntools = [\"sysroot:seed\"{more}]\n");
            write(&format!("{name}/stage.toml"), &format!("{head}{settings}\n"));
            write(&format!("{name}/build.sh"), &format!("{CC}{script}\n"));
        }
        write("deep/stage.toml", DEEP);
        write("deep/build.sh", "mkdir /out/lib; cp /in/header/x.o /out/lib/y.o");
        Self { project }
    }

    fn repro(&self, args: &[&str]) -> Output {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("repro"));
        command.args(args).current_dir(&self.project).env("REPRO_STORE", store());
        command.env("USER", MARKER).env("LOGNAME", MARKER).env("CC", MARKER).env("CANARY", MARKER);
        command.output().expect("run repro")
    }

    /// Rules that a stage's output breaks, and the report.
    fn audit(&self, stage: &str) -> (BTreeSet<String>, Value) {
        let output = self.repro(&["audit", stage, "--json"]);
        let text = String::from_utf8(output.stdout).expect("repro writes UTF-8");
        let report: Value = serde_json::from_str(&text)
            .unwrap_or_else(|_| panic!("{stage}: {text}{}", String::from_utf8_lossy(&output.stderr)));
        let findings = report["findings"].as_array().expect("findings");
        let word = |finding: &Value, key: &str| finding[key].as_str().expect("a word").to_owned();
        let broken = findings.iter().map(|it| format!("{} {}", word(it, "severity"), word(it, "rule"))).collect();
        (broken, report)
    }
}

#[test]
fn each_mistake_is_found_and_nothing_else() {
    let canaries = Canaries::new();
    // What is delivered is refused, since it has errors; here it is looked at all the same.
    let mut build = vec!["build", "--offline", "--audit=warn", "deep"];
    build.extend(CANARIES.iter().map(|canary| canary.name));
    let mut built = canaries.repro(&build);
    if built.status.code() == Some(5) {
        if std::env::var_os("REPRO_TEST_NO_SKIP").is_none() {
            eprintln!("SKIPPED: the sysroot `seed` is not in the store `{}`", store().display());
            return;
        }
        build.retain(|word| *word != "--offline");
        built = canaries.repro(&build);
    }
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let refused = canaries.repro(&["build", "--offline", "deep"]);
    let text = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(1) && text.contains("leak-header"), "{text}");
    let mut wrong = Vec::new();
    for Canary { name, breaks, .. } in CANARIES {
        let (found, report) = canaries.audit(name);
        let wanted: BTreeSet<String> = breaks.iter().map(|rule| (*rule).to_owned()).collect();
        if found != wanted {
            wrong.push(format!("{name}: {wanted:?}, but {found:?}: {:#}", report["findings"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // The finding tells the output, the process and the header, through as many stages as there are.
    let (found, report) = canaries.audit("deep");
    assert_eq!(found, BTreeSet::from(["error leak-header".to_owned()]), "{report:#}");
    let finding = &report["findings"][0];
    assert_eq!(finding["object"], "header:x.o", "{report:#}");
    let evidence = finding["evidence"].as_array().expect("evidence");
    let shows = |kind: &str, text: &str| {
        let of_kind = evidence.iter().filter(|one| one["kind"] == kind);
        assert!(
            of_kind.into_iter().any(|one| one["text"].as_str().is_some_and(|all| all.contains(text))),
            "{report:#}"
        );
    };
    shows("process", "cc1");
    shows("command", "-I /usr/include");
    shows("read", "sysroot:seed/usr/include/");

    // Nothing of whoever builds is in any output.
    let seen = std::fs::read(canaries.project.join("out/host/x")).expect("the output is there");
    assert!(seen.windows(6).any(|bytes| bytes == b"/build"), "{}", String::from_utf8_lossy(&seen));
    for name in CANARIES.iter().map(|canary| canary.name).filter(|name| *name != "user") {
        let mut folders = vec![canaries.project.join("out").join(name)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("list an output") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let bytes = std::fs::read(&path).expect("read a file");
                let marked = bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes());
                assert!(!marked, "{} holds what only the host has", path.display());
            }
        }
    }
}

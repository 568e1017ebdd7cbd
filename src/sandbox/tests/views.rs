//! Trees as a stage sees them, and what comes out.

use std::fs;

use super::*;

fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn trees_are_where_they_belong() {
    let (low, high) = (tree(&[("lib/a", "low"), ("lib/b", "low")]), tree(&[("lib/a", "high")]));
    let (plain, open, stage_dir) =
        (tree(&[("x", "plain")]), tree(&[("x", "open"), ("d/y", "")]), tree(&[("s", "stage")]));
    let mut stage = Stage::sh(
        "cat /target/lib/a /target/lib/b /src/plain/x /src/open/x /in/other/lib/b /stage/s; echo
for place in /target /src/plain /in/other /stage /dev /usr; do
    if touch $place/new 2>/dev/null; then echo $place is writable; fi
done
echo changed > /src/open/x; rm -r /src/open/d; mkdir /src/open/d; ls -A /src/open/d; cat /src/open/x
rm -r /lib64; mkdir /lib64; touch /lib64/new /etc_like",
    );
    stage.made.target = vec![high.path().into(), low.path().into()];
    stage.made.sources = vec![("plain".into(), plain.path().into(), false), ("open".into(), open.path().into(), true)];
    stage.made.inputs = vec![("other".into(), low.path().into())];
    stage.made.stage_dir = stage_dir.path().into();
    // The dynamic loader is in /lib64: what is removed last is not needed any more.
    stage.made.argv = [
        "/usr/bin/python3",
        "-ISBc",
        "import subprocess, sys; sys.exit(subprocess.call(['/bin/sh', '-euc', sys.argv[1]]))",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain(stage.made.argv.last().cloned())
    .collect();
    let (finished, log) = stage.run();
    assert!(log.starts_with("highlowplainopenlowstage\nchanged\n"), "{log}");
    assert!(matches!(finished.outcome, Outcome::Exited(_)), "{log}");
    assert_eq!(fs::read_to_string(open.path().join("x")).unwrap(), "open");
    assert!(open.path().join("d/y").exists());
}

#[test]
fn mount_points_cover_links_that_lead_elsewhere() {
    let victim = tempfile::tempdir().unwrap();
    let mut stage = Stage::sh("touch /out/x /build/y; test -d /out; test ! -L /out");
    let root = stage.made.tools[0].clone();
    std::os::unix::fs::symlink(victim.path(), root.join("out")).unwrap();
    std::os::unix::fs::symlink("/proc", root.join("src")).unwrap();
    fs::write(root.join("build"), "a file").unwrap();
    let source = tree(&[("x", "")]);
    stage.made.sources = vec![("name".into(), source.path().into(), false)];
    stage.output();
    assert_eq!(fs::read_dir(victim.path()).unwrap().count(), 0);
}

#[test]
fn results_come_out_by_descriptor() {
    let script = "mkdir /out/d; echo kept > /out/d/f; echo half > /build/h; exit 3";
    let (finished, _) = Stage::sh(script).run();
    assert_eq!(finished.outcome, Outcome::Exited(3));
    assert_eq!(read_at(&finished.out, "d/f"), "kept\n");
    assert_eq!(read_at(&finished.build, "h"), "half\n");
    assert!(finished.usage.user + finished.usage.system > Duration::ZERO);
    assert!(finished.usage.max_rss > 100 << 10 && finished.wall > Duration::ZERO);
}

#[test]
fn inputs_have_the_fixed_time() {
    let log = Stage::sh("stat -c '%Y %n' / /build /out /tmp /dev /dev/shm").output();
    for line in log.lines() {
        assert!(line.starts_with("315532800 "), "{line}");
    }
}

#[test]
fn layers_may_be_many_and_have_long_names() {
    let base = tempfile::tempdir().unwrap();
    let deep = base.path().join("n".repeat(200)).join("m".repeat(200));
    let layers: Vec<_> = (0..100).map(|number| deep.join(format!("layer{number}"))).collect();
    for (number, layer) in layers.iter().enumerate() {
        fs::create_dir_all(layer).unwrap();
        fs::write(layer.join(format!("file{number}")), "").unwrap();
    }
    let mut stage = Stage::sh("ls /target | wc -l");
    stage.made.target = layers;
    assert_eq!(stage.output(), "100\n");
}

#[test]
fn a_terminal_is_the_stages_own() {
    use std::os::fd::AsFd;
    let mut stage =
        Stage::sh("tty; test -t 0 && test -t 1 && echo yes; stty size 2>/dev/null || true; read line; echo got $line");
    stage.made.terminal = true;
    let (input, keys) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let (screen, output) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    rustix::io::write(&keys, b"hello\n").unwrap();
    let cancel = CancelToken::new().unwrap();
    let terminal = Terminal { input: input.as_fd(), output: output.as_fd() };
    let mut log = Vec::new();
    let io = RunIo {
        log: &mut |b| log.extend_from_slice(b),
        jobserver: None,
        cancel: &cancel,
        tracing: Tracing::Off,
        terminal: Some(terminal),
    };
    let finished = stage.plan().run(&Launchers::new(), io).unwrap();
    drop(output);
    let mut shown = String::new();
    std::fs::File::from(screen).read_to_string(&mut shown).unwrap();
    assert_eq!(finished.outcome, Outcome::Exited(0), "{shown}");
    // The terminal echoes what is typed whenever it comes: between any two lines.
    for part in ["/dev/pts/0", "yes", "got hello\r\n"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(log.is_empty());
}

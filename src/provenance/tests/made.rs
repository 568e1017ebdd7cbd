//! Traces made by hand: what each kind of edge leads to.

use super::{Hand, reached};
use crate::provenance::Class::{Control, Data, Tool};
use crate::provenance::versions::SLACK;
use crate::trace::{MoveKind, Ways};

const MADE: Ways = Ways::WRITTEN.and(Ways::CREATED);

#[test]
fn a_compilation_by_temporary_files_and_a_pipe() {
    let mut hand = Hand::default();
    let sh = hand.process(0, "/bin/sh -eu /stage/build.sh");
    hand.has(sh, "/stage/build.sh", Ways::READ);
    let driver = hand.process(sh, "/usr/bin/gcc -o /out/p a.c");
    hand.has(driver, "/tmp/1.s", MADE);
    let cc1 = hand.process(driver, "/usr/libexec/cc1 a.c -o /tmp/1.s");
    hand.has(cc1, "/src/p/a.c", Ways::READ);
    hand.has(cc1, "/target/usr/include/stdio.h", Ways::READ);
    hand.has(cc1, "/usr/include/stdio.h", Ways::LOOKED);
    hand.has(cc1, "/tmp/1.s", Ways::WRITTEN);
    hand.has(cc1, "pipe:7", Ways::WRITTEN.and(Ways::STANDARD));
    let sed = hand.process(driver, "/usr/bin/as -o /tmp/1.o");
    hand.has(sed, "/usr/lib/ld-linux-x86-64.so.2", Ways::LOADER);
    hand.has(sed, "/usr/lib/libc.so.6", Ways::READ);
    hand.has(sed, "pipe:7", Ways::READ.and(Ways::STANDARD));
    hand.has(sed, "/tmp/1.o", MADE);
    let ld = hand.process(driver, "/usr/bin/ld -o /out/p");
    // The output is opened before the inputs.
    hand.has(ld, "/out/p", MADE);
    hand.has(ld, "/tmp/1.o", Ways::READ);
    hand.has(ld, "/target/usr/lib/crt1.o", Ways::READ);
    hand.has(ld, "/usr/lib/libc.so", Ways::READ);
    let other = hand.process(sh, "/usr/bin/cat /stage/other");
    hand.has(other, "/stage/other", Ways::READ);
    hand.has(other, "/out/other", MADE);
    let found = reached(&hand, "/out/p");
    let of = |class| found.iter().filter(|(_, is)| **is == class).map(|(path, _)| path.as_str()).collect::<Vec<_>>();
    assert_eq!(
        hand.data("/out/p"),
        ["/src/p/a.c", "/target/usr/include/stdio.h", "/target/usr/lib/crt1.o", "/usr/lib/libc.so"]
    );
    let tools = ["/usr/bin/as", "/usr/bin/gcc", "/usr/bin/ld", "/usr/lib/ld-linux-x86-64.so.2", "/usr/lib/libc.so.6"];
    assert_eq!(of(Tool), [&tools[..], &["/usr/libexec/cc1"]].concat());
    assert_eq!(of(Control), ["/stage/build.sh"]);
}

#[test]
fn who_wrote_before_a_file_was_made_anew_has_nothing_to_do_with_it() {
    let mut hand = Hand::default();
    let sh = hand.process(0, "/bin/sh");
    for (name, output) in [("one", "/out/one"), ("two", "/out/two"), ("three", "/out/three")] {
        let write = hand.process(sh, "/usr/bin/sed");
        hand.has(write, &format!("/src/{name}/in"), Ways::READ);
        hand.has(write, "/tmp/t", MADE);
        hand.pause();
        let read = hand.process(sh, "/usr/bin/sed");
        hand.has(read, "/tmp/t", Ways::READ);
        hand.has(read, output, MADE);
        hand.pause();
        let remove = hand.process(sh, "/usr/bin/rm");
        hand.has(remove, "/tmp/t", Ways::REMOVED);
        hand.pause();
    }
    for name in ["one", "two", "three"] {
        assert_eq!(hand.data(&format!("/out/{name}")), [format!("/src/{name}/in")]);
    }
}

#[test]
fn all_who_append_and_nobody_who_came_later() {
    let mut hand = Hand::default();
    let sh = hand.process(0, "/bin/sh");
    for (at, name) in ["a", "b", "c"].iter().enumerate() {
        let write = hand.process(sh, "/usr/bin/sed");
        hand.has(write, &format!("/src/{name}"), Ways::READ);
        hand.has(write, "/build/log", if at == 0 { MADE } else { Ways::WRITTEN });
        hand.pause();
        if *name == "b" {
            let read = hand.process(sh, "/usr/bin/sort");
            hand.has(read, "/build/log", Ways::READ);
            hand.has(read, "/out/sorted", MADE);
            hand.pause();
        }
    }
    assert_eq!(hand.data("/out/sorted"), ["/src/a", "/src/b"]);
    assert_eq!(hand.data("/build/log"), ["/src/a", "/src/b", "/src/c"]);
}

#[test]
fn what_a_process_read_after_others_took_what_it_wrote_does_not_count() {
    let mut hand = Hand::default();
    let sh = hand.process(0, "/bin/sh");
    let first = hand.process(sh, "/usr/bin/sed");
    hand.has(first, "/build/late", MADE);
    let long = hand.process(sh, "/usr/bin/daemon");
    hand.has(long, "/build/early", Ways::READ.and(MADE));
    hand.has(long, "/build/answer", MADE);
    hand.pause();
    let taker = hand.process(sh, "/usr/bin/sort");
    hand.has(taker, "/build/answer", Ways::READ);
    hand.has(taker, "/out/x", MADE);
    hand.pause();
    hand.has(long, "/build/late", Ways::READ);
    let index = hand.index();
    let walk = super::Walk::new(&mut { index }, &[hand.path("/out/x")]);
    assert!(walk.steps.contains_key(&taker) && walk.steps.contains_key(&long) && !walk.steps.contains_key(&first));
}

#[test]
fn renames_links_and_folders_that_move() {
    let mut hand = Hand::default();
    let sh = hand.process(0, "/bin/sh");
    let write = hand.process(sh, "/usr/bin/sort");
    hand.has(write, "/src/p/a", Ways::READ);
    hand.has(write, "/build/tmp/root/usr/a", MADE);
    hand.pause();
    let mv = hand.process(sh, "/usr/bin/mv /build/tmp/root /build/root");
    hand.moves(mv, MoveKind::Rename, "/build/tmp/root", "/build/root");
    hand.pause();
    let ln = hand.process(sh, "/usr/bin/ln /build/root/usr/a /build/b");
    hand.moves(ln, MoveKind::Link, "/build/root/usr/a", "/build/b");
    hand.pause();
    // The old name is taken by another, which was not what was linked.
    let again = hand.process(sh, "/usr/bin/sort");
    hand.has(again, "/src/p/other", Ways::READ);
    hand.has(again, "/build/tmp/root/usr/a", MADE);
    hand.pause();
    let cat = hand.process(sh, "/usr/bin/cat");
    hand.has(cat, "/build/b", Ways::READ);
    hand.has(cat, "/out/b", MADE);
    assert_eq!(hand.data("/out/b"), ["/src/p/a"]);
    assert_eq!(hand.data("/build/root/usr/a"), ["/src/p/a"]);
    assert_eq!(hand.data("/build/tmp/root/usr/a"), ["/src/p/other"]);
    // Between two file systems nothing moves: whoever tries copies, and then the attempt says nothing.
    let mv = hand.process(sh, "/usr/bin/mv /build/b /out/c");
    hand.moves(mv, MoveKind::Rename, "/build/b", "/out/c");
    assert!(hand.data("/out/c").is_empty());
}

#[test]
fn moves_that_cannot_have_been_lead_nowhere() {
    let mut hand = Hand::default();
    let mv = hand.process(0, "/usr/bin/mv");
    hand.has(mv, "/build/a/x", MADE);
    hand.moves(mv, MoveKind::Rename, "/build/a/b", "/build/a");
    hand.moves(mv, MoveKind::Rename, "/build/a", "/build/a/b");
    hand.moves(mv, MoveKind::Exchange, "/build/a", "/build/c");
    assert!(hand.data("/build/a/x").is_empty());
    assert!(hand.data("/build/c/b/x").is_empty());
}

#[test]
fn near_events_may_be_in_the_wrong_order() {
    let mut hand = Hand::default();
    let sh = hand.process(0, "/bin/sh");
    let old = hand.process(sh, "/usr/bin/sort");
    hand.has(old, "/src/old", Ways::READ);
    hand.has(old, "/build/x", MADE);
    hand.pause();
    let read = hand.process(sh, "/usr/bin/sort");
    hand.has(read, "/build/x", Ways::READ);
    hand.has(read, "/out/x", MADE);
    // It was written anew just before, but its number came later.
    let new = hand.process(sh, "/usr/bin/sort");
    hand.has(new, "/src/new", Ways::READ);
    hand.has(new, "/build/x", MADE);
    assert_eq!(hand.data("/out/x"), ["/src/new", "/src/old"]);
    // So late it cannot have been.
    hand.order += SLACK;
    let late = hand.process(sh, "/usr/bin/sort");
    hand.has(late, "/src/late", Ways::READ);
    hand.has(late, "/build/x", MADE);
    assert_eq!(hand.data("/out/x"), ["/src/new", "/src/old"]);
}

#[test]
fn a_shell_opens_files_for_others_and_asks_commands() {
    let mut hand = Hand::default();
    let sh = hand.process(0, "/bin/sh -eu /stage/build.sh");
    hand.has(sh, "/stage/build.sh", Ways::READ);
    hand.has(sh, "/src/p/in", Ways::READ);
    hand.has(sh, "/src/p/config", Ways::READ);
    hand.has(sh, "/out/file", MADE);
    let sort = hand.process(sh, "/usr/bin/sort");
    hand.has(sort, "/src/p/in", Ways::READ.and(Ways::STANDARD));
    hand.has(sort, "/out/file", Ways::WRITTEN.and(Ways::STANDARD));
    // version=$(cat VERSION)
    let cat = hand.process(sh, "/usr/bin/cat /src/p/VERSION");
    hand.has(cat, "/src/p/VERSION", Ways::READ);
    hand.has(cat, "pipe:3", Ways::WRITTEN.and(Ways::STANDARD));
    // echo "$version" >/out/version
    hand.has(sh, "/out/version", MADE);
    let found = reached(&hand, "/out/file");
    assert_eq!(hand.data("/out/file"), ["/src/p/in"]);
    assert_eq!(found.get("/src/p/VERSION"), Some(&Control));
    assert_eq!(found.get("/stage/build.sh"), Some(&Control));
    // What the shell writes itself may come from what it read itself.
    assert_eq!(hand.data("/out/version"), ["/src/p/config"]);
    assert_eq!(reached(&hand, "/out/version").get("/src/p/VERSION"), Some(&Control));
}

#[test]
fn make_hands_its_standard_input_to_everyone() {
    let mut hand = Hand::default();
    let sh = hand.process(0, "/bin/sh");
    let yes = hand.process(sh, "/usr/bin/yes");
    hand.has(yes, "/src/p/answers", Ways::READ);
    hand.has(yes, "pipe:2", Ways::WRITTEN.and(Ways::STANDARD));
    let make = hand.process(sh, "/usr/bin/make");
    hand.has(make, "/src/p/Makefile", Ways::READ);
    hand.has(make, "pipe:2", Ways::READ.and(Ways::STANDARD));
    let cc1 = hand.process(make, "/usr/libexec/cc1");
    hand.has(cc1, "pipe:2", Ways::READ.and(Ways::STANDARD));
    hand.has(cc1, "/src/p/a.c", Ways::READ);
    hand.has(cc1, "/out/a.o", MADE);
    // A pipe that nobody writes to, as make gives it to those who shall not ask.
    let ar = hand.process(make, "/usr/bin/ar");
    hand.has(ar, "pipe:5", Ways::READ.and(Ways::STANDARD));
    hand.has(ar, "/out/a.o", Ways::READ);
    hand.has(ar, "/out/a.a", MADE);
    // sh -c 'sort <<EOF'
    let here = hand.process(sh, "/usr/bin/sort");
    hand.has(here, "pipe:6", Ways::READ.and(Ways::STANDARD));
    hand.has(here, "/out/here", MADE);
    hand.has(sh, "/src/p/included", Ways::READ);
    assert_eq!(hand.data("/out/a.a"), ["/src/p/a.c"]);
    assert_eq!(reached(&hand, "/out/a.a").get("/src/p/Makefile"), Some(&Control));
    assert_eq!(hand.data("/out/here"), ["/src/p/included"]);
}

#[test]
fn what_copies_takes_the_file_of_the_same_name() {
    let mut hand = Hand::default();
    let install = hand.process(0, "/usr/bin/install a b /out/bin");
    for name in ["/in/p/bin/a", "/in/p/bin/b", "/in/p/share/a"] {
        hand.has(install, name, Ways::READ);
    }
    hand.has(install, "/out/bin/a", MADE);
    hand.has(install, "/out/bin/b", MADE);
    hand.has(install, "/out/bin/renamed", MADE);
    assert_eq!(hand.data("/out/bin/a"), ["/in/p/bin/a"]);
    assert_eq!(hand.data("/out/bin/b"), ["/in/p/bin/b"]);
    assert_eq!(hand.data("/out/bin/renamed"), ["/in/p/bin/a", "/in/p/bin/b", "/in/p/share/a"]);
}

#[test]
fn a_program_of_the_stage_is_a_tool_with_all_that_it_is_made_of() {
    let mut hand = Hand::default();
    let ld = hand.process(0, "/usr/bin/ld -o generate");
    hand.has(ld, "/usr/lib/crt1.o", Ways::READ);
    hand.has(ld, "/src/p/shared", Ways::READ);
    hand.has(ld, "/build/generate", MADE);
    hand.pause();
    let run = hand.process(0, "/build/generate");
    hand.has(run, "/src/p/list", Ways::READ);
    hand.has(run, "/src/p/shared", Ways::READ);
    hand.has(run, "/out/list.h", MADE);
    let found = reached(&hand, "/out/list.h");
    assert_eq!((found.get("/usr/lib/crt1.o"), found.get("/usr/bin/ld")), (Some(&Tool), Some(&Tool)));
    assert_eq!((found.get("/src/p/list"), found.get("/src/p/shared")), (Some(&Data), Some(&Data)));
    assert_eq!(found.get("/build/generate"), None);
}

#[test]
fn what_surely_was_not_there_is_no_input_and_what_was_changed_may_be() {
    let mut hand = Hand::default();
    let patch = hand.process(0, "/usr/bin/patch");
    hand.has(patch, "/stage/p.patch", Ways::READ);
    hand.has(patch, "/src/p/a.c", Ways::READ);
    hand.has(patch, "/src/p/a.c.new", MADE);
    hand.pause();
    hand.moves(patch, MoveKind::Rename, "/src/p/a.c.new", "/src/p/a.c");
    hand.pause();
    let cc1 = hand.process(0, "/usr/libexec/cc1");
    hand.has(cc1, "/src/p/a.c", Ways::READ);
    hand.has(cc1, "/out/a.o", MADE);
    assert_eq!(hand.data("/out/a.o"), ["/src/p/a.c", "/stage/p.patch"]);
}

#[test]
fn nothing_is_asked_of_devices_and_the_kernel() {
    let mut hand = Hand::default();
    let dd = hand.process(0, "/usr/bin/dd");
    for path in ["/dev/zero", "/proc/self/maps", "socket:1", "/src/p/a"] {
        hand.has(dd, path, Ways::READ);
    }
    hand.has(dd, "/out/a", MADE);
    assert_eq!(hand.data("/out/a"), ["/src/p/a"]);
    assert!(hand.data("/out/never").is_empty());
}

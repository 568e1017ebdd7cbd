//! What stages do is recorded.

use serde_json::Value;

use crate::build::{outputs, pairs, ways};
use crate::environment::{Project, Said};

/// The lines of a trace, without the events of the run.
fn lines(said: &Said) -> Vec<Value> {
    let all = said.out.lines().map(|line| serde_json::from_str::<Value>(line).expect("a JSON line"));
    all.filter(|line| line["event"].is_null()).collect()
}

fn was_run(said: &Said) -> bool {
    said.out.contains("stage_started")
}

#[test]
fn a_trace_comes_with_every_build_and_is_kept_with_the_result() {
    let project = Project::script(
        "if [ -e /absent ]; then :; fi; mkdir /out/d; busybox head -c 9 /stage/build.sh > /out/d/copy\n",
    );
    let expected = outputs(&project.build(&["build", "--json"]).ends(0));
    let first = project.build(&["trace", "one", "--json"]).ends(0);
    assert!(!was_run(&first), "{}", first.all());
    let trace = lines(&first);
    assert_eq!((&trace[0]["type"], &trace[0]["stage"]), (&"trace".into(), &"one".into()), "{}", first.all());
    let has = |path: &str, way: &str| {
        let ways = trace.iter().filter(|line| line["path"] == path).filter_map(|line| line["ways"].as_array());
        assert!(ways.flatten().any(|one| one == way), "{path} {way}: {}", first.all());
    };
    has("/absent", "absent");
    has("/out/d", "created");
    has("/out/d/copy", "written");
    has("/stage/build.sh", "read");
    has("/usr/bin/busybox", "executed");

    // It is the same for everyone who asks, and the result is what it was.
    let again = project.build(&["trace", "one", "--json"]).ends(0);
    assert!(!was_run(&again) && lines(&again) == trace, "{}", again.all());
    let built = project.build(&["build", "--json"]).ends(0);
    assert_eq!(outputs(&project.build(&["build", "one", "--json", "--rebuild"]).ends(0)), expected);
    assert!(!was_run(&built), "{}", built.all());
    // Another run, another trace: the kernel orders processes as it likes.
    let trace = lines(&project.build(&["trace", "one", "--json"]).ends(0));
    project.build(&["store", "gc"]).ends(0);
    project.build(&["store", "fsck"]).ends(0);
    let kept = project.build(&["trace", "one", "--json"]).ends(0);
    assert!(!was_run(&kept) && lines(&kept) == trace, "{}", kept.all());
    let tree = project.build(&["trace", "one", "--processes"]).ends(0);
    assert!(tree.out.contains("busybox head -c 9 /stage/build.sh"), "{}", tree.all());
    assert!(was_run(&project.build(&["trace", "one", "--rebuild", "--json"]).ends(0)));
}

#[test]
fn a_trace_that_was_lost_is_made_again_and_the_result_stands() {
    let project = Project::script("echo content > /out/file\n");
    let first = project.build(&["trace", "one", "--json"]).ends(0);
    assert_eq!(first.out.matches("stage_started").count(), 1, "{}", first.all());
    project.lose_trace("one");
    let built = project.build(&["build", "one", "--json"]).ends(0);
    assert_eq!((ways(&built), was_run(&built)), (pairs(&[("one", "cached")]), false), "{}", built.all());
    let again = project.build(&["trace", "one", "--json"]).ends(0);
    assert_eq!(again.out.matches("stage_started").count(), 1, "{}", again.all());
    assert!(again.out.contains("\"/out/file\""), "{}", again.all());
}

#[test]
fn what_a_traced_stage_needs_is_built() {
    let project = Project::script("echo content > /out/file\n");
    project.stage("two", "tools = [\"sysroot:tiny\"]\ninputs = [\"stage:one\"]\n");
    project.write("project/stages/two/build.sh", "busybox cat /in/one/file > /out/file\n");
    let said = project.build(&["trace", "two", "--json"]).ends(0);
    assert_eq!(ways(&said), pairs(&[("one", "built"), ("two", "built")]));
    assert_eq!(said.out.matches("stage_started").count(), 2, "{}", said.all());
    assert!(said.out.contains("/in/one/file"), "{}", said.all());
    assert_eq!(ways(&project.build(&["build", "--json"]).ends(0)), pairs(&[("one", "cached"), ("two", "cached")]));
    let said = project.build(&["trace", "three"]).ends(2);
    assert!(said.err.contains("three"), "{}", said.all());
}

#[test]
fn another_tree_is_an_error_and_no_result() {
    let project = Project::script("busybox head -c 16 /dev/urandom | busybox md5sum > /out/file\n");
    let expected = outputs(&project.build(&["build", "--json"]).ends(0));
    let said = project.build(&["trace", "one", "--plain", "--rebuild"]).ends(1);
    assert!(said.err.contains("reproducibly") && said.out.is_empty(), "{}", said.all());
    // Nothing of it is believed.
    let cached = project.build(&["build", "one", "--json"]).ends(0);
    assert_eq!((outputs(&cached), was_run(&cached)), (expected, false), "{}", cached.all());
}

#[test]
fn nobody_can_tell_inside_the_kernel() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can record inside the kernel");
        assert!(std::env::var_os("REPRO_TEST_NO_SKIP").is_none(), "skipped where nothing may be");
        return;
    }
    // A tracer would be named, and each call would be a wait.
    let project = Project::script(
        "i=0; while [ $i -lt 2000 ]; do if [ -e /none ]; then :; fi; i=$((i+1)); done\n\
         while read -r name count; do case $name in\n\
         TracerPid:) echo tracer $count >> /out/seen;;\n\
         voluntary_ctxt_switches:) [ $count -gt 1000 ] || echo few waits >> /out/seen;;\n\
         esac; done < /proc/$$/status\n",
    );
    project.build(&["build", "--json"]).ends(0);
    assert_eq!(project.read("project/out/one/seen"), "tracer 0\nfew waits\n");
}

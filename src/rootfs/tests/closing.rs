//! What a root needs, what it lacks, and what nothing in it needs.

use super::World;
use crate::stage::Deliver;

/// A shell, a tool that is a script of it, and things that nobody needs.
fn world() -> World {
    let mut world = World::new();
    world.component(
        "base",
        &[("bin/sh", "#!/bin/busybox"), ("bin/busybox", "#!/bin/busybox"), ("bin/ls", "-> busybox")],
    );
    world.component("tool", &[("bin/tool", "#!/bin/sh"), ("usr/share/doc/tool", "text"), ("etc/tool/conf", "x")]);
    world.definition.roots = super::texts(&["bin/tool"]);
    world
}

#[test]
fn only_what_is_needed_can_be_delivered() {
    let mut world = world();
    world.definition.deliver = Deliver::Closure;
    world.definition.keep = super::texts(&["etc/tool/**"]);
    let composed = world.good();
    let left: Vec<String> =
        composed.report.undelivered.iter().map(|left| format!("{}: {}", left.path, left.reason)).collect();
    assert_eq!(
        left,
        [
            "/bin/ls: nothing that has to run or is kept needs it",
            "/usr/share/doc: nothing of what was in it is delivered",
            "/usr/share/doc/tool: nothing that has to run or is kept needs it",
        ]
    );
    let why = |path: &str| world.log(&composed, path)["needed"].clone();
    assert_eq!(why("/bin/tool"), "root `bin/tool`");
    assert_eq!(why("/bin/sh"), "by /bin/tool: #!");
    assert_eq!(why("/bin/busybox"), "by /bin/sh: #!");
    assert_eq!(why("/etc/tool/conf"), "kept by `etc/tool/**`");
    assert_eq!(why("/etc/passwd"), "stated by the stage");
    let closure = composed.report.closure.expect("it was asked for");
    assert!(closure.superfluous.is_empty(), "what is left out is not there");
}

#[test]
fn all_can_be_delivered_and_held_to_account() {
    let world = world();
    let composed = world.good();
    let closure = composed.report.closure.as_ref().expect("it was asked for");
    let superfluous: Vec<&str> = closure.superfluous.iter().map(|path| path.path.as_str()).collect();
    assert_eq!(superfluous, ["/bin/ls", "/etc/tool/conf", "/usr/share/doc/tool"]);
    assert_eq!(closure.superfluous[0].source, "/in/base/bin/ls");
    assert!(composed.report.undelivered.is_empty());
    assert_eq!(world.text(&composed, "root/usr/share/doc/tool"), "text");
}

#[test]
fn what_is_needed_has_to_be_there() {
    let mut world = world();
    world.component("tool", &[("bin/tool", "#!/usr/bin/perl"), ("bin/more", "#!/bin/sh")]);
    world.definition.roots.push("sbin/*".to_owned());
    world.own("files/etc/link", "x").definition.links.insert("etc/rc".to_owned(), "../bin/rc".to_owned());
    assert_eq!(
        world.wrong(),
        [
            "`/etc/rc`, a link of stage.toml, leads to `../bin/rc`: there is no `/bin/rc`",
            "there is no `/sbin/*`: root `sbin/*`",
            "there is no `/usr/bin/perl`, which `/bin/tool` needs: #!",
        ]
    );
    world.definition.roots.pop();
    world.definition.links.insert("etc/rc".to_owned(), "passwd".to_owned());
    world.definition.may_miss = super::texts(&["usr/bin/perl"]);
    let closure = world.good().report.closure.expect("it was asked for");
    assert_eq!(closure.absent.len(), 1);
    // What a line omits is not there either.
    world.lines("/bin/busybox omit\n/bin/ls omit\n").definition.roots = super::texts(&["bin/more"]);
    assert_eq!(world.wrong(), ["there is no `/bin/busybox`, which `/bin/sh` needs: #!"]);
}

#[test]
fn components_need_what_is_said() {
    let mut world = world();
    world.definition.needs =
        [("base", &[][..]), ("tool", &["base"][..])].map(|(name, needs)| (name.to_owned(), super::texts(needs))).into();
    let report = world.good().report;
    let tool = report.components.iter().find(|one| one.name == "tool").expect("it is there");
    assert_eq!(tool.needs, ["base"]);
    world.definition.needs.insert("tool".to_owned(), Vec::new());
    world.definition.needs.insert("base".to_owned(), super::texts(&["tool"]));
    assert_eq!(
        world.wrong(),
        [
            "component `base` and `tool`: the first is said to need it, and does not",
            "component `tool` and `base`: the first needs it, unsaid: `/bin/tool` needs `/bin/sh`, #!",
        ]
    );
}

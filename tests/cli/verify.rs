//! `repro verify`

use crate::environment::Project;

#[test]
fn two_folders_are_compared() {
    let project = Project::empty();
    for (side, text) in [("a", "one\n"), ("b", "two\n")] {
        project.write(&format!("project/{side}/etc/motd"), text);
        project.write(&format!("project/{side}/same"), "same");
    }
    let said = project.repro(&["verify", "a", "b"]).ends(1);
    assert!(said.out.starts_with("different: a and b differ in the content of 1 place\n"), "{}", said.all());
    assert!(
        said.out.contains("etc/motd (text") && said.out.contains("-one") && said.out.contains("+two"),
        "{}",
        said.out
    );
    let said = project.repro(&["verify", "a", "b", "--json"]).ends(1);
    let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(value["identical"], false);
    assert_eq!(value["difference"]["inside"][0]["inside"][0]["facts"][0]["hunks"][0]["lines"][0]["text"], "one");
    project.repro(&["verify", "a", "a"]).ends(0);
    let said = project.repro(&["verify", "a", "b", "--exclude", "etc/*"]).ends(0);
    assert_eq!(said.out, "identical: a and b are identical\n");
    project.repro(&["verify", "a", "b", "--only", "metadata"]).ends(0);
    project.repro(&["verify", "a/etc/motd", "b/etc/motd"]).ends(1);
}

#[test]
fn what_cannot_be_compared_is_named() {
    let project = Project::empty();
    project.write("project/a", "x");
    let said = project.repro(&["verify", "a", "none"]).ends(2);
    assert!(said.err.contains("cannot find `none`") && said.err.contains("hint:"), "{}", said.all());
    let said = project.repro(&["verify", "a", "a", "--exclude", "["]).ends(2);
    assert!(said.err.contains("--exclude"), "{}", said.all());
    project.repro(&["verify", "a"]).ends(2);
}

#[test]
fn outputs_of_stages_are_compared() {
    let project = Project::script("mkdir -p /out/bin; echo one >/out/bin/tool; echo same >/out/same");
    project.build(&["build", "--quiet"]).ends(0);
    let said = project.repro(&["verify", "one", "out/one"]).ends(0);
    assert_eq!(said.out, "identical: one and out/one are identical\n");
    project.write("project/other", "two\n");
    let said = project.repro(&["verify", "one/bin/tool", "other"]).ends(1);
    assert!(said.out.contains("-one") && said.out.contains("+two"), "{}", said.all());
    let said = project.repro(&["verify", "one/bin/none", "other"]).ends(2);
    assert!(said.err.contains("has no `bin/none`"), "{}", said.all());
}

//! Questions about files of real stages.

use serde_json::Value;

use crate::environment::Project;

/// A stage that makes a file by pipes, temporary files and renames, and one that copies it and others in one process.
fn project() -> Project {
    let project = Project::script(
        "busybox sed -e 's/#.*//' /stage/in > half\n\
         busybox cat half /stage/more | busybox sort > sorted\n\
         busybox mkdir -p /out/share\n\
         busybox mv sorted sorted.new\n\
         busybox cp sorted.new /out/share/list\n\
         busybox cat /stage/unrelated > /out/share/unrelated\n",
    );
    for (name, text) in [("in", "b # comment\n"), ("more", "a\n"), ("unrelated", "c\n")] {
        project.write(&format!("project/stages/one/{name}"), text);
    }
    project.stage("two", "tools = [\"sysroot:tiny\"]\ninputs = [\"stage:one\"]\n");
    project.write(
        "project/stages/two/build.sh",
        "busybox mkdir /out/root\nbusybox ln -s share/list /out/root/list\nbusybox cp -r /in/one/share /out/root/share\n",
    );
    project
}

#[test]
fn a_file_is_explained_through_the_stage_that_copied_it() {
    let project = project();
    let said = project.build(&["why", "/share/list"]).ends(2);
    assert!(said.err.contains("/share/list"), "{}", said.all());
    project.build(&["build"]).ends(0);
    for stage in ["two", "one"] {
        project.lose_trace(stage);
    }
    for stage in ["two", "one"] {
        let said = project.build(&["why", "/list"]).ends(2);
        assert!(
            said.err.contains("has no trace") && said.err.contains(&format!("repro trace {stage}")),
            "{}",
            said.all()
        );
        assert!(said.out.is_empty(), "{}", said.all());
        project.build(&["trace", stage]).ends(0);
    }
    let said = project.build(&["why", "/list"]).ends(0);
    for text in
        ["`root/share/list` is a copy of `share/list` of stage:one", "sort", "/stage/in", "/stage/more", "build.sh"]
    {
        assert!(said.out.contains(text), "{text}: {}", said.all());
    }
    assert!(!said.out.contains("/stage/unrelated"), "{}", said.all());
    let said = project.build(&["why", "/list", "--json"]).ends(0);
    let answer: Value = serde_json::from_str(&said.out).expect("it is JSON");
    let schema = include_str!("../../snapshots/why.schema.json");
    let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
    assert!(jsonschema::validator_for(&schema).expect("it is a schema").is_valid(&answer), "{}", said.all());
    assert_eq!((&answer["stage"], &answer["links"][0]["target"]), (&"two".into(), &"share/list".into()));
    let inputs = answer["stages"][1]["inputs"].as_array().expect("a list");
    let data: Vec<&str> =
        inputs.iter().filter(|input| input["class"] == "data").filter_map(|input| input["place"].as_str()).collect();
    assert_eq!(data, ["in", "more"], "{}", said.all());
    let tools = inputs.iter().filter(|input| input["class"] == "tool").filter_map(|input| input["input"].as_str());
    assert_eq!(tools.collect::<Vec<_>>(), ["sysroot:tiny"], "{}", said.all());
    // A stage's own output, by name.
    let said = project.build(&["why", "one:/share/unrelated"]).ends(0);
    assert!(said.out.contains("/stage/unrelated") && !said.out.contains("/stage/more"), "{}", said.all());
    for (what, text) in [("one:/none", "one:/none"), ("/root", "a folder"), ("never:/x", "never")] {
        let said = project.build(&["why", what]).ends(2);
        assert!(said.err.contains(text), "{}", said.all());
    }
    // A stage is still asked about as before.
    project.build(&["why", "two"]).ends(1);
}

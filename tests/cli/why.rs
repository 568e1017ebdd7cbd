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

/// The tables of a page, as its script reads them.
fn tables(page: &str) -> Value {
    let (_, rest) = page.split_once("id=\"provenance\">").expect("the page has tables");
    serde_json::from_str(rest.split_once("</script>").expect("they end").0).expect("they are JSON")
}

#[test]
fn the_page_of_an_audit_tells_of_a_file_what_is_told_of_it_alone() {
    let project = project();
    project.build(&["build"]).ends(0);
    let page = || {
        let said = project.build(&["audit", "two", "--html", "page.html"]);
        assert!(said.code < 2, "{}", said.all());
        project.read("project/page.html")
    };
    let first = page();
    assert_eq!(first, page());
    assert!(first.contains("data-file=\"root/share/list\" data-made=\"one\""), "{first}");
    let tables = tables(&first);
    let text = |value: &Value| tables["strings"][number(value)].as_str().expect("a string").to_owned();
    let nodes = tables["nodes"].as_array().expect("a list");
    let node = |stage: &str, path: &str| {
        let found = nodes.iter().find(|node| text(&node["stage"]) == stage && text(&node["path"]) == path);
        found.unwrap_or_else(|| panic!("no {stage}:/{path} in {nodes:?}"))
    };
    let file = |at: i64| {
        let file = &tables["files"][usize::try_from(at).expect("it is none of before")];
        (text(&tables["origins"][number(&file[0])][0]), text(&file[1]), file[2].as_str().map(str::to_owned))
    };
    // What the copy is a copy of is told of by itself.
    let of = node("two", "root/share/list")["copy"][0].as_i64().expect("it is a copy");
    let (origin, place, _) = file(of);
    assert_eq!((origin.as_str(), place.as_str()), ("stage:one", "share/list"));
    let node = node("one", "share/list");
    let mut told = Vec::new();
    for list in node["lists"].as_array().expect("a list") {
        let list = &tables["lists"][number(list)];
        let mut at = 0;
        for step in list["files"].as_array().expect("a list") {
            at += step.as_i64().expect("a number");
            let (origin, place, digest) = file(at);
            told.push((list["class"].as_str().map(str::to_owned), origin, place, digest));
        }
    }
    let alone = project.build(&["why", "one:/share/list", "--json"]).ends(0);
    let alone: Value = serde_json::from_str(&alone.out).expect("it is JSON");
    let string = |value: &Value| value.as_str().map(str::to_owned);
    let inputs = alone["stages"][0]["inputs"].as_array().expect("a list").iter();
    let inputs = inputs.map(|one| {
        let [input, place] = ["input", "place"].map(|key| string(&one[key]).expect("a string"));
        (string(&one["class"]), input, place, string(&one["digest"]))
    });
    assert_eq!(told, inputs.collect::<Vec<_>>());
    assert!(
        told.iter().any(|(.., place, _)| place == "more") && told.iter().all(|(.., place, _)| place != "unrelated")
    );
    // The process that wrote it, with its command.
    let command = &tables["commands"][number(&node["by"][0]["commands"][0])];
    let words: Vec<String> = command[2].as_array().expect("words").iter().map(text).collect();
    assert_eq!(words.join(" "), "busybox cp sorted.new /out/share/list");
    project.lose_trace("one");
    let page = page();
    assert!(page.contains("Not followed, since there is no trace of it:</span> <code>one</code>"), "{page}");
}

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().expect("a number")).expect("it is small")
}

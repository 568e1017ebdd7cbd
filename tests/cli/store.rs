//! `repro store` and `repro doctor`

use std::path::PathBuf;

use crate::environment::{Project, snapshot};

/// Any plain object of the store.
fn an_object(project: &Project) -> PathBuf {
    let shards = std::fs::read_dir(project.path("store/objects")).expect("the store has objects");
    let mut files: Vec<PathBuf> = shards
        .flat_map(|shard| std::fs::read_dir(shard.expect("an entry").path()).expect("a folder"))
        .map(|file| file.expect("an entry").path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files.remove(0)
}

#[test]
fn a_store_is_measured_checked_and_cleaned() {
    let project = Project::small();
    project.repro(&["lock"]).ends(0);
    assert_eq!(project.repro(&["store", "path"]).ends(0).out, "[DIR]/store\n");
    let usage = project.repro(&["store", "du", "--json"]).ends(0).out;
    let usage: serde_json::Value = serde_json::from_str(&usage).expect("JSON");
    assert_eq!(usage["usage"]["objects"]["entries"], 2, "{usage}");
    let table = project.repro(&["store", "du"]).ends(0).out;
    assert!(table.lines().any(|line| line.starts_with("objects ")), "{table}");
    snapshot("cli-fsck", &project.repro(&["store", "fsck"]).ends(0).all());
    // What the lockfile names stays.
    let said = project.repro(&["store", "gc", "--keep-recent", "0", "--json"]).ends(0);
    let report: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(report["report"]["objects"]["removed"], 0, "{}", said.out);
    std::fs::remove_file(project.path("project/lockfile.json")).expect("remove the lockfile");
    let said = project.repro(&["store", "gc", "--keep-recent", "0", "--dry-run", "--json"]).ends(0);
    let report: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(report["report"]["objects"]["removed"], 2, "{}", said.out);
    project.repro(&["store", "gc", "--keep-recent", "0"]).ends(0);
    let usage = project.repro(&["store", "du", "--json"]).ends(0).out;
    assert!(usage.contains("\"total\""), "{usage}");
}

#[test]
fn damage_is_the_answer_no_and_heals() {
    let project = Project::small();
    project.repro(&["lock"]).ends(0);
    let object = an_object(&project);
    let size = std::fs::metadata(&object).expect("it is there").len();
    std::fs::set_permissions(&object, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("chmod");
    std::fs::write(&object, vec![b'x'; usize::try_from(size).expect("small")]).expect("damage it");
    let said = project.repro(&["store", "fsck"]).ends(1);
    assert!(said.out.starts_with("object ") && said.out.contains("damaged, set aside"), "{}", said.all());
    project.repro(&["fetch"]).ends(0);
    project.repro(&["store", "fsck"]).ends(0);
}

#[test]
fn a_folder_that_is_no_store_is_left_alone() {
    let project = Project::small();
    project.write("store/precious.txt", "mine");
    let said = project.repro(&["store", "du"]).ends(2);
    assert!(said.err.contains("no store and not empty"), "{}", said.all());
    assert_eq!(project.read("store/precious.txt"), "mine");
}

#[test]
fn the_doctor_names_what_is_missing() {
    let project = Project::empty();
    let said = project.repro(&["doctor"]);
    assert!(said.out.contains("user namespace"), "{}", said.all());
    match said.code {
        0 => assert!(said.err.contains("can give the promised isolation"), "{}", said.all()),
        4 => assert!(said.err.contains("missing") && said.out.contains("hint:"), "{}", said.all()),
        _ => panic!("{}", said.all()),
    }
    let json = project.repro(&["doctor", "--json"]).out;
    assert!(serde_json::from_str::<serde_json::Value>(&json).expect("JSON")["features"].is_array());
}

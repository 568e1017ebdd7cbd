//! `audit.toml`.

use super::*;

fn parse(text: &str) -> Config {
    Config::parse(text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

#[test]
fn exceptions_are_listed_and_unused_ones_told() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "usr/lib/a", "/build/x");
    write(folder.path(), "usr/lib/b", "/build/x");
    let config = parse(
        "schema = 1\n\
         [[allow]]\nrule = \"leak-build-path\"\npath = \"usr/*/a\"\nreason = \"for a test\"\n\
         [[allow]]\nrule = \"leak-build-path\"\npath = \"**\"\nstage = \"other\"\nreason = \"for a stage\"\n\
         [[allow]]\nrule = \"leak-build-path\"\npath = \"none\"\nstage = \"this\"\nreason = \"for nothing\"\n\
         [[severity]]\nrule = \"leak-build-path\"\nis = \"warning\"\nreason = \"it is one\"\n",
    );
    let needles = Needles::new(&Surroundings::default(), &config.leaks);
    let options = Options {
        name: "x",
        stage: Some("this"),
        machine: None,
        config: &config,
        needles: &needles,
        list: false,
        cancel: None,
    };
    let report = audit(Subject::open(folder.path()).expect("it is there"), &options).expect("it can be audited");
    assert_eq!(lines(&report), ["leak-build-path usr/lib/b", "audit-exception-unused audit.toml"]);
    assert!(report.is_clean());
    assert_eq!((report.counts.allowed, report.counts.warnings, report.counts.notes), (1, 1, 1));
    let reasons: Vec<&str> = report.exceptions.iter().map(|exception| exception.reason.as_str()).collect();
    assert_eq!(reasons, ["for a test", "for nothing"]);
    assert_eq!(report.exceptions[0].findings[0].object, "usr/lib/a");
}

#[test]
fn all_mistakes_at_once() {
    let text = "schema = 1\nmachine = \"x86-64\"\nleaks = [\"ab\"]\ncompilrs = []\n\
                [[allow]]\nrule = \"leak-build-pth\"\npath = \"[\"\n\
                [[severity]]\nrule = \"leak-build-path\"\nis = \"bad\"\nreason = \"x\"\n";
    let mistakes = Config::parse(text).expect_err("it is wrong").to_string();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    insta::with_settings!({snapshot_path => folder, prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("audit-mistakes", mistakes);
    });
}

#[test]
fn what_must_not_be_delivered_can_be_added() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "x", "Project Aurora");
    let config = parse("schema = 1\nleaks = [\"Project Aurora\"]\n");
    assert_eq!(lines(&report(folder.path(), &config)), ["leak-build-path x"]);
    assert_eq!(judged(folder.path()), [] as [&str; 0]);
}

//! What is said when a sandbox cannot be made.

use super::*;

fn error(stage: &Stage) -> Error {
    failure(&stage.plan())
}

fn failure(plan: &Plan) -> Error {
    run(plan, None, &CancelToken::new().unwrap()).expect_err("this cannot work")
}

#[test]
fn a_missing_program_is_named() {
    let found = error(&Stage::of(&["/bin/no-such-shell", "-c", "true"]));
    assert_eq!(
        found.to_string(),
        "execute `/bin/no-such-shell` in the stage: no such file (or its interpreter or dynamic loader is missing)"
    );
    assert!(found.hint().unwrap().contains("`tools`") && !found.is_host());
    assert!(error(&Stage::of(&["no-such-name"])).to_string().contains("`no-such-name`"));
    assert!(error(&Stage::of(&["/usr/share"])).to_string().contains("not executable"));
}

#[test]
fn a_program_is_found_in_the_path_of_the_stage() {
    assert_eq!(Stage::of(&["echo", "found"]).output(), "found\n");
}

#[test]
fn a_missing_layer_is_named() {
    let mut stage = Stage::sh("true");
    let gone = tempfile::tempdir().unwrap().path().join("gone");
    stage.made.target = vec!["/usr/share".into(), gone.clone()];
    let found = error(&stage);
    let text = found.to_string();
    assert!(text.starts_with("mount `/target`: `/usr/share` over") && text.contains("read-only"), "{text}");
    assert!(text.ends_with(&format!("(take a lower directory `{}`)", gone.display())), "{text}");
    assert!(std::error::Error::source(&found).unwrap().to_string().contains("No such file"));
    assert!(found.hint().unwrap().contains("fsck") && !found.is_host());
}

#[test]
fn a_limit_that_cannot_be_set_is_named() {
    let stage = Stage::sh("true");
    let mut plan = stage.plan();
    for step in &mut plan.steps {
        if let Step::Limit { resource: Resource::Nofile, soft, .. } = step {
            // More than the hard limit.
            *soft = Some(1 << 20);
        }
    }
    let found = failure(&plan);
    assert!(found.to_string().starts_with("limit NOFILE to 1048576"), "{found}");
    assert!(found.is_host());
}

#[test]
fn plans_that_would_isolate_less_are_refused() {
    let whole = Stage::sh("true").plan();
    let parts: [fn(&Step) -> bool; 8] = [
        |s| matches!(s, Step::Enter { .. }),
        |s| matches!(s, Step::Identity { .. }),
        |s| matches!(s, Step::Pivot),
        |s| matches!(s, Step::Spawn),
        |s| matches!(s, Step::Descriptors),
        |s| matches!(s, Step::Capabilities),
        |s| matches!(s, Step::Filter { .. }),
        |s| matches!(s, Step::Space { at, .. } if at == "/out"),
    ];
    for part in parts {
        let mut plan = whole.clone();
        plan.steps.retain(|step| !part(step));
        assert!(matches!(failure(&plan), Error::Incomplete { .. } | Error::BadStep { .. }));
    }
    let mut plan = whole.clone();
    plan.schema = 99;
    assert!(matches!(failure(&plan), Error::Schema { found: 99, .. }));
    let mut plan = whole.clone();
    plan.steps.swap(0, 1);
    assert!(matches!(failure(&plan), Error::BadStep { .. }));
}

#[test]
fn strange_paths_are_refused() {
    for at in ["in/x", "/in/../x", "/in//x", "/", "/in/x/", "/in/\0"] {
        let mut plan = Stage::sh("true").plan();
        let place = plan.steps.iter().position(|s| matches!(s, Step::Proc)).unwrap();
        plan.steps.insert(place, Step::Tree { at: at.into(), lower: vec!["/usr".into()], writable: false });
        assert!(matches!(failure(&plan), Error::BadStep { .. }), "{at}");
    }
    let mut stage = Stage::sh("true");
    stage.made.target = vec!["relative".into()];
    assert!(matches!(error(&stage), Error::Relative { .. }));
    let mut stage = Stage::sh("true");
    stage.made.env.insert("A".into(), "x\0y".into());
    assert!(matches!(error(&stage), Error::Nul { .. }));
}

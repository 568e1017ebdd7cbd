//! Statements that are not what they should be.

use serde_json::json;

use super::*;

/// What is wrong with a statement, bare.
#[track_caller]
fn refused(change: impl Fn(&mut Value), reason: &str) {
    let mut value = value(&statement("a", "out"));
    change(&mut value);
    let text = json::canonical(&value);
    let error = read("f", &text).unwrap_err().to_string();
    assert!(error.contains(reason) && error.contains("`f`"), "{error}");
    // Within an envelope that somebody signed it is no better.
    let error = read("f", &envelope(&text, &[1]).to_json()).unwrap_err().to_string();
    assert!(error.contains(reason), "{error}");
}

#[test]
fn a_statement_survives_the_round_trip() {
    let statement = statement("a", "out");
    let line = seal(&statement, &[SecretKey::numbered(1)]);
    let bundle = read("f", &line).unwrap();
    assert_eq!(bundle.items[0].statement, statement);
    assert_eq!(bundle.items[0].place, "`f`");
    let bare = read("f", &seal(&statement, &[])).unwrap();
    assert_eq!((bare.items[0].statement == statement, bare.items[0].envelope.is_none()), (true, true));
    // Pretty JSON over many lines is one value, and what is null is not there.
    let mut value = value(&statement);
    value["predicate"]["runDetails"]["metadata"] = Value::Null;
    value["subject"][0]["uri"] = Value::Null;
    value["predicate"]["more"] = json!({"of": [1.5, "this"]});
    let pretty = serde_json::to_vec_pretty(&value).unwrap();
    assert_eq!(read("f", &pretty).unwrap().items[0].statement, statement);
}

#[test]
fn a_statement_that_contradicts_itself_is_refused() {
    let internal = "/predicate/buildDefinition/internalParameters";
    let at = |value: &mut Value, path: &str, new: Value| *value.pointer_mut(path).expect("it is there") = new;
    let action = format!("{internal}/action");
    refused(|v| at(v, &action, json!(Digest::of(b"x").to_string())), "its inputs make the action");
    refused(|v| at(v, &action, json!("x")), "not of the right form");
    refused(|v| at(v, &format!("{internal}/inputs/env/PATH"), json!("/sbin")), "its inputs make the action");
    let label = format!("{internal}/inputs/inputs/0/label");
    refused(|v| at(v, &label, json!("../up")), "its inputs make no action");
    let dependencies = "/predicate/buildDefinition/resolvedDependencies";
    let drop = |v: &mut Value, at: usize| {
        v.pointer_mut(dependencies).and_then(Value::as_array_mut).expect("a list").remove(at);
    };
    refused(|v| drop(v, 7), "its input `stage` is not among its dependencies");
    refused(|v| drop(v, 1), "its input `sysroot:tools` is not among its dependencies");
    refused(|v| drop(v, 6), "its input `app` is not among its dependencies");
    refused(|v| at(v, "/subject/0/digest/sha256", json!("abc")), "its subject `app` has no SHA-256");
    refused(|v| at(v, "/subject/1/digest", json!({"sha1": "00"})), "its subject `app/disk.img` has no SHA-256");
    let upper = Digest::of(b"x").hex().to_uppercase();
    refused(|v| at(v, "/subject/0/digest/sha256", json!(upper)), "has no SHA-256");
    refused(|v| at(v, &format!("{dependencies}/0/digest/sha256"), json!("00")), "its dependency `package:tools/sh`");
    refused(|v| at(v, "/subject/1/name", json!("app")), "its subject `app` is there twice");
    refused(|v| at(v, "/subject/0/name", json!("other")), "none of its subjects is the tree of stage `app`");
    refused(|v| at(v, "/subject", json!([])), "none of its subjects");
    let external = "/predicate/buildDefinition/externalParameters";
    refused(|v| at(v, external, json!({"stage": "app", "target": "x", "more": 1})), "not of the right form");
    refused(|v| at(v, "/predicate/runDetails/builder/id", json!("")), "does not say who built it");
    refused(|v| at(v, "/predicate/runDetails", Value::Null), "not of the right form");
    for (path, what) in [("/_type", "`_type`"), ("/predicateType", "predicate")] {
        refused(|v| at(v, path, json!("https://x.example/")), what);
    }
    refused(|v| at(v, "/predicate/buildDefinition/buildType", json!("x")), "its `buildType` is `x`");
}

#[test]
fn what_is_no_json_is_refused() {
    let refused = |text: &[u8], reason: &str| {
        let error = read("f", text).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    };
    refused(b"", "it is empty");
    refused(b" \n\n", "it is empty");
    // What it quotes cannot move a cursor.
    refused(b"{\"a\\u001b[2J\": 1, \"a\\u001b[2J\": 2}", "the key `a\u{fffd}[2J` is there twice");
    refused(b"<html>", "expected value at line 1");
    refused(b"[1, 2]", "neither an envelope nor a statement");
    refused(br#"{"payload": "e30=", "payload": "e30="}"#, "the key `payload` is there twice");
    refused(br#"{"a": {"b": 1, "\u0062": 2}}"#, "the key `b` is there twice");
    refused(&[b'['; 100_000], "recursion limit");
    let deep = format!("{}1{}", "{\"a\":".repeat(500), "}".repeat(500));
    refused(deep.as_bytes(), "recursion limit");
    refused(br#"{"payload": "e30=", "payloadType": "text/plain", "signatures": []}"#, "its payload is `text/plain`");
    let wrong = |payload: &str| format!(r#"{{"payload": "{payload}", "payloadType": "{PAYLOAD_TYPE}"}}"#);
    refused(wrong("e30").as_bytes(), "its `_type` is ``");
    refused(wrong("e3$").as_bytes(), "the base64 of its payload is wrong");
    refused(wrong("/w==").as_bytes(), "its payload is no JSON");
    let many = vec![json!({"sig": ""}); 17];
    let text = json!({"payload": "", "payloadType": "x", "signatures": many}).to_string();
    refused(text.as_bytes(), "17 signatures");
    refused("{}\n".repeat(10_001).as_bytes(), "more than 10000 lines");
    refused(&[&b"[\""[..], &vec![b'x'; 8 << 20], b"\"]"].concat(), "it is longer than 8388608 bytes");
    // A pretty envelope that is cut.
    refused(b"{\n \"payload\": \"\",\n", "EOF while parsing");
}

#[test]
fn a_bundle_may_hold_anything() {
    let good = bundle(&[(statement("a", "out"), &[1]), (statement("b", "out"), &[2])]);
    let mut text = b"garbage\n\n{\"payload\": \"e30=\", \"payloadType\": \"text/plain\"}\n".to_vec();
    text.extend_from_slice(&good);
    let bundle = read("f", &text).unwrap();
    let places: Vec<&str> = bundle.items.iter().map(|item| item.place.as_str()).collect();
    assert_eq!(places, ["line 4 of `f`", "line 5 of `f`"]);
    let aside: Vec<(&str, bool)> = bundle.aside.iter().map(|one| (one.place.as_str(), one.foreign)).collect();
    assert_eq!(aside, [("line 1 of `f`", false), ("line 3 of `f`", true)]);
    // Who checks a file hears of what is malformed in it.
    let trust = Trust::of(&[("one", SecretKey::numbered(1).public())]);
    assert!(Check::new("f", bundle, &trust, false).is_err());
    let check = Check::new("f", read("f", &good).unwrap(), &trust, false).unwrap();
    let each: Vec<bool> = check.statements.iter().map(|statement| statement.good).collect();
    assert_eq!((each, check.good), (vec![true, false], false));
    assert_eq!(check.statements[0].dependencies["stage"], 2);
    assert!(Check::new("f", read("f", &good).unwrap(), &Trust::default(), true).unwrap().good);
}

#[test]
fn who_builds_is_a_uri_and_a_time_is_one() {
    let run = |id: &str, time: Option<&str>| Run::new(id.to_owned(), time.map(str::to_owned));
    for id in ["https://builds.example/1", "urn:x:y", "ni:///sha-256;abc", "mailto:a@b.example"] {
        assert!(run(id, None).is_ok(), "{id}");
    }
    for id in ["", "alice", ":x", "https:", "1:x", "a b:c", "https://a b", "x:\u{e4}", "x:<y>"] {
        assert!(matches!(run(id, None), Err(Error::Builder { .. })), "{id}");
    }
    assert!(run("urn:x:y", Some("2026-11-21T18:40:48Z")).is_ok());
    for time in [
        "",
        "2026-11-21",
        "2026-13-01T00:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T18:40:48+00:00",
        "2026-11-21t18:40:48Z",
    ] {
        assert!(matches!(run("urn:x:y", Some(time)), Err(Error::Time { .. })), "{time}");
    }
    assert!(SecretKey::numbered(1).public().uri().starts_with("ni:///sha-256;"));
}

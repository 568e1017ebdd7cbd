//! Plans as data, the filter as a program, the bundle as JSON.

use std::path::PathBuf;

use super::*;
use crate::stage::Level;
use crate::sys::seccomp::Instruction;

fn sample() -> Plan {
    StagePlan {
        tools: vec!["/store/a".into(), "/store/b:c".into()],
        target: vec!["/store/c".into(), "/store/d".into()],
        sources: vec![("zlib".into(), "/store/e".into(), true), ("lua".into(), "/store/f".into(), false)],
        inputs: vec![("rootfs".into(), "/store/g".into())],
        stage_dir: "/store/h".into(),
        argv: ["/bin/sh", "-eu", "/stage/build.sh"].map(str::to_owned).to_vec(),
        env: [("PATH".to_owned(), "/usr/bin".to_owned()), ("WORDS".to_owned(), "it's two".to_owned())].into(),
        level: Level::default(),
        limits: Limits::default(),
        left: None,
        terminal: false,
    }
    .plan()
}

/// The filter's name changes with every change of the table, and differs between architectures.
fn unnamed(text: &str) -> String {
    text.replace(&filter::name(), "deny-NAME")
}

#[test]
fn a_plan_prints() {
    insta::with_settings!({snapshot_path => "../../../snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("sandbox_plan", unnamed(&sample().to_string()));
    });
}

#[test]
fn a_plan_goes_to_json_and_back() {
    let plan = sample();
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    assert!(text.starts_with(r#"{"schema":1,"steps":[{"do":"enter","namespaces":["user","mount""#), "{text}");
}

#[test]
fn the_bundle_is_canonical() {
    let spec = oci::spec(&sample(), "/bundle".as_ref(), 0).unwrap();
    let text = oci::canonical(&spec).unwrap();
    assert_eq!(text, oci::canonical(&oci::spec(&sample(), "/bundle".as_ref(), 0).unwrap()).unwrap());
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    // Keys are sorted: `preserve_order` is off.
    let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
    assert!(keys.is_sorted() && text.find("\"hostname\"") < text.find("\"linux\""), "{keys:?}");
    // The table of calls is checked by what it does, not by its text.
    value["linux"]["seccomp"]["syscalls"] = serde_json::Value::Null;
    insta::with_settings!({snapshot_path => "../../../snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_json_snapshot!("sandbox_bundle", value);
    });
    let layout = oci::layout(&sample());
    assert_eq!(layout.root, [PathBuf::from("/store/a"), PathBuf::from("/store/b:c")]);
    assert_eq!(layout.folders.len(), 4, "{layout:?}");
}

#[test]
fn isolation_has_one_name() {
    let name = isolation_id(Level::Isolated);
    assert_eq!(name, isolation_id(Level::Isolated));
    assert!(name.starts_with("isolated-1-") && name.len() == 23, "{name}");
    for level in Level::ALL {
        let name = isolation_id(level);
        assert!(name.starts_with(&format!("{level}-1-")), "{name}");
        // What was left at the level before stays in its name's digest.
        assert_eq!(Level::ALL.map(isolation_id).iter().filter(|other| **other == name).count(), 1);
    }
}

#[test]
fn this_host_is_good_enough() {
    for feature in probe() {
        assert!(feature.works() || !feature.required, "{feature}; {:?}", feature.cure);
        if !feature.works() {
            skipped("an optional feature", &feature.to_string());
        }
    }
    require().unwrap();
}

/// Runs a filter as the kernel would.
fn decide(program: &[Instruction], arch: u32, number: u32, arguments: [u64; 6]) -> u32 {
    let mut data = Vec::new();
    data.extend(number.to_ne_bytes());
    data.extend(arch.to_ne_bytes());
    data.extend(0u64.to_ne_bytes());
    arguments.iter().for_each(|argument| data.extend(argument.to_ne_bytes()));
    let (mut at, mut value) = (0, 0u32);
    loop {
        let Instruction { code, yes, no, k } = program[at];
        at += 1;
        let test = match code {
            0x20 => {
                value = u32::from_ne_bytes(data[k as usize..][..4].try_into().unwrap());
                continue;
            }
            0x05 => {
                at += k as usize;
                continue;
            }
            0x06 => return k,
            0x15 => value == k,
            0x35 => value >= k,
            0x45 => value & k != 0,
            _ => panic!("instruction {code:#x}"),
        };
        at += usize::from(if test { yes } else { no });
    }
}

#[test]
fn the_filter_decides_by_the_low_half() {
    let program = filter::program();
    assert!(program.len() < 4096);
    let arch = if cfg!(target_arch = "aarch64") { 0xc000_00b7 } else { 0xc000_003e };
    let of = |number: i64, arguments: [u64; 6]| decide(&program, arch, number as u32, arguments);
    const ALLOW: u32 = 0x7fff_0000;
    let error = |number: i32| 0x5_0000 | number as u32;
    let high = 0xdead_beef_0000_0000;
    assert_eq!(of(libc::SYS_read, [0; 6]), ALLOW);
    assert_eq!(of(libc::SYS_ioctl, [0, 0x5412 | high, 0, 0, 0, 0]), error(libc::EPERM));
    assert_eq!(of(libc::SYS_ioctl, [0, 0x5413, 0, 0, 0, 0]), ALLOW);
    assert_eq!(of(libc::SYS_clone, [0x1000_0000 | high, 0, 0, 0, 0, 0]), error(libc::EPERM));
    assert_eq!(of(libc::SYS_clone, [0x11, 0, 0, 0, 0, 0]), ALLOW);
    for family in 0..64 {
        let expected = if [1, 2, 10, 16].contains(&family) { ALLOW } else { error(libc::EAFNOSUPPORT) };
        assert_eq!(of(libc::SYS_socket, [family | high, 1, 0, 0, 0, 0]), expected, "{family}");
    }
    assert_eq!(of(libc::SYS_socket, [16, 3, 1 | high, 0, 0, 0]), error(libc::EPROTONOSUPPORT));
    assert_eq!(of(libc::SYS_socket, [2, 3, 1, 0, 0, 0]), ALLOW);
    assert_eq!(decide(&program, 0x4000_0003, 20, [0; 6]), 0x8000_0000);
    assert_eq!(of(0x4000_0027, [0; 6]), error(libc::ENOSYS));
    // Every line of the table does something.
    for rule in filter::rules().filter(|rule| rule.when.is_empty()) {
        assert_ne!(of(rule.number, [0; 6]), ALLOW, "{}", rule.call);
    }
}

/// The table itself, applied to a call.
fn by_the_table(number: u32, arguments: [u64; 6]) -> u32 {
    if number > 469 {
        return 0x5_0000 | libc::ENOSYS as u32;
    }
    let holds = |test: &filter::Test| {
        let value = arguments[usize::from(test.argument)] as u32;
        match test.is {
            filter::Is::Value(wanted) => value == wanted,
            filter::Is::NoneOf(values) => !values.contains(&value),
            filter::Is::AnyBit(bits) => value & bits != 0,
            filter::Is::NoBit(bits) => value & bits == 0,
        }
    };
    let mut rules = filter::rules().filter(|rule| rule.number == i64::from(number));
    match rules.find(|rule| rule.when.iter().all(holds)).map(|rule| rule.answer) {
        Some(filter::Answer::Error(errno)) => 0x5_0000 | errno as u32,
        Some(filter::Answer::Zero) => 0x5_0000,
        None => 0x7fff_0000,
    }
}

#[test]
fn programs_follow_the_table() {
    let arch = if cfg!(target_arch = "aarch64") { 0xc000_00b7 } else { 0xc000_003e };
    let programs = [filter::program(), filter::tracing()];
    let mut values: Vec<u64> = vec![0, 1, 2, 3, 10, 16, 17, 38, 0x80, 0xffff_ffff, 0xdead_beef_0000_0000];
    values.extend((0..32).map(|bit| 1 << bit));
    values.extend([libc::TIOCSTI, libc::TIOCLINUX, filter::PERSONA.into()]);
    for number in (0..600).chain([0x4000_0000, 0x4000_0027, u32::MAX]) {
        for first in &values {
            for second in &values {
                let arguments = [*first, *second, *first, *second, *first, *second];
                let expected = by_the_table(number, arguments);
                assert_eq!(decide(&programs[0], arch, number, arguments), expected, "{number} {arguments:?}");
                let answer = decide(&programs[1], arch, number, arguments);
                assert!(answer == expected || (expected, answer) == (0x7fff_0000, 0x7ff0_0000), "{number}");
            }
        }
    }
    let told = |call: i64, arguments| decide(&programs[1], arch, call as u32, arguments) == 0x7ff0_0000;
    assert!(told(libc::SYS_openat, [0; 6]) && told(libc::SYS_newfstatat, [0; 6]));
    assert!(told(libc::SYS_fcntl, [0, libc::F_DUPFD as u64, 0, 0, 0, 0]) && !told(libc::SYS_read, [0; 6]));
    assert!(!told(libc::SYS_fcntl, [0, libc::F_GETFL as u64, 0, 0, 0, 0]));
    // fstat(3) under another name.
    assert!(!told(libc::SYS_newfstatat, [0, 0, 0, libc::AT_EMPTY_PATH as u64, 0, 0]));
    assert!(programs.iter().all(|program| program.len() < 400), "{:?}", programs.each_ref().map(Vec::len));
}

//! The format: whole traces come back, anything else is refused.

use super::*;

fn sample() -> Trace {
    let path = |parent, name: &[u8]| PathEntry { parent, name: name.to_vec() };
    let access = |path, ways, read, written| Access { path, ways, read, written };
    let program = Program {
        order: 3,
        path: 3,
        directory: 4,
        arguments: vec![b"sh".to_vec(), Vec::new(), b"\xff".to_vec()],
        cut: true,
    };
    Trace {
        paths: vec![
            path(0, b""),
            path(0, b""),
            path(0, b"usr"),
            path(2, b"sh"),
            path(0, b"build"),
            path(4, b"\xff"),
            path(1, b"pipe:1"),
        ],
        processes: vec![
            Process {
                start: 1,
                end: Some(900),
                exit: Exit::Code(0),
                programs: vec![program],
                accesses: vec![
                    access(3, Ways::EXECUTED, None, None),
                    access(5, Ways::READ.and(Ways::WRITTEN), Some((5, 70)), Some((6, 6))),
                ],
                ..Process::default()
            },
            Process {
                parent: 1,
                start: 400,
                accesses: vec![access(6, Ways::WRITTEN, None, Some((400, 400)))],
                ..Process::default()
            },
        ],
        moves: vec![Move { order: 500, process: 2, kind: MoveKind::Link, from: 5, to: 3 }],
        calls: [(CallKind::Open, 1_000_000), (CallKind::Unread, 1)].into(),
    }
}

fn packed(body: &[u8]) -> Vec<u8> {
    [MAGIC, &zstd::encode_all(body, 1).unwrap()].concat()
}

fn body() -> Vec<u8> {
    zstd::decode_all(&sample().encode()[MAGIC.len()..]).unwrap()
}

#[test]
fn there_and_back() {
    for trace in [sample(), Trace { paths: sample().paths[..2].to_vec(), ..Trace::default() }] {
        assert_eq!(Trace::decode(&trace.encode()).unwrap(), trace);
        assert_eq!(trace.encode(), trace.encode());
    }
    assert_eq!(sample().path(5), b"/build/\xff");
    assert_eq!(sample().path(6), b"pipe:1");
    assert_eq!(sample().path(ROOT), b"/");
}

#[test]
fn the_bytes_are_these() {
    // A changed layout is a new version.
    let hex: String = body().iter().map(|byte| format!("{byte:02x}")).collect();
    let expected = "c0843d00000000000000000001070203757372010273680405627569 6c6401 01ff0506706970653a31";
    assert!(hex.starts_with(&expected.replace(' ', "")), "{hex}");
}

#[test]
fn what_is_no_trace_is_refused() {
    let whole = body();
    for cut in 0..whole.len() {
        assert!(Trace::decode(&packed(&whole[..cut])).is_err(), "{cut}");
    }
    assert!(Trace::decode(&packed(&[&whole[..], &[0]].concat())).is_err());
    assert!(Trace::decode(b"").is_err());
    assert!(Trace::decode(b"repro trace 2\n").is_err());
    assert!(Trace::decode(MAGIC).is_err());
}

#[test]
fn changed_bytes_never_panic() {
    let whole = body();
    for at in 0..whole.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff, whole[at] ^ 1] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            // What can be read is a trace that can be written and read again.
            if let Ok(trace) = Trace::decode(&packed(&bytes)) {
                assert_eq!(Trace::decode(&trace.encode()).unwrap(), trace);
            }
        }
    }
    let packed = sample().encode();
    for at in 0..packed.len() {
        let mut bytes = packed.clone();
        bytes[at] ^= 0x55;
        let _ = Trace::decode(&bytes);
    }
}

#[test]
fn a_count_without_content_costs_nothing() {
    // Four billion paths, processes, programs, arguments are only claimed.
    let big = [0xff, 0xff, 0xff, 0xff, 0x0f];
    let head = [0; 11];
    assert!(Trace::decode(&packed(&[&head[..], &big].concat())).is_err());
    assert!(Trace::decode(&packed(&[&head[..], &[2], &big].concat())).is_err());
    assert!(Trace::decode(&packed(&[&head[..], &[2, 1, 0, 0, 0, 0], &big].concat())).is_err());
    assert!(Trace::decode(&packed(&[&head[..], &[2, 1, 0, 0, 0, 0, 1, 0, 0, 0], &big].concat())).is_err());
}

//! Calls that are handed to an observer: all of those in its list, and none that the filter refuses.

use std::sync::mpsc;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use super::*;
/// Answers until nobody is left under the filter, and gives the numbers of all calls in order.
fn answer(listener: Listener) -> Vec<i64> {
    let mut calls = Vec::new();
    loop {
        let mut wait = [PollFd::new(&listener, PollFlags::IN)];
        rustix::event::poll(&mut wait, None).expect("a listener can be polled");
        if !wait[0].revents().contains(PollFlags::IN) {
            return calls;
        }
        match listener.receive() {
            Ok(call) => {
                calls.push(call.call.into());
                assert!(call.thread > 1, "seen in this process's own numbers");
                assert!(listener.still_waits(call.id));
                listener.let_go_on(call.id).expect("it has not died");
                assert!(!listener.still_waits(call.id));
            }
            Err(errno) => assert!([Errno::NOENT, Errno::INTR].contains(&errno), "{errno}"),
        }
    }
}

#[test]
fn an_observer_hears_of_calls_and_changes_none() {
    let stage = Stage::of(&[
        "/usr/bin/python3",
        "-ISBuc",
        "import os, socket\n\
         os.mkdir('/build/a'); os.rename('/build/a', '/build/b')\n\
         try: socket.socket(38, 5)\n\
         except OSError as error: print(error.errno)\n\
         try: os.stat('/absent')\n\
         except OSError as error: print(error.errno)",
    ]);
    let (send, receive) = mpsc::channel();
    let mut log = Vec::new();
    let cancel = CancelToken::new().unwrap();
    let finished = stage.plan().run(
        &Launchers::new(),
        RunIo {
            log: &mut |bytes| log.extend_from_slice(bytes),
            jobserver: None,
            cancel: &cancel,
            announced: None,
            listener: Some(&mut |listener| {
                let send = send.clone();
                std::thread::spawn(move || send.send(answer(listener)));
            }),
            terminal: None,
        },
    );
    assert_eq!(finished.unwrap().outcome, Outcome::Exited(0));
    assert_eq!(String::from_utf8(log).unwrap(), format!("{}\n{}\n", libc::EAFNOSUPPORT, libc::ENOENT));
    let calls = receive.recv().unwrap();
    assert_eq!(calls[0], libc::SYS_execve);
    for wanted in [libc::SYS_openat, libc::SYS_exit_group] {
        assert!(calls.contains(&wanted), "{wanted}: {calls:?}");
    }
    assert!(calls.contains(&libc::SYS_renameat) || calls.contains(&82), "{calls:?}");
    assert!(!calls.contains(&libc::SYS_socket), "refused calls are nobody's business: {calls:?}");
}

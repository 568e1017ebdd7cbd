//! INT, TERM and HUP end a run within two seconds, whatever it waits for.

use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::environment::{Project, sources};

#[test]
fn a_signal_ends_a_stuck_download() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let project = Project::small();
        // A server that accepts and never answers.
        let server = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = server.local_addr().expect("an address");
        project.write("project/stages/sources.toml", sources(&format!("http://{address}/")));
        let mut command = project.command(&["lock"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("run repro");
        let connection = accept(&server);
        let start = Instant::now();
        let pid = child.id().to_string();
        // The shell's own kill, so that no other program is needed.
        let sent = std::process::Command::new("sh").args(["-c", &format!("kill -{signal} {pid}")]).status();
        assert!(sent.expect("run a shell").success());
        let said = project.said(child.wait_with_output().expect("it ends")).ends(code);
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
        assert!(said.err.contains("stopping"), "{}", said.all());
        drop(connection);
        assert!(!project.path("project/lockfile.json").exists());
    }
}

/// The next connection; a failure, not a hang, when none comes.
fn accept(server: &TcpListener) -> TcpStream {
    server.set_nonblocking(true).expect("a socket can be non-blocking");
    let start = Instant::now();
    loop {
        match server.accept() {
            Ok((connection, _)) => return connection,
            Err(error) => assert!(start.elapsed() < Duration::from_secs(20), "repro does not connect: {error}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

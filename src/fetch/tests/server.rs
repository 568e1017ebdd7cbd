//! A small HTTP server that does what it is told, however wrong.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request, as far as it matters.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    /// First byte of the `Range`.
    pub(crate) range: Option<usize>,
    pub(crate) if_range: Option<String>,
    /// How many requests for this path came before.
    pub(crate) before: usize,
    pub(crate) headers: BTreeMap<String, String>,
}

/// The connection to answer on; counts the bytes.
pub(crate) struct Answer {
    stream: TcpStream,
    sent: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Answer {
    /// Sends bytes; false when the client is gone.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> bool {
        self.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.stream.write_all(bytes).is_ok()
    }

    pub(crate) fn head(&mut self, status: &str, headers: &str) -> bool {
        self.raw(format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n").as_bytes())
    }

    /// A proper answer with `bytes`, or the part that was asked for.
    pub(crate) fn serve(&mut self, asked: &Asked, bytes: &[u8], tag: &str) {
        let matches = asked.if_range.as_deref().is_none_or(|known| known == tag);
        let (total, tag) = (bytes.len(), if tag.is_empty() { String::new() } else { format!("ETag: {tag}\r\n") });
        match asked.range.filter(|_| matches) {
            Some(from) if from >= total => {
                self.head("416 Range Not Satisfiable", &format!("Content-Range: bytes */{total}\r\n"));
            }
            Some(from) => {
                let range = format!("Content-Range: bytes {from}-{}/{total}\r\n", total - 1);
                self.head("206 Partial Content", &format!("{range}{tag}Content-Length: {}\r\n", total - from));
                self.raw(&bytes[from..]);
            }
            None => {
                self.head("200 OK", &format!("{tag}Content-Length: {total}\r\n"));
                self.raw(bytes);
            }
        }
    }

    /// Ends the connection by a reset.
    pub(crate) fn reset(&mut self) {
        // Closing with the answer's unread rest or linger 0 sends RST.
        rustix::net::sockopt::set_socket_linger(&self.stream, Some(std::time::Duration::ZERO)).unwrap();
    }

    /// Says nothing until the test is over.
    pub(crate) fn hang(&self) {
        while !self.over.load(Ordering::Relaxed) {
            thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

type Handler = dyn Fn(&Asked, &mut Answer) + Send + Sync;

pub(crate) struct Server {
    pub(crate) base: String,
    sent: Arc<AtomicU64>,
    asked: Arc<Mutex<Vec<Asked>>>,
    over: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn new(handler: impl Fn(&Asked, &mut Answer) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { base, sent: Arc::default(), asked: Arc::default(), over: Arc::default() };
        let (sent, log, over) = (server.sent.clone(), server.asked.clone(), server.over.clone());
        let handler: Arc<Handler> = Arc::new(handler);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let (sent, log, over, handler) = (sent.clone(), log.clone(), over.clone(), handler.clone());
                thread::spawn(move || {
                    let Some(mut asked) = read(&stream) else { return };
                    {
                        let mut log = log.lock().unwrap();
                        asked.before = log.iter().filter(|old| old.path == asked.path).count();
                        log.push(asked.clone());
                    }
                    let mut answer = Answer { stream, sent, over };
                    handler(&asked, &mut answer);
                    let _ = answer.stream.flush();
                });
            }
        });
        server
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// All bytes that were sent, heads included.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for connections.
        if let Ok(stream) = TcpStream::connect(self.base.trim_start_matches("http://")) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let mut headers = BTreeMap::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':')?;
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let range = headers.get("range").and_then(|text| text.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let if_range = headers.get("if-range").cloned();
    Some(Asked { path, range, if_range, before: 0, headers })
}

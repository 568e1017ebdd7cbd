//! From what the kernel tells of a stage's processes to its trace: keeps account of their descriptors and working
//! directories, and of the stage's files.

mod calls;

use std::collections::BTreeMap;

use crate::calls::{CallKind, Event, Kind, Place, Ways};
use crate::sandbox::Plan;
use crate::trace::descriptors::{Descriptors, Open};
use crate::trace::files::{Files, Found, Node, Own, TOP, What};
use crate::trace::model::{Exit, PathId, Process, Program, ROOT, Trace};
use crate::trace::paths::Paths;
use crate::trace::program::{Needs, needs};
use crate::trace::record::Record;

/// Interpreters of interpreters that the kernel follows.
const DEEPEST: usize = 5;
/// Most bytes of arguments that are kept.
const ARGUMENTS: usize = 128 << 10;

/// A process that lives.
#[derive(Debug)]
struct Live {
    /// Its number in the trace, from 1.
    number: u32,
    /// Whether it is the stage's own already: the first one arranges the sandbox before it executes the program.
    begun: bool,
    directory: Node,
    program: Option<PathId>,
    /// Of a script whose arguments are still to come: its name. The kernel puts the interpreter before it.
    script: Option<Vec<u8>>,
    descriptors: Descriptors,
}

/// All that is known of a stage so far.
#[derive(Debug)]
pub(super) struct Follower {
    paths: Paths,
    files: Files,
    record: Record,
    processes: Vec<Process>,
    /// The processes' numbers inside the sandbox.
    inner: Vec<u32>,
    live: BTreeMap<u32, Live>,
    /// What the kernel opens by itself for a program.
    needs: BTreeMap<Node, Needs>,
    /// How many objects without a path there were.
    nameless: u32,
    /// The descriptors that the program begins with.
    first: Descriptors,
    directory: Vec<u8>,
    order: u32,
    /// Reused.
    followed: Vec<PathId>,
}

/// The links of a process's folder in `/proc`.
struct Links<'a> {
    live: &'a Live,
    directory: PathId,
}

impl Own for Links<'_> {
    fn link(&self, name: &[u8]) -> Option<(PathId, Option<Node>)> {
        match name {
            b"cwd" => Some((self.directory, Some(self.live.directory))),
            b"root" => Some((ROOT, Some(TOP))),
            b"exe" => self.live.program.map(|path| (path, None)),
            _ => {
                let number = std::str::from_utf8(name.strip_prefix(b"fd/")?).ok()?.parse().ok()?;
                self.live.descriptors.get(number).map(|open| (open.path, open.node))
            }
        }
    }
}

/// Text up to its NUL; none if it could not be read.
fn text(bytes: &[u8]) -> Option<&[u8]> {
    bytes.split_last().map(|(_, text)| text)
}

impl Follower {
    /// For a stage that runs by this plan.
    pub(super) fn new(plan: &Plan) -> Self {
        use crate::sandbox::Step;
        let directory = plan.steps.iter().find_map(|step| match step {
            Step::Directory { path } => Some(path.clone().into_bytes()),
            _ => None,
        });
        let mut follower = Self {
            paths: Paths::new(),
            files: Files::of(plan),
            record: Record::default(),
            processes: Vec::new(),
            inner: Vec::new(),
            live: BTreeMap::new(),
            needs: BTreeMap::new(),
            nameless: 0,
            first: Descriptors::default(),
            directory: directory.unwrap_or_else(|| b"/".to_vec()),
            order: 0,
            followed: Vec::new(),
        };
        let null = follower.files.walk(&mut follower.paths, TOP, b"/dev/null", true, &Nobody, &mut Vec::new());
        let log = follower.nameless("pipe");
        let jobserver = follower.nameless("pipe");
        follower.first.set(0, Open { path: null.path, node: null.node }, false);
        for (number, path) in [(1, log), (2, log), (3, jobserver), (4, jobserver)] {
            follower.first.set(number, Open { path, node: None }, false);
        }
        follower
    }

    /// The trace, and the numbers that the processes had inside the sandbox.
    pub(super) fn finish(mut self) -> (Trace, Vec<u32>) {
        // After the NUL of the last argument comes nothing, which is no argument.
        for program in self.processes.iter_mut().flat_map(|process| &mut process.programs) {
            program.arguments.pop_if(|last| last.is_empty());
        }
        (self.record.finish(self.paths.into_entries(), self.processes), self.inner)
    }

    fn nameless(&mut self, kind: &str) -> PathId {
        self.nameless += 1;
        self.paths.nameless(format!("{kind}:{}", self.nameless).as_bytes())
    }

    /// Hears of an event.
    pub(super) fn hear(&mut self, event: &Event<'_>) {
        self.order = self.order.saturating_add(1);
        match event.kind {
            Some(Kind::Fork) => self.fork(event.process, event.number, event.arguments[0] as u32),
            Some(Kind::Execute) => self.execute(event),
            Some(Kind::Arguments) => self.arguments(event),
            Some(Kind::Exit) => self.exit(event.process, event.number),
            Some(Kind::Asked) if self.live.get(&event.process).is_some_and(|live| live.begun) => {
                let path = self.paths.nameless(text(event.first).unwrap_or_default());
                self.add(event.process, path, Ways::READ);
            }
            Some(Kind::Call) if self.live.get(&event.process).is_some_and(|live| live.begun) => {
                if let Some(kind) = self.call(event) {
                    self.record.count(kind);
                }
            }
            _ => {}
        }
    }

    fn fork(&mut self, parent: u32, child: u32, inner: u32) {
        let live = match self.live.get(&parent) {
            Some(live) => {
                let Live { begun, directory, program, .. } = *live;
                Live { number: 0, begun, directory, program, script: None, descriptors: live.descriptors.clone() }
            }
            // Process 1 of the sandbox, which is nobody's: its only child is the stage's first process.
            None if self.processes.is_empty() => Live {
                number: 0,
                begun: false,
                directory: TOP,
                program: None,
                script: None,
                descriptors: Descriptors::default(),
            },
            None => return,
        };
        let parent = self.live.get(&parent).map_or(0, |live| live.number);
        self.processes.push(Process { parent, start: self.order, ..Process::default() });
        self.inner.push(inner);
        self.live.insert(child, Live { number: self.processes.len() as u32, ..live });
    }

    fn exit(&mut self, pid: u32, status: u32) {
        let Some(live) = self.live.remove(&pid) else { return };
        if !live.begun {
            return;
        }
        let at = live.number as usize - 1;
        if self.processes[at].programs.is_empty() {
            self.standard(&live);
        }
        let process = &mut self.processes[at];
        process.end = Some(self.order);
        process.exit = match status & 0x7f {
            0 => Exit::Code((status >> 8) as u8),
            signal => Exit::Signal(signal as u8),
        };
        self.record.count(CallKind::End);
    }

    fn add(&mut self, pid: u32, path: PathId, ways: Ways) {
        if let Some(live) = self.live.get(&pid) {
            self.record.add(self.order, live.number, path, ways);
        }
    }

    /// Follows a path and notes the links on the way.
    fn walk(&mut self, pid: u32, from: Node, path: &[u8], follow: bool) -> Found {
        let mut followed = std::mem::take(&mut self.followed);
        followed.clear();
        let found = match self.live.get(&pid) {
            Some(live) => {
                let directory = self.files.path(&mut self.paths, live.directory);
                let own = Links { live, directory };
                self.files.walk(&mut self.paths, from, path, follow, &own, &mut followed)
            }
            None => self.files.walk(&mut self.paths, from, path, follow, &Nobody, &mut followed),
        };
        followed.iter().for_each(|link| self.add(pid, *link, Ways::FOLLOWED));
        self.followed = followed;
        found
    }

    /// What a call's path leads to. None: there is no path, or it begins at a descriptor of which nothing is known.
    fn find(&mut self, pid: u32, place: Place, path: &[u8]) -> Option<Found> {
        let live = self.live.get(&pid)?;
        let from = match place.folder {
            _ if path.first() == Some(&b'/') => TOP,
            None => live.directory,
            Some(number) => {
                let open = live.descriptors.get(number)?;
                if path.is_empty() {
                    return place.empty.then_some(Found { path: open.path, directory: None, node: open.node });
                }
                open.node.filter(|node| *self.files.what(*node) == What::Directory)?
            }
        };
        if path.is_empty() && !place.empty {
            return None;
        }
        Some(self.walk(pid, from, path, place.follow))
    }

    /// Puts something at the end of a path.
    fn put(&mut self, found: Found, node: Option<Node>) {
        if let Some(directory) = found.directory {
            let name = self.paths.name(found.path).to_vec();
            self.files.put(directory, &name, node);
        }
    }

    /// A file has another content now than it was given with.
    fn changed(&mut self, node: Node) {
        self.files.forget_content(node);
        self.needs.remove(&node);
    }

    /// What is there after a call that worked: if it was not heard how it came there, it is there all the same.
    fn there(&mut self, found: Found) -> Option<Node> {
        if found.node.is_none() && found.directory.is_some() {
            let node = self.files.add(What::Something, None);
            self.put(found, Some(node));
            return Some(node);
        }
        found.node
    }

    fn execute(&mut self, event: &Event<'_>) {
        let pid = event.process;
        let Some(live) = self.live.get_mut(&pid) else { return };
        if !live.begun {
            live.begun = true;
            live.descriptors = self.first.clone();
            let directory = self.directory.clone();
            let found = self.walk(pid, TOP, &directory, true);
            if let (Some(node), Some(live)) = (found.node, self.live.get_mut(&pid)) {
                live.directory = node;
            }
            // What the sandbox's own preparation did belongs to nobody.
            self.processes[0].start = self.order;
        }
        self.record.count(CallKind::Execute);
        let Some(from) = self.live.get(&pid).map(|live| live.directory) else { return };
        let directory = self.files.path(&mut self.paths, from);
        // Of what is executed by a descriptor, this is below /dev/fd.
        let name = text(event.first).unwrap_or_default();
        let found = self.walk(pid, from, name, true);
        let node = self.there(found);
        let order = self.order;
        if let Some(live) = self.live.get_mut(&pid) {
            // Not before: what is executed may be named by a descriptor that is closed now.
            live.descriptors.execute();
            live.program = Some(found.path);
            let process = &mut self.processes[live.number as usize - 1];
            let path = found.path;
            process.programs.push(Program { order, path, directory, arguments: vec![Vec::new()], cut: false });
        }
        self.add(pid, found.path, Ways::EXECUTED);
        // The script's interpreter, if it is one, and then what that needs.
        let interpreter = text(event.second).filter(|interpreter| !interpreter.is_empty() && *interpreter != name);
        let interpreter = interpreter.map(|interpreter| self.walk(pid, from, interpreter, true));
        let mut at = match interpreter.filter(|interpreter| interpreter.path != found.path) {
            Some(interpreter) => {
                self.add(pid, interpreter.path, Ways::LOADER);
                if let Some(live) = self.live.get_mut(&pid) {
                    live.script = Some(name.to_vec());
                }
                self.there(interpreter)
            }
            None => node,
        };
        for _ in 0..DEEPEST {
            let Some(Needs::Loader(name) | Needs::Interpreter(name)) = at.map(|node| self.needs(node)) else { break };
            at = self.opened(pid, from, &name);
        }
        if let Some(live) = self.live.remove(&pid) {
            self.standard(&live);
            self.live.insert(pid, live);
        }
    }

    /// The kernel has opened this for a program.
    fn opened(&mut self, pid: u32, from: Node, name: &[u8]) -> Option<Node> {
        let found = self.walk(pid, from, name, true);
        self.add(pid, found.path, Ways::LOADER);
        self.there(found)
    }

    fn needs(&mut self, node: Node) -> Needs {
        if let Some(known) = self.needs.get(&node) {
            return known.clone();
        }
        let needs = self.files.head(node).map_or(Needs::Nothing, |head| needs(&head));
        self.needs.insert(node, needs.clone());
        needs
    }

    /// A piece of the arguments of the program that was executed last.
    fn arguments(&mut self, event: &Event<'_>) {
        let Some(live) = self.live.get_mut(&event.process) else { return };
        let process = &mut self.processes[live.number as usize - 1];
        let Some(program) = process.programs.last_mut() else { return };
        let had: usize = program.arguments.iter().map(|argument| argument.len() + 1).sum();
        if event.result < 0 || event.rest.is_empty() || had > ARGUMENTS {
            program.cut = true;
            return;
        }
        let mut parts = event.rest.split(|byte| *byte == 0);
        if let (Some(last), Some(first)) = (program.arguments.last_mut(), parts.next()) {
            last.extend_from_slice(first);
        }
        program.arguments.extend(parts.map(<[u8]>::to_vec));
        if let Some(script) = live.script.take()
            && let Some(at) = program.arguments.iter().position(|argument| *argument == script)
        {
            program.arguments.drain(..at);
        }
    }

    /// Notes what standard input, output and error are: files that a shell opened, and pipes.
    fn standard(&mut self, live: &Live) {
        for (number, ways) in [(0, Ways::READ), (1, Ways::WRITTEN), (2, Ways::WRITTEN)] {
            let Some(open) = live.descriptors.get(number) else { continue };
            // Devices connect nobody.
            if open.node.is_none_or(|node| *self.files.what(node) != What::Other) {
                self.record.add(self.order, live.number, open.path, ways.and(Ways::STANDARD));
            }
        }
    }
}

/// Of an unknown process nothing is known.
struct Nobody;

impl Own for Nobody {
    fn link(&self, _: &[u8]) -> Option<(PathId, Option<Node>)> {
        None
    }
}

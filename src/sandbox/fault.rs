//! What the child tells its parent, as bytes of fixed form: it cannot allocate, and text is made by the parent.

use std::os::fd::AsFd;
use std::time::Duration;

use rustix::io::Errno;

use crate::sys::process::Usage;

/// Most bytes of a message.
pub(super) const MESSAGE: usize = 112;

/// Most bytes of the kernel's own words in a fault: one line of them.
const NOTE: usize = MESSAGE - 13;

macro_rules! calls {
    ($( $name:ident $text:literal ),* $(,)?) => {
        /// What was being done when it failed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Call { $( $name ),* }

        impl Call {
            const ALL: &[Self] = &[ $( Self::$name ),* ];

            /// The call, as a fragment after "failed to".
            pub(super) fn text(self) -> &'static str {
                match self { $( Self::$name => $text ),* }
            }
        }
    };
}

calls! {
    Place "arrange descriptors",
    Close "close inherited descriptors",
    DeathSignal "ask to die with the caller",
    ParentGone "find the caller alive",
    OpenFile "open a file of /proc/self",
    WriteFile "write a file of /proc/self",
    Private "make mounts private",
    Itself "do it",
    FsOpen "open the file system type",
    Lower "take a lower directory",
    Empty "take an empty lower directory",
    Upper "take the scratch upper directory",
    Option "set a mount option",
    Create "create the file system",
    Mount "make the mount",
    MakeDirectory "make a directory",
    MakeEntry "make an entry",
    SetTimes "set times",
    OpenPoint "open the mount point",
    Attach "attach the mount",
    OpenNode "open the device",
    WrongNode "find the right device",
    ReadOnly "make the mount read-only",
    ChangeDirectory "change directory",
    PivotRoot "pivot the root",
    Detach "detach the old root",
    OpenResult "open a result directory",
    Send "send to the caller",
    Hide "hide the reaper's memory",
    Clone "make a process",
    Trace "have the program traced",
    OpenTerminal "open the terminal",
    Session "start a session",
    OpenNull "open /dev/null",
    Bounding "empty the capability bounding set",
    Ambient "empty the ambient capability set",
    SecureBits "lock the secure bits",
    CapSet "give up capabilities",
    NoNewPrivileges "forbid new privileges",
    Install "install the filter",
    Execute "execute the program",
}

/// A failure inside the child.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fault {
    /// What failed.
    pub(super) call: Call,
    /// Which object of the step, when it has several.
    pub(super) index: u32,
    /// Why.
    pub(super) errno: Errno,
    /// The kernel's own words, where it has any.
    note: [u8; NOTE],
    note_len: usize,
}

impl Fault {
    pub(super) fn new(call: Call, index: usize, errno: Errno) -> Self {
        Self { call, index: u32::try_from(index).unwrap_or(u32::MAX), errno, note: [0; NOTE], note_len: 0 }
    }

    /// The same of another object.
    pub(super) fn of(self, index: usize) -> Self {
        Self { index: u32::try_from(index).unwrap_or(u32::MAX), ..self }
    }

    /// Adds the first message that a file system context holds (fsopen(2)).
    pub(super) fn with_note_from(mut self, context: impl AsFd) -> Self {
        if let Ok(read) = rustix::io::read(context, &mut self.note) {
            self.note_len = read;
        }
        self
    }

    /// The kernel's words without their level prefix.
    pub(super) fn note(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.note[..self.note_len]);
        let text = text.trim_start_matches("e ").trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// Shorthand for `map_err` at a call.
pub(super) trait At<T> {
    fn at(self, call: Call) -> Result<T, Fault>;
    fn at_index(self, call: Call, index: usize) -> Result<T, Fault>;
}

impl<T> At<T> for Result<T, Errno> {
    fn at(self, call: Call) -> Result<T, Fault> {
        self.map_err(|errno| Fault::new(call, 0, errno))
    }

    fn at_index(self, call: Call, index: usize) -> Result<T, Fault> {
        self.map_err(|errno| Fault::new(call, index, errno))
    }
}

/// A message from the child, one packet each.
#[derive(Debug)]
pub(super) enum Message {
    /// The sandbox stands; descriptors come along.
    Ready,
    /// A step failed.
    Failed {
        /// Index of the step.
        step: usize,
        /// How.
        fault: Fault,
    },
    /// The program has ended.
    Done {
        /// Its wait status.
        status: i32,
        /// Largest resident set among it and its descendants, in bytes.
        max_rss: u64,
    },
    /// From the launcher: it could not make the sandbox's first process.
    Unborn {
        /// What the kernel said.
        errno: Errno,
    },
    /// From the launcher: the sandbox has ended, and nothing of it is alive.
    Gone {
        /// The wait status of its first process.
        status: i32,
        /// What all its processes used.
        usage: Usage,
    },
}

impl Message {
    /// The message as bytes, and their number.
    pub(super) fn encode(&self) -> ([u8; MESSAGE], usize) {
        let mut out = [0; MESSAGE];
        let mut len = 0;
        let mut put = |bytes: &[u8]| {
            // The buffer has room for the largest message; a shorter copy would only lose words of a note.
            let fit = bytes.len().min(MESSAGE - len);
            out[len..len + fit].copy_from_slice(&bytes[..fit]);
            len += fit;
        };
        match self {
            Self::Ready => put(b"R"),
            Self::Failed { step, fault } => {
                put(b"F");
                put(&u32::try_from(*step).unwrap_or(u32::MAX).to_le_bytes());
                put(&(fault.call as u32).to_le_bytes()[..2]);
                put(&fault.index.to_le_bytes()[..2]);
                put(&fault.errno.raw_os_error().to_le_bytes());
                put(&fault.note[..fault.note_len]);
            }
            Self::Done { status, max_rss } => {
                put(b"D");
                put(&status.to_le_bytes());
                put(&max_rss.to_le_bytes());
            }
            Self::Unborn { errno } => {
                put(b"U");
                put(&errno.raw_os_error().to_le_bytes());
            }
            Self::Gone { status, usage } => {
                put(b"G");
                put(&status.to_le_bytes());
                for time in [usage.user, usage.system] {
                    put(&u64::try_from(time.as_micros()).unwrap_or(u64::MAX).to_le_bytes());
                }
                put(&usage.max_rss.to_le_bytes());
            }
        }
        (out, len)
    }

    /// The message in these bytes.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        match kind {
            b'R' => Some(Self::Ready),
            b'F' => {
                let (step, rest) = rest.split_first_chunk::<4>()?;
                let (call, rest) = rest.split_first_chunk::<2>()?;
                let (index, rest) = rest.split_first_chunk::<2>()?;
                let (errno, rest) = rest.split_first_chunk::<4>()?;
                let call = *Call::ALL.get(usize::from(u16::from_le_bytes(*call)))?;
                let errno = Errno::from_raw_os_error(i32::from_le_bytes(*errno).clamp(1, 4095));
                let mut fault = Fault::new(call, usize::from(u16::from_le_bytes(*index)), errno);
                fault.note_len = rest.len().min(NOTE);
                fault.note[..fault.note_len].copy_from_slice(&rest[..fault.note_len]);
                Some(Self::Failed { step: u32::from_le_bytes(*step) as usize, fault })
            }
            b'D' => {
                let (status, rest) = rest.split_first_chunk::<4>()?;
                let (max_rss, _) = rest.split_first_chunk::<8>()?;
                Some(Self::Done { status: i32::from_le_bytes(*status), max_rss: u64::from_le_bytes(*max_rss) })
            }
            b'U' => Some(Self::Unborn { errno: Errno::from_raw_os_error(i32::from_le_bytes(*rest.first_chunk()?)) }),
            b'G' => {
                let (status, rest) = rest.split_first_chunk::<4>()?;
                let number = |at: usize| Some(u64::from_le_bytes(*rest.get(at * 8..)?.first_chunk::<8>()?));
                let time = |at| Some(Duration::from_micros(number(at)?));
                let usage = Usage { user: time(0)?, system: time(1)?, max_rss: number(2)? };
                Some(Self::Gone { status: i32::from_le_bytes(*status), usage })
            }
            _ => None,
        }
    }
}

//! Fault points: each operation of [`crate::fs`] asks here whether it may go on.
//!
//! A test arms a `Plan`: "the Nth operation that this failure can hit fails so". Running the same work with N = 1,
//! 2, 3... until a run passes untouched visits each way in which the work can be interrupted (SQLite tests itself in
//! this manner). A plan is armed for a thread and for the threads that it starts through [`crate::fs::parallel`], so
//! tests that run side by side do not meet; or for the whole process, for a child that is to be killed.
//!
//! Without `cfg(test)` and without the feature `fault-points` all of this is empty and costs nothing.

use std::path::PathBuf;

use rustix::io::Errno;

/// What an operation does, which decides what failures it can meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Looks at something.
    Observe,
    /// Takes a new descriptor.
    Open,
    /// Takes a new descriptor and may change the directory.
    Create,
    /// Changes names or attributes, or makes something durable.
    Change,
    /// Writes bytes.
    Write,
}

#[cfg(not(any(test, feature = "fault-points")))]
mod imp {
    use super::{Class, Errno, PathBuf};

    #[inline(always)]
    pub(crate) fn point(_: Class, _: &'static str, _: impl Fn() -> PathBuf) -> Result<(), Errno> {
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn length(wanted: usize) -> usize {
        wanted
    }

    #[derive(Clone)]
    pub(crate) struct Inherited;

    #[inline(always)]
    pub(crate) fn inherit() -> Inherited {
        Inherited
    }

    impl Inherited {
        #[inline(always)]
        pub(crate) fn enter(&self) {}
    }
}

#[cfg(any(test, feature = "fault-points"))]
mod imp {
    use std::cell::RefCell;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Mutex, OnceLock, PoisonError};

    use super::{Class, Errno, PathBuf};

    /// What happens at the chosen point.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Failure {
        /// The operation fails with this error number and does nothing.
        Errno(i32),
        /// A write takes only half of its bytes.
        ShortWrite,
        /// The process dies by SIGKILL, before the operation.
        Kill,
        /// Nothing: only count.
        Count,
    }

    impl Failure {
        fn hits(self, class: Class) -> bool {
            match self {
                Self::Errno(code) if code == Errno::MFILE.raw_os_error() => {
                    matches!(class, Class::Open | Class::Create)
                }
                Self::Errno(code) if code == Errno::NOSPC.raw_os_error() => {
                    matches!(class, Class::Create | Class::Change | Class::Write)
                }
                Self::Errno(_) | Self::Count => true,
                Self::ShortWrite => class == Class::Write,
                Self::Kill => matches!(class, Class::Create | Class::Change | Class::Write),
            }
        }
    }

    /// Which operation is to fail, and how.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Plan {
        /// Counts from 1, among the operations that the failure can hit.
        pub nth: u64,
        /// What happens there.
        pub failure: Failure,
    }

    #[derive(Debug)]
    struct Injector {
        plan: Plan,
        seen: AtomicU64,
        fired: Mutex<Option<String>>,
    }

    thread_local! {
        static HERE: RefCell<Option<Arc<Injector>>> = const { RefCell::new(None) };
    }
    static EVERYWHERE: OnceLock<Arc<Injector>> = OnceLock::new();

    fn current() -> Option<Arc<Injector>> {
        HERE.with_borrow(Clone::clone).or_else(|| EVERYWHERE.get().cloned())
    }

    impl Injector {
        fn new(plan: Plan) -> Arc<Self> {
            Arc::new(Self { plan, seen: AtomicU64::new(0), fired: Mutex::new(None) })
        }

        fn strike(&self, class: Class, what: impl Fn() -> String) -> bool {
            if !self.plan.failure.hits(class) || self.seen.fetch_add(1, Ordering::SeqCst) + 1 != self.plan.nth {
                return false;
            }
            *self.fired.lock().unwrap_or_else(PoisonError::into_inner) = Some(what());
            true
        }
    }

    /// A plan in force on this thread, until it is dropped.
    #[derive(Debug)]
    pub struct Armed {
        injector: Arc<Injector>,
    }

    impl Armed {
        /// The operation and path that were hit, if the plan's point was reached.
        pub fn fired(&self) -> Option<String> {
            self.injector.fired.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }

        /// How many operations that the failure can hit have passed.
        pub fn seen(&self) -> u64 {
            self.injector.seen.load(Ordering::SeqCst)
        }
    }

    impl Drop for Armed {
        fn drop(&mut self) {
            HERE.set(None);
        }
    }

    /// Arms a plan for this thread and those that it starts through [`crate::fs::parallel`].
    pub fn arm(plan: Plan) -> Armed {
        let injector = Injector::new(plan);
        HERE.set(Some(Arc::clone(&injector)));
        Armed { injector }
    }

    /// Arms a plan for the whole process, for good. Only the first call counts.
    pub fn arm_process(plan: Plan) {
        EVERYWHERE.get_or_init(|| Injector::new(plan));
    }

    pub(crate) fn point(class: Class, operation: &'static str, path: impl Fn() -> PathBuf) -> Result<(), Errno> {
        let Some(injector) = current() else { return Ok(()) };
        // Short writes are decided by `length`, which counts them.
        if injector.plan.failure == Failure::ShortWrite {
            return Ok(());
        }
        if !injector.strike(class, || format!("{operation} {}", path().display())) {
            return Ok(());
        }
        match injector.plan.failure {
            Failure::Errno(code) => Err(Errno::from_raw_os_error(code)),
            Failure::Kill => {
                let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
                loop {
                    std::thread::park();
                }
            }
            Failure::ShortWrite | Failure::Count => Ok(()),
        }
    }

    pub(crate) fn length(wanted: usize) -> usize {
        match current() {
            Some(injector)
                if injector.plan.failure == Failure::ShortWrite
                    && wanted > 1
                    && injector.strike(Class::Write, || "write a part".to_owned()) =>
            {
                wanted / 2
            }
            _ => wanted,
        }
    }

    #[derive(Clone)]
    pub(crate) struct Inherited(Option<Arc<Injector>>);

    pub(crate) fn inherit() -> Inherited {
        Inherited(HERE.with_borrow(Clone::clone))
    }

    impl Inherited {
        pub(crate) fn enter(&self) {
            HERE.set(self.0.clone());
        }
    }
}

#[cfg(any(test, feature = "fault-points"))]
pub use imp::{Armed, Failure, Plan, arm, arm_process};
pub(crate) use imp::{inherit, length, point};

/// Runs a system call behind a fault point, again while a signal interrupts it.
#[inline]
pub(crate) fn call<T>(
    class: Class,
    operation: &'static str,
    path: impl Fn() -> PathBuf,
    mut system_call: impl FnMut() -> Result<T, Errno>,
) -> Result<T, Errno> {
    loop {
        match point(class, operation, &path).and_then(|()| system_call()) {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

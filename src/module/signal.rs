//! SIGTERM and SIGINT: no new write begins, and the result of what was done is printed.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use super::error::{Error, ErrorKind};

static CAUGHT: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From now on both signals only raise a flag.
pub fn catch() {
    let flag = CAUGHT.get_or_init(Arc::default);
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        // Without the handler the signal ends the process at once, as it would anyway.
        let _ = signal_hook::flag::register(signal, flag.clone());
    }
}

/// Whether a signal asked the run to end.
pub fn interrupted() -> bool {
    CAUGHT.get().is_some_and(|flag| flag.load(Ordering::Relaxed))
}

/// The same as the reason why something is not tried.
pub fn signalled() -> Option<Error> {
    interrupted().then(|| Error::new(ErrorKind::NotTried, "not tried, since a signal ended the run"))
}

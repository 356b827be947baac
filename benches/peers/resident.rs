//! The memory that a child holds.

use std::process::Child;
use std::thread;
use std::time::Duration;

use procfs::process::Process;

/// The most of it until the child ends, in megabytes.
pub(crate) fn most_mb(child: &mut Child) -> f64 {
    let id = i32::try_from(child.id()).expect("a process");
    let mut most_kb = 0;
    while child.try_wait().expect("a child").is_none() {
        let status = Process::new(id).and_then(|process| process.status());
        most_kb = most_kb.max(status.ok().and_then(|status| status.vmhwm).unwrap_or_default());
        thread::sleep(Duration::from_millis(100));
    }
    most_kb as f64 / 1024.0
}

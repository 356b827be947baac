//! The folder of the index and its log, and the lock that keeps a second server out of it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

/// Begins the names of temporary folders.
const TEMPORARY: &str = "example-api-";

const LOCK: &str = "lock";

/// A temporary folder that nobody has locked is left over from a server that was killed. A younger
/// one may belong to a server that is just starting.
const LEFT_OVER_AGE: Duration = Duration::from_secs(60);

/// How often the removal of a temporary folder is tried: a merge may still create files in it.
const REMOVALS_MAX: usize = 5;

/// A folder that belongs to this server as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    temporary: Option<TempDir>,
    /// The system takes the lock off when the server ends in whatever way.
    _lock: File,
}

impl Folder {
    /// The folder `data`, created when missing; without one a temporary folder, removed at the end.
    /// The error is one line that names DATA.
    pub(super) fn open(data: Option<&Path>) -> Result<Self, String> {
        let Some(path) = data else {
            return Self::temporary().map_err(|error| {
                format!("could not create a temporary folder: {error}; name another with DATA")
            });
        };
        let shown = path.display();
        let cannot = |error: &dyn std::fmt::Display| {
            format!("DATA={shown} cannot be used: {error}; name a folder that can be written")
        };
        fs::create_dir_all(path).map_err(|error| cannot(&error))?;
        let lock = match lock_in(path) {
            Ok(lock) => lock,
            Err(TryLockError::WouldBlock) => {
                return Err(format!("DATA={shown} is used by another server; name another folder"));
            }
            Err(TryLockError::Error(error)) => return Err(cannot(&error)),
        };
        let folder = Self { path: path.to_owned(), temporary: None, _lock: lock };
        folder.create_parts().map_err(|error| cannot(&error))?;
        // Where the folder above may be written to but not opened, its name is synced in time.
        if let Some(above) = path.parent().and_then(|above| File::open(above).ok()) {
            above.sync_all().map_err(|error| cannot(&error))?;
        }
        Ok(folder)
    }

    fn temporary() -> std::io::Result<Self> {
        remove_left_overs();
        let temporary = tempfile::Builder::new().prefix(TEMPORARY).tempdir()?;
        let path = temporary.path().to_owned();
        let lock = lock_in(&path)?;
        let folder = Self { path, temporary: Some(temporary), _lock: lock };
        folder.create_parts()?;
        Ok(folder)
    }

    fn create_parts(&self) -> std::io::Result<()> {
        fs::create_dir_all(self.index())?;
        fs::create_dir_all(self.log())?;
        File::open(&self.path)?.sync_all()
    }

    /// Where the index stands.
    pub(super) fn index(&self) -> PathBuf {
        self.path.join("index")
    }

    /// Where the log stands.
    pub(super) fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// Whether what stands in it is kept at the end.
    pub(super) fn is_kept(&self) -> bool {
        self.temporary.is_none()
    }

    /// Removes a temporary folder. Where that fails some files stay behind, and the next server
    /// removes them.
    pub(super) fn end(self) {
        if self.temporary.is_some() {
            for _ in 0..REMOVALS_MAX {
                if fs::remove_dir_all(&self.path).is_ok() {
                    break;
                }
            }
        }
    }
}

fn lock_in(folder: &Path) -> Result<File, TryLockError> {
    let path = folder.join(LOCK);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(TryLockError::Error)?;
    file.try_lock()?;
    Ok(file)
}

/// Removes the folders of servers that were killed: each may hold a whole index.
fn remove_left_overs() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(TEMPORARY);
        let lock = entry.path().join(LOCK);
        let age = fs::metadata(&lock).and_then(|lock| lock.modified()).map(|at| at.elapsed());
        let is_old = matches!(age, Ok(Ok(age)) if age >= LEFT_OVER_AGE);
        if is_ours && is_old && lock_in(&entry.path()).is_ok() {
            // Not vital: a folder that cannot be removed only takes room.
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

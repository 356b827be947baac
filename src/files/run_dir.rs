//! The folder of one run: never overwritten, its files whole or not there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Runs that may start in the same second under the same name.
const SAME_NAME_MAX: u32 = 1000;
/// The pointer to the newest run.
const LATEST: &str = "latest";

/// The folder of one run.
#[derive(Debug, Clone)]
pub struct RunDir {
    path: PathBuf,
    id: String,
}

impl RunDir {
    /// Makes a new folder `<stamp>-<name>` in `parent` and points `latest` at it.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn create(parent: &Path, stamp: &str, name: &str) -> Result<Self> {
        let cure = "choose a folder that can be written with OUT=";
        fs::create_dir_all(parent)
            .with_context(|| format!("OUT: `{}` cannot be made; {cure}", parent.display()))?;
        let run = Self::make(parent, &format!("{stamp}-{name}"))
            .with_context(|| format!("OUT: `{}` cannot be written; {cure}", parent.display()))?;
        run.point_latest(parent)
            .with_context(|| format!("OUT: `{}` cannot be written; {cure}", parent.display()))?;
        Ok(run)
    }

    fn make(parent: &Path, wanted: &str) -> Result<Self> {
        for attempt in 1..=SAME_NAME_MAX {
            let id = if attempt == 1 { wanted.to_owned() } else { format!("{wanted}-{attempt}") };
            let path = parent.join(&id);
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path, id }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error.into()),
            }
        }
        bail!("{SAME_NAME_MAX} runs of this name exist already")
    }

    /// The folder's name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file that is there whole or not at all, also if the machine fails meanwhile.
    ///
    /// # Errors
    /// When it cannot be written; an earlier file of the name stays as it was.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.path.join(name);
        let beside = self.path.join(format!(".{name}.part"));
        let write = || -> io::Result<()> {
            let mut file = File::create(&beside)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            File::open(&self.path)?.sync_all()
        };
        write().with_context(|| format!("`{}` could not be written", path.display()))?;
        Ok(path)
    }

    /// Points `latest` here, in one step; a real file or folder of that name is left alone.
    fn point_latest(&self, parent: &Path) -> Result<()> {
        let latest = parent.join(LATEST);
        let is_link = fs::symlink_metadata(&latest).map(|data| data.is_symlink());
        if is_link.is_ok_and(|is_link| !is_link) {
            return Ok(());
        }
        let beside = parent.join(format!(".{LATEST}.{}", self.id));
        symlink(&self.id, &beside)?;
        fs::rename(&beside, &latest)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_of_one_second_get_two_folders_and_latest_points_at_the_newer() {
        let parent = tempfile::tempdir().unwrap();
        let first = RunDir::create(parent.path(), "20261123T120000Z", "quick").unwrap();
        let second = RunDir::create(parent.path(), "20261123T120000Z", "quick").unwrap();
        assert_ne!(first.path(), second.path(), "never overwritten");
        let latest = fs::read_link(parent.path().join(LATEST)).unwrap();
        assert_eq!(latest, Path::new(second.id()), "relative, and the newer");
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let parent = tempfile::tempdir().unwrap();
        let run = RunDir::create(parent.path(), "t", "n").unwrap();
        run.write("result.json", b"first").unwrap();
        run.write("result.json", b"second").unwrap();
        let names: Vec<_> = fs::read_dir(run.path()).unwrap().flatten().collect();
        assert_eq!(names.len(), 1, "no part is left: {names:?}");
        assert_eq!(fs::read(run.path().join("result.json")).unwrap(), b"second", "the newer");
    }

    #[test]
    fn a_parent_that_is_a_file_is_refused_with_its_path_and_the_cure() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("taken");
        fs::write(&file, b"").unwrap();
        let error = format!("{:#}", RunDir::create(&file, "t", "n").unwrap_err());
        assert!(error.contains("taken") && error.contains("OUT="), "{error}");
    }
}

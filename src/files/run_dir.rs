//! The folder of one run: made once, never overwritten, every file in it whole or absent.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::manifest::Stamp;

/// The name beside the runs that points at the newest.
const LATEST: &str = "latest";
/// Runs of one name within one second; more means that something is wrong.
const COLLISIONS_MAX: u32 = 999;

/// Results could not be written; the message names the path and the cure.
#[derive(Debug, thiserror::Error)]
#[error("results could not be written to `{}`: {source}; set OUT to a folder that is writable", path.display())]
pub struct WriteError {
    /// What could not be written.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

impl WriteError {
    /// For `map_err`: names the path that an error is about.
    pub fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { path: path.to_owned(), source }
    }
}

/// A run's own folder.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    id: String,
    stamp: Stamp,
    latest_problem: Option<String>,
}

impl RunDir {
    /// Makes `parent/<UTC>-<name>`, checks that it is writable, and lets `parent/latest` point at it.
    ///
    /// Characters of `name` that are awkward in a path become `-`; where the folder exists already, the
    /// new one gets a number.
    ///
    /// # Errors
    /// When the folder cannot be made or nothing can be written to it.
    pub fn create(parent: &Path, name: &str) -> Result<Self, WriteError> {
        Self::create_at(parent, name, Stamp::now())
    }

    fn create_at(parent: &Path, name: &str, stamp: Stamp) -> Result<Self, WriteError> {
        fs::create_dir_all(parent).map_err(WriteError::at(parent))?;
        let base = format!("{}-{}", stamp.compact(), plain(name));
        let (path, id) = new_folder(parent, &base)?;
        let mut run = Self { path, id, stamp, latest_problem: None };
        run.probe()?;
        run.latest_problem = run.latest_is(parent, Path::new(&run.id));
        Ok(run)
    }

    /// Makes the folder `name` within this one for a run of its own, and lets `latest` beside this one point at it.
    ///
    /// # Errors
    /// When the folder exists, cannot be made, or nothing can be written to it.
    pub fn create_within(&self, name: &str) -> Result<Self, WriteError> {
        let path = self.path.join(name);
        fs::create_dir(&path).map_err(WriteError::at(&path))?;
        let id = format!("{}-{name}", self.id);
        let mut run = Self { path, id, stamp: Stamp::now(), latest_problem: None };
        run.probe()?;
        let parent = self.path.parent().unwrap_or(Path::new("."));
        run.latest_problem = run.latest_is(parent, &Path::new(&self.id).join(name));
        Ok(run)
    }

    /// Lets `latest` point at `place`; what is wrong with that.
    fn latest_is(&self, parent: &Path, place: &Path) -> Option<String> {
        point_latest(parent, &self.id, place).err().map(|error| error.to_string())
    }

    /// The folder of a run that goes on.
    ///
    /// # Errors
    /// When nothing can be written to it.
    pub fn reopen(path: &Path) -> Result<Self, WriteError> {
        let path = fs::canonicalize(path).map_err(WriteError::at(path))?;
        let id = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let run = Self { path, id, stamp: Stamp::now(), latest_problem: None };
        run.probe()?;
        Ok(run)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run's name: that of its folder.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it was made.
    #[must_use]
    pub const fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Why `latest` does not point here; `None` where it does. The results are safe all the same.
    #[must_use]
    pub fn latest_problem(&self) -> Option<&str> {
        self.latest_problem.as_deref()
    }

    /// Writes a file of the run: beside, synced, renamed, so that a reader sees all of it or nothing.
    ///
    /// # Errors
    /// When it cannot be written; what was there before stays.
    pub fn write_atomic(&self, file_name: &str, bytes: &[u8]) -> Result<(), WriteError> {
        let path = self.path.join(file_name);
        write_whole(&path, bytes).map_err(WriteError::at(&path))
    }

    /// Finds out before any load whether results can be written: a full disk makes folders gladly.
    fn probe(&self) -> Result<(), WriteError> {
        let file = self.path.join(".probe");
        write_synced(&file, &[b'\n'; 4096])
            .and_then(|()| fs::remove_file(&file))
            .map_err(WriteError::at(&self.path))
    }
}

/// Writes the file at `path`: beside, synced, renamed, so that a reader sees all of it or nothing.
///
/// # Errors
/// When it cannot be written; what was there before stays.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.partial"));
    let written = write_synced(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| File::open(folder)?.sync_all());
    // The error that is told is the first one; a leftover is only untidy.
    written.inspect_err(|_| drop(fs::remove_file(&temporary)))
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// `create_dir` refuses what exists, so two runs never share a folder, however close they start.
fn new_folder(parent: &Path, base: &str) -> Result<(PathBuf, String), WriteError> {
    let mut number = 1;
    loop {
        let id = if number == 1 { base.to_owned() } else { format!("{base}-{number}") };
        let path = parent.join(&id);
        match fs::create_dir(&path) {
            Ok(()) => return Ok((path, id)),
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists && number < COLLISIONS_MAX =>
            {
                number += 1;
            }
            Err(source) => return Err(WriteError { path, source }),
        }
    }
}

/// Replaces the link in one step; anything else of that name belongs to the user and stays.
fn point_latest(parent: &Path, id: &str, place: &Path) -> io::Result<()> {
    let latest = parent.join(LATEST);
    if fs::symlink_metadata(&latest).is_ok_and(|meta| !meta.file_type().is_symlink()) {
        let text = format!("`{}` is not a link and was left alone", latest.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
    }
    let temporary = parent.join(format!(".{LATEST}-{id}"));
    std::os::unix::fs::symlink(place, &temporary)?;
    fs::rename(&temporary, &latest).inspect_err(|_| drop(fs::remove_file(&temporary)))
}

fn plain(name: &str) -> String {
    let keep = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    name.chars().map(|letter| if keep(letter) { letter } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_run_never_gets_the_folder_of_another() {
        let parent = tempfile::tempdir().unwrap();
        let stamp = Stamp::now();
        let runs: Vec<RunDir> = (0..3)
            .map(|_| RunDir::create_at(parent.path(), "capacity w=4", stamp).unwrap())
            .collect();
        let base = format!("{}-capacity-w-4", stamp.compact());
        let ids: Vec<&str> = runs.iter().map(RunDir::id).collect();
        assert_eq!(ids, [base.clone(), format!("{base}-2"), format!("{base}-3")]);
        let latest = fs::read_link(parent.path().join("latest")).unwrap();
        assert_eq!(latest, Path::new(ids[2]), "the link is relative and points at the newest");
        assert_eq!(names_in(parent.path()).len(), 4, "three runs, one link, nothing else");
        assert!(names_in(runs[0].path()).is_empty(), "the probe is gone");
    }

    #[test]
    fn of_runs_within_one_folder_latest_is_the_newest_run() {
        let parent = tempfile::tempdir().unwrap();
        let set = RunDir::create(parent.path(), "scale").unwrap();
        for name in ["w1", "w2"] {
            let run = set.create_within(name).unwrap();
            assert_eq!(run.id(), format!("{}-{name}", set.id()), "one name in all of the results");
            let latest = fs::canonicalize(parent.path().join("latest")).unwrap();
            assert_eq!(latest, fs::canonicalize(run.path()).unwrap(), "it is a run, not the set");
        }
        assert!(set.create_within("w2").is_err(), "no run gets the folder of another");
        assert_eq!(names_in(set.path()), ["w1", "w2"], "and nothing else");
    }

    #[test]
    fn a_real_folder_called_latest_is_left_alone_and_said_so() {
        let parent = tempfile::tempdir().unwrap();
        fs::create_dir(parent.path().join("latest")).unwrap();
        let run = RunDir::create(parent.path(), "capacity").unwrap();
        assert!(run.latest_problem().unwrap().contains("left alone"), "{run:?}");
        assert!(parent.path().join("latest").is_dir(), "it is still there");
    }

    #[test]
    fn a_file_in_place_of_the_parent_is_named_in_the_error() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("results");
        fs::write(&file, "mine").unwrap();
        let error = RunDir::create(&file, "capacity").unwrap_err().to_string();
        assert!(error.contains(file.to_str().unwrap()) && error.contains("OUT"), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine", "and it is not touched");
    }

    #[test]
    fn a_written_file_is_whole_and_leaves_nothing_beside_it() {
        let parent = tempfile::tempdir().unwrap();
        let run = RunDir::create(parent.path(), "capacity").unwrap();
        run.write_atomic("result.json", b"first").unwrap();
        run.write_atomic("result.json", b"second").unwrap();
        assert_eq!(fs::read(run.path().join("result.json")).unwrap(), b"second");
        assert_eq!(names_in(run.path()), ["result.json"], "no temporary file");
    }

    #[test]
    fn a_write_that_fails_names_its_file_and_leaves_nothing_beside_it() {
        let parent = tempfile::tempdir().unwrap();
        let run = RunDir::create(parent.path(), "capacity").unwrap();
        fs::create_dir_all(run.path().join("result.json/in the way")).unwrap();
        let error = run.write_atomic("result.json", b"text").unwrap_err();
        assert!(error.to_string().contains("result.json"), "{error}");
        assert_eq!(names_in(run.path()), ["result.json"], "no temporary file");
    }
}

//! Files: the run's folder, its journal, its manifest.

pub mod journal;
pub mod manifest;
pub mod numbers;
pub mod run_dir;
